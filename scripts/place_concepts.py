"""Write the place facet (Sweden, counties, municipalities) and its mappings as Turtle, from files of facts.

    python scripts/place_concepts.py --municipalities municipality_county.csv --bodies public-se-wikidata.csv

`municipality_county.csv` (codes and names of Statistics Sweden, CC0) comes from github.com/sjbrg/swedish-geodata,
`public-se-wikidata.csv` (public bodies matched with Wikidata) from github.com/salgo60/okfnLocal. Beside this script lie
`counties.csv` (ISO 3166-2, NUTS 3 and Wikidata of the 21 counties) and `municipality_names.csv` (names that the other
files lack or have wrong). What could not be matched is printed; the same files always give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ONTOLOGY = HERE.parent / "ontology"
ISSUED = "2026-11-22"
STATUS = "<http://purl.org/adms/status/Completed>"
DIGITS = 10

HEADER = f"""\
# Written by scripts/place_concepts.py from files of facts; change those or the script, not this file.
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<def/place> a skos:ConceptScheme ;
    skos:prefLabel "Platser"@sv, "Places"@en ;
    dcterms:title "Platser"@sv, "Places"@en ;
    dcterms:description
        "Sverige, de 21 länen och de 290 kommunerna med SCB:s koder."@sv,
        "Sweden, its 21 counties and its 290 municipalities with the codes of Statistics Sweden."@en ;
    dcterms:isPartOf <def/torg> ;
    dcterms:issued "{ISSUED}"^^xsd:date ;
    dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> ;
    owl:versionInfo "1.1.0" ;
    rdfs:seeAlso <terminology/place> ;
    skos:changeNote
        "1.1.0 (2026-11-22): hämtas som terminologi."@sv,
        "1.1.0 (2026-11-22): harvested as a terminology."@en,
        "1.0.0 (2026-11-22): första utgåvan."@sv,
        "1.0.0 (2026-11-22): first edition."@en ;
    adms:status {STATUS} ;
    skos:hasTopConcept <def/place/SE> .

"""


@dataclass(frozen=True)
class Body:
    """A row of the register of public bodies, as far as it can be believed."""

    name: str
    english: str
    wikidata: str
    orgnr: str


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def checked_orgnr(text: str) -> str:
    """Return the ten digits when the Luhn check digit holds, else an empty string.

    >>> checked_orgnr("212000-1967")
    '2120001967'
    """
    digits = text.replace("-", "").strip()
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return ""
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(digits))
    return digits if sum(value // 10 + value % 10 for value in doubled) % 10 == 0 else ""


def match(municipality: Mapping[str, str], bodies: Iterable[Mapping[str, str]]) -> Body | None:
    """Return the body that is this municipality, or None.

    A row counts only when Wikidata's own description names the municipality's county: the register gives Håbo
    (Uppsala county) the item of Habo (Jönköping county), and several towns the item of a former town.
    """
    short = municipality["municipality_name_short"]
    names = {f"{short} kommun", f"{short}s kommun", f"{short} stad", f"{short}s stad", f"Region {short}", short}
    found = {
        Body(row["WD Lsv"], row["WD Len"], row["WD Qnumber"], checked_orgnr(row["WD organisationsnummer (Sverige)"]))
        for row in bodies
        if {row["name"], row["WD Lsv"]} & names and f"kommun i {municipality['county_name']}" in row["WD Dsv"]
    }
    return found.pop() if len(found) == 1 else None


def text(value: str, language: str) -> str:
    """Return a Turtle literal with its language."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"@{language}'


def concept(code: str, kind: str, statements: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Return one concept in Turtle; statements without objects are left out."""
    lines = [f"<def/place/{code}> a skos:Concept{kind}"]
    every = [("skos:notation", [f'"{code}"']), *statements]
    every += [
        ("skos:inScheme", ["<def/place>"]),
        ("adms:status", [STATUS]),
        ("dcterms:issued", [f'"{ISSUED}"^^xsd:date']),
    ]
    for predicate, objects in every:
        listed = list(objects)
        if listed:
            lines.append(f"    {predicate} {', '.join(listed)}")
    return " ;\n".join(lines) + " .\n"


def country(counties: Iterable[str]) -> str:
    """Return the concept of Sweden."""
    return concept(
        "SE",
        "",
        [
            ("skos:prefLabel", ['"Sverige"@sv', '"Sweden"@en']),
            ("skos:altLabel", ['"Konungariket Sverige"@sv', '"Kingdom of Sweden"@en']),
            ("skos:definition", ['"Landet Sverige."@sv', '"The country of Sweden."@en']),
            ("skos:topConceptOf", ["<def/place>"]),
            ("skos:narrower", (f"<def/place/{code}>" for code in counties)),
        ],
    )


def county(code: str, members: list[dict[str, str]], taken: set[str]) -> str:
    """Return the concept of a county with its municipalities."""
    name, short = members[0]["county_name"], members[0]["county_name_short"]
    # A county's short name is a lookup label only where no municipality bears it.
    alternative = [] if short in taken else [text(short, "sv"), text(short, "en")]
    return concept(
        code,
        ", <spec/torg#County>",
        [
            ("skos:prefLabel", [text(name, "sv"), text(f"{short} County", "en")]),
            ("skos:altLabel", alternative),
            (
                "skos:definition",
                [
                    text(f"Länet med länskod {code}; {len(members)} kommuner.", "sv"),
                    text(f"The county with county code {code}; municipalities: {len(members)}.", "en"),
                ],
            ),
            ("skos:broader", ["<def/place/SE>"]),
            ("skos:narrower", (f"<def/place/{member['municipality_code']}>" for member in members)),
        ],
    )


def municipality(row: Mapping[str, str], body: Body | None, names: Mapping[str, str] | None) -> str:
    """Return the concept of a municipality."""
    code, short, county_name = row["municipality_code"], row["municipality_name_short"], row["county_name"]
    swedish = {body.name} if body else set()
    if names:
        swedish |= {names["name"], names["alternative"]} - {""}
    english = (body.english if body else "") or f"{short} Municipality"
    alternative = [text(name, "sv") for name in sorted(swedish - {short})]
    alternative += [text(english, "en")] if english != short else []
    county_english = f"{row['county_name_short']} County"
    return concept(
        code,
        ", <spec/torg#Municipality>",
        [
            ("skos:prefLabel", [text(short, "sv"), text(short, "en")]),
            ("skos:altLabel", alternative),
            (
                "skos:definition",
                [
                    text(f"Kommunen med kommunkod {code} i {county_name}.", "sv"),
                    text(f"The municipality with municipality code {code} in {county_english}.", "en"),
                ],
            ),
            ("skos:broader", [f"<def/place/{row['county_code']}>"]),
            ("<spec/torg#organizationNumber>", [f'"{body.orgnr}"'] if body and body.orgnr else []),
        ],
    )


def mappings(counties: Iterable[Mapping[str, str]], bodies: Mapping[str, Body | None]) -> Iterator[str]:
    """Yield the mapping statements: Wikidata, NUTS 3 and the EU country table."""
    yield "# Written by scripts/place_concepts.py from files of facts; change those or the script, not this file.\n"
    yield "@prefix nuts: <http://data.europa.eu/nuts/code/> .\n"
    yield "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    yield "@prefix wd: <http://www.wikidata.org/entity/> .\n\n"
    yield (
        "<def/place/SE> skos:exactMatch wd:Q34, nuts:SE, "
        "<http://publications.europa.eu/resource/authority/country/SWE> .\n"
    )
    for row in counties:
        yield f"<def/place/{row['code']}> skos:exactMatch wd:{row['wikidata']}, nuts:{row['nuts3']} .\n"
    for code, body in sorted(bodies.items()):
        if body:
            yield f"<def/place/{code}> skos:exactMatch wd:{body.wikidata} .\n"


def write(municipalities: Path, register: Path) -> list[str]:
    """Write both Turtle files and return what should be looked at, one line each."""
    listed = sorted(rows(municipalities), key=lambda row: row["municipality_code"])
    facts, register_rows = rows(HERE / "counties.csv"), rows(register)
    names = {row["code"]: row for row in rows(HERE / "municipality_names.csv")}
    bodies = {row["municipality_code"]: match(row, register_rows) for row in listed}
    short = {row["municipality_name_short"] for row in listed}
    parts = [HEADER, country(row["code"] for row in facts)]
    parts += [county(row["code"], [m for m in listed if m["county_code"] == row["code"]], short) for row in facts]
    parts += [
        municipality(row, bodies[row["municipality_code"]], names.get(row["municipality_code"])) for row in listed
    ]
    (ONTOLOGY / "concepts" / "place.ttl").write_text(parts[0] + "\n".join(parts[1:]), "utf-8")
    (ONTOLOGY / "mappings" / "place.ttl").write_text("".join(mappings(facts, bodies)), "utf-8")
    return [
        f"{code}: no trustworthy row in the register" + ("" if code in names else ", and no name declared")
        for code, body in bodies.items()
        if body is None
    ]


def main() -> None:
    """Read the command line, write, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--municipalities", type=Path, required=True)
    parser.add_argument("--bodies", type=Path, required=True)
    arguments = parser.parse_args()
    for line in write(arguments.municipalities, arguments.bodies):
        print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
