"""The invented county of Norrsjö: its municipalities, suppliers and accounts, and a generator of choices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")

BASE = "https://data.norrsjo.example/"
COUNTY = ("99", "Norrsjö län", "Norrsjö County")


def check_digit(nine: str) -> str:
    """Return the Luhn check digit of nine digits, as in organisation numbers and personnummer."""
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(nine))
    return str(-total % 10)


def orgnr(nine: str) -> str:
    """Return the ten digits of the organisation number that starts with these nine."""
    return nine + check_digit(nine)


class Dice:
    """Choices from a named seed; built on `random()` alone, whose sequence no Python version changes."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """Return True in this share of the calls."""
        return self._random.random() < share

    def one(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self._random.random() * len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` different ones of the choices, in the order they were drawn."""
        left = list(choices)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]

    def amount(self) -> Decimal:
        """Return a plausible amount of an invoice line: many small, few large, öre included."""
        size = self.one((3, 3, 4, 4, 4, 5, 5, 6))
        ore = 0 if self.chance(0.3) else self.number(0, 99)
        return Decimal(self.number(10 ** (size - 1), 10**size - 1)) + Decimal(ore) / 100

    def near(self, centre: float, spread: float) -> float:
        """Return a coordinate within `spread` of the centre, with six decimals (about 0.1 m)."""
        return round(centre + (self._random.random() * 2 - 1) * spread, 6)


@dataclass(frozen=True)
class Municipality:
    """One publisher. The town's centre lies on a grid that covers none of Sweden's real towns closely."""

    kommunkod: str
    key: str
    name: str
    number: str
    latitude: float
    longitude: float
    postcode: int
    shouted: bool = False

    @property
    def buyer(self) -> str:
        """The name the municipality signs with; some systems shout."""
        return f"{self.name} kommun".upper() if self.shouted else f"{self.name} kommun"

    @property
    def domain(self) -> str:
        """The web domain, in the top domain that RFC 2606 reserves for examples."""
        return f"{self.key}.example"

    def dice(self, purpose: str) -> Dice:
        """Return the choices of this municipality for one purpose."""
        return Dice(f"{self.key}/{purpose}")


_NAMES = (
    ("norrsjo", "Norrsjö"),
    ("granby", "Granby"),
    ("alvhult", "Älvhult"),
    ("ekvalla", "Ekvalla"),
    ("stenasa", "Stenåsa"),
    ("lovnas", "Lövnäs"),
    ("tallmo", "Tallmo"),
    ("angshamn", "Ängshamn"),
    ("hedfors", "Hedfors"),
    ("kvarnede", "Kvarnede"),
    ("ronnhed", "Rönnhed"),
    ("obacka", "Öbacka"),
)


def _municipality(place: int, key: str, name: str) -> Municipality:
    # 212000-99xx holds only ten numbers with a valid check digit; the last two take the end of 98xx.
    serial = 990 + place if place < 10 else 978 + place
    return Municipality(
        kommunkod=f"99{place + 1:02d}",
        key=key,
        name=name,
        number=orgnr(f"212000{serial}"),
        latitude=round(61.05 + 0.22 * (place // 4), 3),
        longitude=round(14.62 + 0.41 * (place % 4), 3),
        postcode=79000 + 37 * (place + 1),
        shouted=key in ("ekvalla", "lovnas"),
    )


MUNICIPALITIES = tuple(_municipality(place, key, name) for place, (key, name) in enumerate(_NAMES))


@dataclass(frozen=True)
class Supplier:
    """Someone who is paid; a person's number is one that the Swedish Tax Agency keeps for tests."""

    name: str
    number: str
    groups: tuple[str, ...]
    person: bool = False


# Organisation numbers from ranges that Bolagsverket and Skatteverket have not reached: no real firm is named.
_REGIONAL = (
    ("Norrsjö Energi AB", "62"),
    ("Norrsjöbostäder AB", "60 61"),
    ("Mellanskogs Fastighetsservice AB", "61 66"),
    ("Tre Sjöars Byggvaruhus AB", "41 64 66"),
    ("Granby Bygg & Betong AB", "41 66"),
    ("Skolmat i Norrsjö AB", "64"),
    ("Livsmedelsgrossisten Fjällbäck AB", "64"),
    ("Kontorsboden i Mellansverige AB", "65 64"),
    ("Pappersgrossen Tuvan AB", "65"),
    ("Datahuset Norrsken AB", "64 68 74"),
    ("Molntjänst Älven AB", "68 74"),
    ("Telebolaget Åskan AB", "68"),
    ("Posthanteringen Duvan AB", "68"),
    ("Länstrafiken i Norrsjö AB", "70"),
    ("Buss & Taxi i Älvdalarna AB", "70"),
    ("Bilhuset Vägskälet AB", "69 63"),
    ("Maskinringen Plogen AB", "63 66 74"),
    ("Leasebolaget Linden AB", "63"),
    ("Omsorgsbolaget Solgläntan AB", "46"),
    ("Vårdhem i Norr AB", "46"),
    ("Friskolan Kometen AB", "46"),
    ("Förskolan Tallkotten Ek. för.", "46 45"),
    ("Personlig Hjälp Norrsjö AB", "46 75"),
    ("Bemanning Nio till Fem AB", "75"),
    ("Vikariepoolen Svalan AB", "75"),
    ("Konsultgruppen Kartbladet AB", "74"),
    ("Arkitektkontoret Vinkeln AB", "74 40"),
    ("Revisionsbyrån Kolumnen AB", "74"),
    ("Juristbyrån Paragrafen AB", "74"),
    ("Tvätteriet Vita Lakan AB", "74 64"),
    ("Städbolaget Kvasten AB", "61 74"),
    ("Väktarna i Norr AB", "74"),
    ("Annonsbyrån Trumman AB", "72"),
    ("Tidningen Norrsjöbladet AB", "72 65"),
    ("Försäkringsbolaget Paraplyet", "73"),
    ("Hotell Stora Torget AB", "71 70"),
    ("Restaurang Gästabudet AB", "71"),
    ("Avfallsbolaget Kretsen AB", "61 74"),
    ("Hjälpmedelscentralen Stödet AB", "64 46"),
    ("Lekplatsmästarna AB", "41 40 66"),
    ("Norrsjö Idrottsallians", "45"),
    ("Folkets Hus i Norrsjö Ek. för.", "60 45"),
)
_PUBLIC = (
    ("Region Norrsjö", "232100999", "46 74"),
    ("Räddningstjänstförbundet Tre Sjöar", "222000999", "46"),
    ("Norrsjö kommun", "212000990", "46"),
    ("Granby kommun", "212000991", "46"),
)
_LOCAL = (
    ("{} Rör & VVS AB", "61 66"),
    ("{} Elektriska AB", "66 41"),
    ("{} Taxi AB", "70"),
    ("{} Järn & Färg AB", "64 41"),
    ("{} Idrottsförening", "45"),
    ("{} Hembygdsförening", "45"),
    ("Café Torget i {} HB", "71 64"),
    ("{} Åkeri AB", "70 74"),
)
# Invented people only: nobody is called Testsson, and birth numbers 980-999 are never given to anyone born.
_TRADERS = (
    ("Anna Testssons Städ", "640412980", "61 74"),
    ("Bo Exempelssons Snickeri", "580923981", "66"),
    ("Cilla Påhittad Konsult", "710107982", "74"),
    ("Firma David Fiktivsson", "811130983", "74 70"),
    ("Exempelgården, Eva Testsson", "690618984", "64"),
    ("Fia Provssons Massage", "850214985", "74"),
    ("Målare Gustav Låtsasson", "760805986", "66"),
    ("Hanna Exempelsson Foto", "920326987", "72 74"),
    ("Ivar Fiktivssons Snöröjning", "550519988", "61 66"),
    ("Jonna Testsson Tolk", "880701989", "74"),
    ("Kalle Provsson Trädgård", "790922990", "61"),
    ("Lisa Låtsasson Keramik", "011212991", "74 64"),
)


def _groups(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _kind(name: str, serial: int) -> str:
    """Nine digits that start as the form of organisation does: 559 AB, 769 economic, 809 ideal, 969 HB."""
    if name.endswith("Ek. för."):
        return f"769999{serial:03d}"
    if name.endswith("HB"):
        return f"969999{serial:03d}"
    if any(word in name for word in ("förening", "allians")):
        return f"809999{serial:03d}"
    return f"559990{serial:03d}"


REGIONAL = tuple(
    Supplier(name, orgnr(_kind(name, serial)), _groups(groups)) for serial, (name, groups) in enumerate(_REGIONAL, 101)
) + tuple(Supplier(name, orgnr(nine), _groups(groups)) for name, nine, groups in _PUBLIC)

TRADERS = tuple(Supplier(name, orgnr(nine), _groups(groups), person=True) for name, nine, groups in _TRADERS)


def local_suppliers(municipality: Municipality) -> tuple[Supplier, ...]:
    """Return the firms and associations that sell to this municipality alone."""
    first = 200 + 10 * (int(municipality.kommunkod) - 9900)
    return tuple(
        Supplier(text.format(municipality.name), orgnr(_kind(text, first + place)), _groups(groups))
        for place, (text, groups) in enumerate(_LOCAL)
    )


def traders(municipality: Municipality) -> tuple[Supplier, ...]:
    """Return the three sole traders of this municipality; some work in two."""
    place = int(municipality.kommunkod) - 9901
    return tuple(TRADERS[(place * 5 + step) % len(TRADERS)] for step in range(3))


# The two-digit groups are Kommun-Bas; the accounts below them are each municipality's own, as in real ledgers.
ACCOUNTS: dict[str, tuple[str, ...]] = {
    "40": ("Inköp av mark", "Förbättringsarbeten anläggning"),
    "41": ("Anläggnings- och underhållsmaterial", "Grus och asfalt"),
    "45": ("Bidrag till föreningar", "Bidrag till enskilda verksamheter"),
    "46": ("Köp av huvudverksamhet", "Köp av vårdplatser", "Interkommunal ersättning"),
    "60": ("Lokalhyror", "Markhyror och arrenden"),
    "61": ("Fastighetsskötsel", "Städning", "Renhållning"),
    "62": ("Elavgifter", "Fjärrvärme", "Drivmedel"),
    "63": ("Leasing av fordon", "Hyra av maskiner"),
    "64": ("Förbrukningsinventarier", "Livsmedel", "Förbrukningsmaterial", "Inkontinenshjälpmedel"),
    "65": ("Kontorsmaterial", "Trycksaker och tidningar"),
    "66": ("Reparation av byggnader", "Underhåll av maskiner"),
    "68": ("Telefoni", "Datakommunikation", "Porto"),
    "69": ("Drift av fordon", "Reservdelar"),
    "70": ("Skolskjuts", "Frakter", "Resor i tjänsten"),
    "71": ("Representation", "Kurser och konferenser"),
    "72": ("Annonser", "Information och reklam"),
    "73": ("Försäkringspremier",),
    "74": ("Konsulttjänster", "Licenser", "Övriga främmande tjänster", "Tvätt"),
    "75": ("Tillfälligt inhyrd personal",),
    "76": ("Avgifter och diverse", "Medlemsavgifter"),
}
DEPARTMENTS = (
    "Kommunstyrelseförvaltningen",
    "Barn- och utbildningsförvaltningen",
    "Vård- och omsorgsförvaltningen",
    "Samhällsbyggnadsförvaltningen",
    "Kultur- och fritidsförvaltningen",
    "Miljö- och byggnämnden",
)


def account(municipality: Municipality, group: str, text: str) -> str:
    """Return the municipality's own account number: four digits in some plans, five in most."""
    place, step = int(municipality.kommunkod) - 9900, ACCOUNTS[group].index(text) + 1
    return f"{group}{step}{place % 10}" if place % 4 == 0 else f"{group}{step}{place:02d}"
