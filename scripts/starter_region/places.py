"""The invented schools and homes for older people, before any municipality's system has written them down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from starter_region.region import REGIONAL, TRADERS, Dice, Municipality, Supplier

_STREETS = (
    "Storgatan", "Skolgatan", "Kyrkvägen", "Björkvägen", "Industrigatan", "Järnvägsgatan", "Sjövägen", "Ängsvägen",
    "Prästgatan", "Bruksgatan", "Åsgatan", "Kvarnvägen", "Lärkstigen", "Backgränd",
)  # fmt: skip
_SCHOOLS = ("Centralskolan", "Kyrkskolan", "Backaskolan", "Ängskolan", "Norra skolan", "Sjöskolan", "Björkskolan")
_PRESCHOOLS = ("Blåklinten", "Smultronet", "Kotten", "Myran", "Regnbågen", "Trollet", "Solrosen", "Ekorren")
_HOMES = ("Solgården", "Björkhagen", "Åsgården", "Ängsro", "Furuliden", "Lindgården", "Tallbacken", "Sjöutsikten")
_AREAS = ("Centrum", "Norra sidan", "Södra sidan", "Sjöstaden", "Bruket", "Landsbygden")
_CARE = ("Äldreboende", "Äldreboende", "Äldreboende", "Trygghetsboende", "Korttidsboende")
_FREE_SCHOOL = next(supplier for supplier in REGIONAL if supplier.name == "Friskolan Kometen AB")
_CARE_FIRMS = tuple(
    supplier for supplier in REGIONAL if supplier.name in ("Omsorgsbolaget Solgläntan AB", "Vårdhem i Norr AB")
)
# A family day-care run by a sole trader: the operator's organisation number is a person's.
_DAY_CARE = TRADERS[0]
_TODAY = date(2026, 2, 27)


@dataclass(frozen=True)
class Place:
    """One school or one home; `form` is the kind of school or of care."""

    code: str
    name: str
    form: str
    grades: str
    size: int
    operator: Supplier
    private: bool
    street: str
    postcode: str
    city: str
    area: str
    latitude: float
    longitude: float
    phone: str
    email: str
    page: str
    opened: date
    updated: date
    text: str

    @property
    def regime(self) -> str:
        """Who runs it, in the words of Swedish school and care registers."""
        return "Enskild" if self.private else "Kommunal"


def schools(municipality: Municipality) -> list[Place]:
    """Return four to fifteen schools: preschools, compulsory schools, in larger towns upper secondary ones."""
    dice = municipality.dice("schools")
    number = 15 if municipality.kommunkod == "9901" else dice.number(4, 12)
    kinds = ["Grundskola"] * max(2, number // 2 - 1) + ["Förskola"] * (number - max(2, number // 2 - 1))
    if number > 7:
        kinds[-1] = "Gymnasieskola"
    if municipality.key == "hedfors":
        kinds[-2] = "Pedagogisk omsorg"
    names = {"Grundskola": dice.some(_SCHOOLS, 7), "Förskola": dice.some(_PRESCHOOLS, 8)}
    rows: list[Place] = []
    for serial, kind in enumerate(kinds, 1):
        private = kind == "Pedagogisk omsorg" or (kind == "Grundskola" and serial == 2)
        operator = _operator(municipality, _DAY_CARE if kind == "Pedagogisk omsorg" else _FREE_SCHOOL, private)
        name = {
            "Gymnasieskola": f"{municipality.name} gymnasium",
            "Pedagogisk omsorg": "Dagbarnvårdaren Lekstugan",
        }.get(kind) or names[kind].pop(0)
        if kind == "Förskola":
            name = f"Förskolan {name}"
        if private and kind == "Grundskola":
            name = f"Friskolan Kometen {municipality.name}"
        grades = {"Grundskola": dice.one(("F-3", "F-6", "F-9", "4-9", "7-9")), "Gymnasieskola": "1-3"}.get(kind, "")
        size = {"Grundskola": 60, "Gymnasieskola": 150, "Förskola": 18}.get(kind, 4) + dice.number(0, 5) * (
            70 if grades else 9
        )
        # School unit codes are eight digits; a first zero is what spreadsheets like to lose.
        code = f"0{municipality.kommunkod}{serial:03d}"
        rows.append(_place(dice, municipality, code, name, kind, grades, size, operator, private))
    return rows


def homes(municipality: Municipality) -> list[Place]:
    """Return three to eight homes for older people."""
    dice = municipality.dice("homes")
    rows: list[Place] = []
    for serial, name in enumerate(dice.some(_HOMES, dice.number(3, 8)), 1):
        private = serial == 3
        operator = _operator(municipality, dice.one(_CARE_FIRMS), private)
        code = f"AB-{serial:02d}"
        rows.append(_place(dice, municipality, code, name, dice.one(_CARE), "", dice.number(8, 64), operator, private))
    return rows


def _operator(municipality: Municipality, firm: Supplier, private: bool) -> Supplier:
    return firm if private else Supplier(f"{municipality.name} kommun", municipality.number, ())


def _place(
    dice: Dice,
    municipality: Municipality,
    code: str,
    name: str,
    form: str,
    grades: str,
    size: int,
    operator: Supplier,
    private: bool,
) -> Place:
    slug = "".join({"å": "a", "ä": "a", "ö": "o", " ": "-"}.get(letter, letter) for letter in name.lower())
    return Place(
        code=code,
        name=name,
        form=form,
        grades=grades,
        size=size,
        operator=operator,
        private=private,
        street=f"{dice.one(_STREETS)} {dice.number(1, 48)}",
        postcode=str(municipality.postcode + dice.number(0, 9)),
        city=municipality.name,
        area=dice.one(_AREAS),
        latitude=dice.near(municipality.latitude, 0.035),
        longitude=dice.near(municipality.longitude, 0.07),
        # 0980-319 2xx: numbers that Post- och telestyrelsen keeps free for made-up use.
        phone=f"0980-319 2{dice.number(0, 99):02d}",
        email=f"{slug}@{municipality.domain}",
        page=f"https://www.{municipality.domain}/{slug}",
        opened=date(dice.number(1958, 2022), dice.number(1, 12), dice.number(1, 28)),
        updated=_TODAY - timedelta(days=dice.number(0, 200)),
        text=f"{form} i {municipality.name}, {dice.one(('nära centrum', 'vid sjön', 'intill skogen', 'på landet'))}.",
    )
