"""How each of the twelve municipalities delivers its schools and its homes for older people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starter_region import cells
from starter_region.delivery import Delivery, Fault, Write
from starter_region.formats import Cell, Delimited, Form, JsonRows, Workbook2007
from starter_region.places import Place
from starter_region.region import MUNICIPALITIES, Municipality

BAD_VALUE, OUTSIDE, MISSING = "values.datatype", "values.range", "values.required"
UNMATCHED = "concepts.unmatched"

SCHOOL_COLUMNS = (
    "source id name school_form grades pupils operator operator_orgnr operator_type street postcode city latitude "
    "longitude phone email visit_url updated description"
).split()
HOME_COLUMNS = (
    "source id name care_type capacity operator operator_orgnr operator_type area street postcode city latitude "
    "longitude phone email visit_url opened updated description"
).split()

_FIELDS: dict[str, Callable[[Place], Any]] = {
    "id": lambda place: place.code,
    "name": lambda place: place.name,
    "school_form": lambda place: place.form,
    "care_type": lambda place: place.form,
    "grades": lambda place: place.grades,
    "pupils": lambda place: place.size,
    "capacity": lambda place: place.size,
    "operator": lambda place: place.operator.name,
    "operator_orgnr": lambda place: place.operator.number,
    "operator_type": lambda place: place.regime,
    "area": lambda place: place.area,
    "street": lambda place: place.street,
    "postcode": lambda place: place.postcode,
    "city": lambda place: place.city,
    "latitude": lambda place: str(place.latitude),
    "longitude": lambda place: str(place.longitude),
    "phone": lambda place: place.phone,
    "email": lambda place: place.email,
    "visit_url": lambda place: place.page,
    "opened": lambda place: cells.iso(place.opened),
    "updated": lambda place: cells.iso(place.updated),
    "description": lambda place: place.text,
}
_SWEDISH = {
    "source": "Kommunkod",
    "id": "Skolenhetskod",
    "name": "Namn",
    "school_form": "Skolform",
    "care_type": "Boendeform",
    "grades": "Årskurser",
    "pupils": "Antal elever",
    "capacity": "Antal platser",
    "operator": "Huvudman",
    "operator_orgnr": "Organisationsnummer",
    "operator_type": "Driftsform",
    "area": "Område",
    "street": "Gatuadress",
    "postcode": "Postnummer",
    "city": "Postort",
    "latitude": "Latitud",
    "longitude": "Longitud",
    "phone": "Telefon",
    "email": "E-post",
    "visit_url": "Webbplats",
    "opened": "Öppnade",
    "updated": "Uppdaterad",
    "description": "Beskrivning",
}
_SCHOOL_API = {
    "source": "geographicalAreaCode",
    "id": "schoolUnitCode",
    "name": "schoolUnitName",
    "school_form": "typeOfSchooling",
    "grades": "schoolYears",
    "operator": "corporationName",
    "operator_orgnr": "organisationRegistryNumber",
    "operator_type": "principalOrganizerType",
    "street": "address",
    "postcode": "zipCode",
    "city": "locality",
    "latitude": "wgs84_Lat",
    "longitude": "wgs84_Long",
    "email": "email",
}


def _comma(name: str) -> Callable[[Place], Cell]:
    return lambda place: str(_FIELDS[name](place)).replace(".", ",")


def _worded(name: str, words: dict[str, str]) -> Callable[[Place], Cell]:
    """The municipality's own words for kinds of school, care and operator."""
    return lambda place: words.get(str(_FIELDS[name](place)), _FIELDS[name](place))


def _post(place: Place) -> Cell:
    return f"{place.postcode[:3]} {place.postcode[3:]}"


def _columns(
    town: Municipality,
    names: Iterable[str],
    headers: dict[str, str] | None = None,
    leave_out: str = "",
    **writers: Callable[[Place], Cell],
) -> list[tuple[str, Write]]:
    """The specification's columns in its order, under the given headers, some left out or written otherwise."""
    fields = {**_FIELDS, "source": lambda place: town.kommunkod, **writers}
    words = headers or {}
    return [(words.get(name, name), fields[name]) for name in names if name not in leave_out.split()]


def _pair(
    town: Municipality,
    form: Form,
    files: tuple[str, str],
    headers: dict[str, str] | None = None,
    leave_out: str = "",
    differences: tuple[str, str] = ("", ""),
    faults: tuple[tuple[Fault, ...], tuple[Fault, ...]] = ((), ()),
    school_headers: dict[str, str] | None = None,
    extra: tuple[tuple[tuple[str, Write], ...], tuple[tuple[str, Write], ...]] = ((), ()),
    **writers: Callable[[Place], Cell],
) -> tuple[Delivery, Delivery]:
    """The schools and the homes of one municipality: the same system wrote both."""
    words = headers or {}
    home_words = {**words, "id": "Enhetsid"} if words.get("id") == "Skolenhetskod" else words
    schools = school_headers or words
    school_names = [name for name in SCHOOL_COLUMNS if not school_headers or name in school_headers]
    kinds = (
        [*_columns(town, school_names, schools, leave_out, **writers), *extra[0]],
        [*_columns(town, HOME_COLUMNS, home_words, leave_out, **writers), *extra[1]],
    )
    made = [
        Delivery(form, columns, (name,), differences=said, faults={name: planted})
        for columns, name, said, planted in zip(kinds, files, differences, faults, strict=True)
    ]
    return made[0], made[1]


def norrsjo(town: Municipality) -> tuple[Delivery, Delivery]:
    """The model; only a description runs over two lines, as RFC 4180 allows inside quotes."""
    wrapped: Callable[[Place], Cell] = lambda place: place.text.replace(", ", ",\n")  # noqa: E731
    return _pair(town, Delimited("utf-8-sig"), ("skolor.csv", "aldreboenden.csv"), description=wrapped)


def granby(town: Municipality) -> tuple[Delivery, Delivery]:
    """Windows-1252, decimal commas in coordinates, a school placed outside the world, a column to leave out."""
    headers = {**_SWEDISH, "name": "Verksamhetens namn"}
    head: Write = lambda place: f"Testa Rektorsson {place.code[-2:]}"  # noqa: E731
    dropped = '[columns]\n"Rektor" = { drop = true, reason = "Namn på anställda publiceras inte." }\n'
    return _pair(
        town,
        Delimited("cp1252", ";"),
        ("skolor.csv", "boenden.csv"),
        headers,
        differences=(dropped, ""),
        faults=((Fault(2, "coordinate outside the world", OUTSIDE, "cell", "Latitud", "161,05"),), ()),
        extra=((("Rektor", head),), ()),
        latitude=_comma("latitude"),
        longitude=_comma("longitude"),
        postcode=_post,
    )


def alvhult(town: Municipality) -> tuple[Delivery, Delivery]:
    """UTF-16; no column says which municipality it is."""
    return _pair(
        town,
        Delimited("utf-16"),
        ("skolor_2026.csv", "aldreboenden_2026.csv"),
        leave_out="source description",
        differences=(f'[constants]\nsource = "{town.kommunkod}"\n',) * 2,
        faults=((), (Fault(1, "unknown concept", UNMATCHED, "cell", "care_type", "Slott"),)),
    )


def ekvalla(town: Municipality) -> tuple[Delivery, Delivery]:
    """Bare carriage returns, headers in capitals, a home whose latitude and longitude have changed places."""
    capitals = {name: word.upper() for name, word in _SWEDISH.items()} | {"id": "ID"}
    return _pair(
        town,
        Delimited("utf-8", ";", "\r"),
        ("skolor.csv", "aldreboenden.csv"),
        capitals,
        leave_out="visit_url",
        faults=((), (Fault(0, "columns swapped", "source.coordinates-swapped", "none", "LATITUD", "LONGITUD"),)),
    )


def stenasa(town: Municipality) -> tuple[Delivery, Delivery]:
    """Workbooks with a title; a code with a first zero is a number that its format shows in full."""
    return _pair(
        town,
        Workbook2007(
            "Enheter", "Verksamheter i Stenåsa", (("Skolenhetskod", "00000000"), ("Uppdaterad", "yyyy-mm-dd"))
        ),
        ("Skolor.xlsx", "Äldreboenden.xlsx"),
        _SWEDISH,
        id=lambda place: int(place.code) if place.code.isdigit() else place.code,
        latitude=lambda place: place.latitude,
        longitude=lambda place: place.longitude,
        updated=lambda place: place.updated,
        operator_orgnr=lambda place: cells.hyphened(place.operator.number),
    )


def lovnas(town: Municipality) -> tuple[Delivery, Delivery]:
    """JSON from a row store, with commas in coordinates and a byte order mark in the first key."""
    return _pair(
        town,
        JsonRows(("results",), mark_in_key=True),
        ("skolor.json", "aldreboenden.json"),
        leave_out="phone description",
        faults=((Fault(0, "e-mail address that is none", BAD_VALUE, "cell", "email", "saknas"),), ()),
        latitude=_comma("latitude"),
        longitude=_comma("longitude"),
    )


def tallmo(town: Municipality) -> tuple[Delivery, Delivery]:
    """Headers of its own; dates in words; a school without a name; a column that nobody has described."""
    headers = {**_SWEDISH, "name": "Verksamhetens namn", "updated": "Senast uppdaterad"}
    return _pair(
        town,
        Delimited("utf-8", ";"),
        ("skolor.csv", "boenden.csv"),
        headers,
        faults=((Fault(1, "mandatory value missing", MISSING, "row", "Verksamhetens namn", ""),), ()),
        extra=((), (("Bygglovsdiarium", lambda place: f"BN {place.opened.year}:{place.size}"),)),
        updated=lambda place: cells.swedish(place.updated),
        school_form=lambda place: place.form.upper(),
        postcode=_post,
    )


def angshamn(town: Municipality) -> tuple[Delivery, Delivery]:
    """Tabs; the words of the school register's interface; dates as eight digits."""
    return _pair(
        town,
        Delimited("utf-8", "\t", "\n", ".tsv"),
        ("school-units.tsv", "aldreboenden.tsv"),
        school_headers=_SCHOOL_API,
        school_form=_worded("school_form", {"Grundskola": "gr", "Gymnasieskola": "gy"}),
        operator_orgnr=lambda place: cells.hyphened(place.operator.number),
        updated=lambda place: cells.compact(place.updated),
        opened=lambda place: cells.compact(place.opened),
    )


def hedfors(town: Municipality) -> tuple[Delivery, Delivery]:
    """A family day-care run by a sole trader, whose name and number must not be published; a date to declare."""
    declared = '[columns]\n"Uppdaterad" = { column = "updated", format = "dd/MM/yyyy" }\n'
    opened = '"Öppnade" = { column = "opened", format = "dd/MM/yyyy" }\n'
    return _pair(
        town,
        Delimited("utf-8", ";"),
        ("skolor.csv", "aldreboenden.csv"),
        _SWEDISH,
        differences=(declared, declared + opened),
        operator_type=_worded("operator_type", {"Kommunal": "Egen regi", "Enskild": "Privat"}),
        updated=lambda place: cells.british(place.updated),
        opened=lambda place: cells.british(place.opened),
    )


def kvarnede(town: Municipality) -> tuple[Delivery, Delivery]:
    """Workbooks where codes became numbers: a format declares how wide codes were, dates are serials."""
    return _pair(
        town,
        Workbook2007("Blad1"),
        ("skolor.xlsx", "boenden.xlsx"),
        differences=('[columns]\n"id" = { column = "id", format = "00000000" }\n', ""),
        id=lambda place: int(place.code) if place.code.isdigit() else place.code,
        care_type=_worded("care_type", {"Äldreboende": "Särskilt boende"}),
        source=lambda place: int(town.kommunkod),
        postcode=lambda place: int(place.postcode),
        updated=lambda place: cells.serial(place.updated),
        operator_orgnr=lambda place: int(place.operator.number),
        latitude=lambda place: place.latitude,
        longitude=lambda place: place.longitude,
    )


def ronnhed(town: Municipality) -> tuple[Delivery, Delivery]:
    """JSON with real numbers two levels down; a school whose count of pupils is a word."""
    return _pair(
        town,
        JsonRows(("data", "rader")),
        ("skolor.json", "aldreboenden.json"),
        faults=((Fault(1, "text for a number", BAD_VALUE, "cell", "pupils", "cirka hundra"),), ()),
        latitude=lambda place: place.latitude,
        longitude=lambda place: place.longitude,
    )


def obacka(town: Municipality) -> tuple[Delivery, Delivery]:
    """Everything in quotes; words that no list of synonyms holds are declared in dataset.toml."""
    headers = {
        **_SWEDISH,
        "name": "Vad stället heter",
        "street": "Hitta hit",
        "latitude": "Nordlig koordinat",
        "longitude": "Östlig koordinat",
    }
    own = ("name", "street", "latitude", "longitude")
    declared = "[columns]\n" + "".join(f'"{headers[name]}" = "{name}"\n' for name in own)
    return _pair(
        town,
        Delimited("utf-8", ";", "\n", quote_all=True),
        ("Öbackas skolor.csv", "Öbackas äldreboenden.csv"),
        headers,
        leave_out="operator_orgnr",
        differences=(declared, declared),
        faults=((Fault(0, "repeated row", "identifiers.repeated", "none"),), ()),
    )


_MAKERS = (norrsjo, granby, alvhult, ekvalla, stenasa, lovnas, tallmo, angshamn, hedfors, kvarnede, ronnhed, obacka)
_PAIRS = {town.key: make(town) for town, make in zip(MUNICIPALITIES, _MAKERS, strict=True)}
SCHOOLS: dict[str, Delivery] = {key: pair[0] for key, pair in _PAIRS.items()}
HOMES: dict[str, Delivery] = {key: pair[1] for key, pair in _PAIRS.items()}
