"""Writes what stewards write: site.toml, the dataset.toml files, the local concepts and the folder's README."""

from __future__ import annotations

from starter_region.delivery import Delivery
from starter_region.ledgers import LEDGERS
from starter_region.region import BASE, COUNTY, MUNICIPALITIES, Municipality

_ABOUT = {
    "leverantorsreskontra": (
        ("Leverantörsreskontra", "Supplier ledger"),
        ("Fakturor som {name} kommun har betalat under januari och februari 2026, en rad per kontering.",
         "Invoices that {name} Municipality paid in January and February 2026, one row per posting."),
        (("leverantör", "inköp", "faktura"), ("supplier", "spending", "invoice")),
        '"ECON", "T2.2"', "MONTHLY",
    ),
    "skolor": (
        ("Skolor och förskolor", "Schools and preschools"),
        ("Förskolor, grundskolor och gymnasieskolor i {name} kommun, kommunala och enskilda.",
         "Preschools, compulsory and upper secondary schools in {name} Municipality, public and private."),
        (("skola", "förskola", "utbildning"), ("school", "preschool", "education")),
        '"EDUC", "T3"', "ANNUAL",
    ),
    "aldreboenden": (
        ("Äldreboenden", "Homes for older people"),
        ("Särskilda boenden, trygghetsboenden och korttidsboenden för äldre i {name} kommun.",
         "Residential, sheltered and short-stay homes for older people in {name} Municipality."),
        (("äldreboende", "äldreomsorg"), ("care home", "care of older people")),
        '"HEAL", "T4.2"', "ANNUAL",
    ),
}  # fmt: skip


def dataset_toml(name: str, town: Municipality, delivery: Delivery) -> str:
    """Return the description of a dataset: metadata, and only what differs from the specification."""
    title, text, keywords, theme, frequency = _ABOUT[name]
    files = list(delivery.files)
    source = f'"{files[0]}"' if len(files) == 1 else f'"{_glob(files)}"'
    words = [", ".join(f'"{word}"' for word in language) for language in keywords]
    lines = [
        f'title.sv = "{title[0]} {town.name}"',
        f'title.en = "{title[1]}, {town.name}"',
        f'description.sv = "{text[0].format(name=town.name)}"',
        f'description.en = "{text[1].format(name=town.name)}"',
        f"keyword.sv = [{words[0]}]",
        f"keyword.en = [{words[1]}]",
        f"theme = [{theme}]",
        f'conformsTo = "{name}"',
        'license = "http://creativecommons.org/publicdomain/zero/1.0/"',
        f'accrualPeriodicity = "{frequency}"',
        f'contactPoint = {{ name = "{town.name} kommun, öppna data", email = "oppnadata@{town.domain}" }}',
        f"source = {source}",
    ]
    return "\n".join(lines) + "\n" + _apart(delivery.differences)


def _apart(differences: str) -> str:
    return differences if not differences.startswith("[") else "\n" + differences


def _glob(files: list[str]) -> str:
    """Return the pattern of two names that differ in the month's last digit."""
    first, last = files
    different = [place for place, (one, other) in enumerate(zip(first, last, strict=True)) if one != other]
    stem = first[: different[0]].rstrip("0")
    return stem + "*" + first[different[-1] + 1 :]


def site_toml() -> str:
    """Return the site's own description and its twelve publishers."""
    head = f"""[site]
base = "{BASE}"
title.sv = "Öppna data i Norrsjö län"
title.en = "Open data of Norrsjö County"
description.sv = "Tolv påhittade kommuner publicerar samma tre datamängder, på samma sätt."
description.en = "Twelve invented municipalities publish the same three datasets, in the same way."
languages = ["sv", "en"]
"""
    publishers = "".join(
        f"""
[publishers.{town.key}]
name.sv = "{town.name} kommun"
name.en = "{town.name} Municipality"
orgnr = "{town.number[:6]}-{town.number[6:]}"
kommunkod = "{town.kommunkod}"
contact = "oppnadata@{town.domain}"
homepage = "https://www.{town.domain}/"
"""
        for town in MUNICIPALITIES
    )
    return f'{head}{publishers}\n[map]\nbase = "border.geojson"\n'


def concepts_ttl() -> str:
    """Return the county and its municipalities as concepts, relative to the base."""
    code, sv, en = COUNTY
    members = "".join(
        f"""
<def/norrsjo/{town.kommunkod}> a skos:Concept ;
    skos:inScheme <def/norrsjo>, <def/place> ;
    skos:notation "{town.kommunkod}" ;
    skos:prefLabel "{town.name}"@sv, "{town.name}"@en ;
    skos:altLabel "{town.name} kommun"@sv, "{town.name} Municipality"@en ;
    skos:broader <def/norrsjo/{code}> .
"""
        for town in MUNICIPALITIES
    )
    return f"""# The invented county of Norrsjö. Real counties and municipalities are in the shared scheme /def/place;
# a site adds places of its own in a scheme of its own. Addresses are relative to the site's base.
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dcterms: <http://purl.org/dc/terms/> .

<def/norrsjo> a skos:ConceptScheme ;
    dcterms:title "Platser i Norrsjö län"@sv, "Places of Norrsjö County"@en ;
    dcterms:description "Ett påhittat län med tolv påhittade kommuner."@sv,
        "An invented county with twelve invented municipalities."@en ;
    skos:hasTopConcept <def/norrsjo/{code}> .

<def/norrsjo/{code}> a skos:Concept ;
    skos:inScheme <def/norrsjo>, <def/place> ;
    skos:topConceptOf <def/norrsjo> ;
    skos:notation "{code}" ;
    skos:prefLabel "{sv}"@sv, "{en}"@en ;
    skos:broader <def/place/SE> .
{members}"""


def readme() -> str:
    """Return what a steward reads first in the folder."""
    return _README.format(
        **{
            language: "".join(f"| {town.name} | {LEDGERS[town.key].told[place]} |\n" for town in MUNICIPALITIES)
            for place, language in enumerate(("sv", "en"))
        }
    )


_README = """# Norrsjö län: en färdig webbplats att börja från

Allt här är påhittat: länet, de tolv kommunerna, leverantörerna, skolorna och boendena. Men filerna är lika olika
varandra som i verkligheten, och publicerade har alla tolv samma form.

- `site.toml` – webbplatsens adress och vilka som publicerar.
- `concepts/` – egna begrepp, här länet och dess kommuner.
- `datasets/<kommun>/<datamängd>/` – en mapp per datamängd: källfilen som den kom, och `dataset.toml` som beskriver den.

En fil som följer en specifikation behöver bara titel, licens och kontakt. Jämför `norrsjo/leverantorsreskontra`, som
inte förklarar något, med `obacka/skolor`, som säger vad fyra egna rubriker betyder. Några fel är kvar med flit – ett
omöjligt datum, en summarad – så att du kan se hur `torg check` berättar om dem.

| Kommun | Så kommer leverantörsreskontran |
|---|---|
{sv}
Börja så här: ändra `site.toml`, lägg en egen mapp under `datasets/`, kör `torg check`, sedan `torg publish`.

# Norrsjö County: a complete site to start from

Everything here is invented: the county, its twelve municipalities, the suppliers, schools and homes. But the files
differ from one another as real ones do, and once published all twelve have one shape.

- `site.toml` – the site's address, and who publishes.
- `concepts/` – concepts of your own, here the county and its municipalities.
- `datasets/<municipality>/<dataset>/` – one folder per dataset: the source as it came, and `dataset.toml` about it.

A file that follows a specification needs a title, a licence and a contact, no more. Compare
`norrsjo/leverantorsreskontra`, which explains nothing, with `obacka/skolor`, which says what four headers of its own
mean. A few faults are left on purpose – an impossible date, a row of totals – to show how `torg check` tells of them.

| Municipality | How the supplier ledger arrives |
|---|---|
{en}
To begin: edit `site.toml`, put a folder of your own under `datasets/`, run `torg check`, then `torg publish`.
"""
