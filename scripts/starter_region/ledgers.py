"""How each of the twelve municipalities delivers its supplier ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starter_region import cells
from starter_region.delivery import Delivery, Fault, Write
from starter_region.formats import Cell, Delimited, JsonRows, Workbook2007
from starter_region.ledger import MONTHS, Posting
from starter_region.region import MUNICIPALITIES, Municipality

# Rules that the planted faults meet.
BAD_DATE = BAD_NUMBER = "values.datatype"
MISSING = "values.required"
FORMULA = "source.sheet-error"
LONG = "source.long-row"
SHORT = "source.short-row"
REPEATED = "identifiers.repeated-line"

# Lövnäs has its own numbers for suppliers. It and Hedfors withhold persons' names themselves: where the number says
# nothing of who is paid, no rule about numbers can.
INTERNAL, MASKED = "lovnas", ("hedfors", "lovnas")


def _value(name: str, show: Callable[..., Cell] | None = None) -> Write:
    return lambda posting: show(posting.values[name]) if show else posting.values[name]


def _same(value: Cell) -> Write:
    return lambda posting: value


def _supplier(posting: Posting) -> Cell:
    return posting.supplier.name


def _number(posting: Posting) -> Cell:
    return posting.supplier.number


def _hyphened(posting: Posting) -> Cell:
    return cells.hyphened(posting.supplier.number)


def _padded(posting: Posting) -> Cell:
    """Twelve digits for persons, as population registers write them; ten for the rest."""
    supplier = posting.supplier
    return cells.padded(supplier.number, person=True) if supplier.person else supplier.number


def _numeric(posting: Posting) -> Cell:
    """A number, as a spreadsheet makes of ten digits: a first zero is gone."""
    return int(posting.supplier.number)


def _internal(posting: Posting) -> Cell:
    """An internal supplier number of eight digits that says nothing outside the municipality."""
    return f"1000{int(posting.supplier.number) % 7919 + 1000}"


def _masked(show: Write) -> Write:
    return lambda posting: "****" if posting.supplier.person else show(posting)


def _konto(posting: Posting) -> Cell:
    return f"{posting.konto} {posting.konto_text}"


def _withheld(posting: Posting) -> Cell:
    return "ENSKILD FIRMA" if posting.supplier.person else _upper(posting)


def _upper(posting: Posting) -> Cell:
    return posting.supplier.name.upper()


def _national(town: Municipality, amount: Callable[..., Cell] | None, **words: object) -> list[tuple[str, Write]]:
    """The fifteen columns of the national specification 1.1 in its order; `words` replace headers or writers."""
    columns: dict[str, tuple[str, Write]] = {
        "kopare_id": ("kopare_id", _same(town.number)),
        "kopare": ("kopare", _same(town.buyer)),
        "verifikationsnummer": ("verifikationsnummer", _value("voucher")),
        "leverantor": ("leverantor", _supplier),
        "leverantor_id": ("leverantor_id", _number),
        "konto_nr": ("konto_nr", _value("konto")),
        "konto_text": ("konto_text", _value("konto_text")),
        "bokforingsdatum": ("bokforingsdatum", _value("day", cells.iso)),
        "forvaltning": ("forvaltning", _value("department")),
        "fakturanummer": ("fakturanummer", _value("invoice")),
        "nettobelopp": ("nettobelopp", _value("amount", amount)),
        "grund": ("grund", _same("")),
        "avtal": ("avtal", _value("agreement")),
        "kommun_id": ("kommun_id", _same(town.kommunkod)),
        "s_kod_nr": ("s_kod_nr", _same("")),
    }
    for name, word in words.items():
        header, writer = columns[name]
        if isinstance(word, str):
            columns[name] = (word, writer)
        elif callable(word):
            columns[name] = (header, word)
        elif isinstance(word, tuple):
            columns[name] = word
    return list(columns.values())


def _monthly(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.format(month=month, compact=month.replace("-", "")) for month in MONTHS)


def _only(columns: Sequence[tuple[str, Write]], *names: str) -> list[tuple[str, Write]]:
    return [column for column in columns if column[0] in names]


def norrsjo(town: Municipality) -> Delivery:
    """The model: UTF-8 with a byte order mark, the national columns, nothing to declare."""
    files = _monthly("leverantorsreskontra-{month}.csv")
    return Delivery(
        form=Delimited("utf-8-sig"),
        columns=_national(town, cells.dot),
        files=files,
        faults={files[0]: (Fault(17, "repeated row", REPEATED, "none"),)},
        told=("UTF-8 med BOM, komma, nationella rubriker", "UTF-8 with BOM, comma, the national headers"),
    )


def granby(town: Municipality) -> Delivery:
    """Windows-1252 with semicolons and decimal commas."""
    files = _monthly("reskontra-{month}.csv")
    return Delivery(
        form=Delimited("cp1252", ";"),
        columns=_national(town, cells.comma),
        files=files,
        faults={files[0]: (Fault(11, "date that no calendar has", BAD_DATE, "row", "bokforingsdatum", "2026-02-30"),)},
        told=("Windows-1252, semikolon, decimalkomma", "Windows-1252, semicolons, decimal commas"),
    )


def alvhult(town: Municipality) -> Delivery:
    """UTF-16 with a byte order mark, commas both between and in values, the layout of specification 1.0."""
    files = _monthly("lev_{compact}.csv")
    columns = _national(
        town,
        cells.comma,
        kopare_id="kopare",
        kopare="kopare_text",
        verifikationsnummer="verifikationsnr",
        fakturanummer="faktura_nr",
        bokforingsdatum="datum",
        nettobelopp="belopp",
    )
    return Delivery(
        form=Delimited("utf-16"),
        columns=columns[:-1],
        files=files,
        # In version 1.0 the column `kopare` held the number, not the name.
        differences='[columns]\n"kopare" = "kopare_id"\n',
        faults={files[0]: (Fault(23, "text for an amount", BAD_NUMBER, "row", "belopp", "abc"),)},
        told=("UTF-16, kolumner enligt version 1.0", "UTF-16, the columns of version 1.0"),
    )


def ekvalla(town: Municipality) -> Delivery:
    """Lines that end in a bare carriage return; supplier names in capitals."""
    files = _monthly("ekvalla_{month}.csv")
    return Delivery(
        form=Delimited("utf-8", ";", "\r"),
        columns=_national(town, cells.dot, leverantor=_upper),
        files=files,
        faults={
            files[0]: (Fault(31, "row too long", LONG, "row"),),
            files[1]: (Fault(8, "row too short", SHORT, "row", value=6),),
        },
        told=("ensam vagnretur som radslut", "lines that end in a bare carriage return"),
    )


def stenasa(town: Municipality) -> Delivery:
    """A workbook with a title, account number and text in one cell, real dates, and a row of totals."""
    files = _monthly("Leverantörsreskontra {month}.xlsx")
    columns: list[tuple[str, Write]] = [
        ("Datum", _value("day")),
        ("Förvaltning", _value("department")),
        ("Leverantör", _supplier),
        ("Leverantörsid", _hyphened),
        ("Verifikationsnr", _value("voucher")),
        ("Fakturanr", _value("invoice")),
        ("Konto", _konto),
        ("", _same(None)),
        ("Belopp", _value("amount")),
    ]
    return Delivery(
        form=Workbook2007("Reskontra", "Leverantörsreskontra", (("Datum", "yyyy-mm-dd"), ("Belopp", "#,##0.00"))),
        columns=columns,
        files=files,
        differences='[columns]\n"Konto" = { split = ["konto_nr", "konto_text"] }\n',
        totals="Belopp",
        told=(
            "Excel med rubrik, konto i en cell och summarad",
            "Excel with a title, account in one cell, row of totals",
        ),
    )


def lovnas(town: Municipality) -> Delivery:
    """JSON from a row store: a byte order mark inside the first key, own supplier numbers, persons withheld."""
    files = _monthly("rowstore-{month}.json")
    columns = _national(
        town, cells.comma, leverantor=_withheld, leverantor_id=_internal, bokforingsdatum="datum", nettobelopp="belopp"
    )
    names = ("kopare_id", "datum", "konto_nr", "kommun_id", "leverantor_id", "belopp", "konto_text", "leverantor")
    kept = _only(columns, *names, "verifikationsnummer", "kopare")
    return Delivery(
        form=JsonRows(("results",), mark_in_key=True, paging="https://data.lovnas.example/rowstore?_offset=500"),
        columns=kept,
        files=files,
        faults={files[1]: (Fault(5, "letter O for a zero", BAD_NUMBER, "row", "belopp", "45O2,00"),)},
        told=(
            "JSON med BOM i första nyckeln, egna leverantörsnummer",
            "JSON with a BOM in its first key, own supplier ids",
        ),
    )


def tallmo(town: Municipality) -> Delivery:
    """Other header words, spaces between thousands, dates in words."""
    files = _monthly("Tallmo {month}.csv")
    columns: list[tuple[str, Write]] = [
        ("förvaltning", _value("department")),
        ("leverantör", _supplier),
        ("orgnr", _number),
        ("verifikationsnr", _value("voucher")),
        ("konto", _value("konto")),
        ("kontotext", _value("konto_text")),
        ("belopp exkl moms", _value("amount", cells.spaced)),
        ("datum", _value("day", cells.swedish)),
    ]
    return Delivery(
        form=Delimited("utf-8", ";"),
        columns=columns,
        files=files,
        differences=f'[constants]\nkopare = "{town.buyer}"\nkommun_id = "{town.kommunkod}"\n',
        faults={files[1]: (Fault(14, "mandatory value missing", MISSING, "row", "verifikationsnr", ""),)},
        told=("andra rubriker, datum med månadsnamn", "other headers, dates with the month's name"),
    )


def angshamn(town: Municipality) -> Delivery:
    """Tabs, no-break spaces, true minus signs, dates as eight digits, hyphens in organisation numbers."""
    files = _monthly("angshamn-{compact}.tsv")
    return Delivery(
        form=Delimited("utf-8", "\t", "\n", ".tsv"),
        columns=_national(
            town,
            cells.typeset,
            bokforingsdatum=("datum", _value("day", cells.compact)),
            nettobelopp="belopp",
            leverantor_id=_hyphened,
            kopare_id=_same(cells.hyphened(town.number)),
        ),
        files=files,
        faults={files[0]: (Fault(40, "two separators in an amount", BAD_NUMBER, "row", "belopp", "1.234,50"),)},
        told=(
            "tabbar, hårda mellanslag, organisationsnummer med bindestreck",
            "tabs, no-break spaces, hyphened numbers",
        ),
    )


def hedfors(town: Municipality) -> Delivery:
    """One file for the year, persons masked, dates like 3/2 2026."""
    files = ("leverantorer_2026.csv",)
    return Delivery(
        form=Delimited("utf-8", ";"),
        columns=_national(
            town,
            cells.comma,
            bokforingsdatum=("betaldatum", _value("day", cells.slashed)),
            leverantor=_masked(_supplier),
            leverantor_id=("orgnr", _masked(_hyphened)),
        ),
        files=files,
        faults={files[0]: (Fault(60, "date that no calendar has", BAD_DATE, "row", "betaldatum", "31/2 2026"),)},
        told=(
            "en fil för året, **** för personer, datum som 3/2 2026",
            "one file a year, **** for persons, dates like 3/2 2026",
        ),
    )


def kvarnede(town: Municipality) -> Delivery:
    """A workbook where codes became numbers, so first zeros are gone, and one formula failed."""
    files = _monthly("kvarnede_{month}.xlsx")
    columns = _national(
        town,
        None,
        kopare_id=_same(int(town.number)),
        verifikationsnummer=lambda posting: int(posting.voucher),
        leverantor_id=_numeric,
        konto_nr=lambda posting: int(posting.konto),
        bokforingsdatum=_value("day", cells.swedish),
        fakturanummer=lambda posting: int(posting.invoice),
        kommun_id=_same(int(town.kommunkod)),
    )
    return Delivery(
        form=Workbook2007("Export", formats=(("nettobelopp", "#,##0.00"),)),
        columns=columns,
        files=files,
        faults={files[0]: (Fault(25, "error of a formula", FORMULA, "row", "nettobelopp", "#VÄRDEFEL!"),)},
        told=("Excel där koder blivit tal", "Excel where codes became numbers"),
    )


def ronnhed(town: Municipality) -> Delivery:
    """JSON with real numbers, rows two levels down, persons' numbers with their century."""
    files = _monthly("export-{month}.json")
    columns = _national(town, None, leverantor_id=_padded)
    return Delivery(
        form=JsonRows(("data", "rader")),
        columns=columns[:13],
        files=files,
        faults={files[0]: (Fault(50, "mandatory value missing", MISSING, "row", "nettobelopp", None),)},
        told=("JSON med riktiga tal under data.rader", "JSON with real numbers under data.rader"),
    )


def obacka(town: Municipality) -> Delivery:
    """Everything in quotes, headers as people write them, amounts without öre when there are none."""
    files = _monthly("Öbacka betalningar {month}.csv")
    headers = {
        "kopare_id": "Köparens organisationsnummer",
        "kopare": "Köpare",
        "verifikationsnummer": "Verifikat",
        "leverantor": "Leverantörens namn",
        "leverantor_id": "Organisationsnummer",
        "konto_nr": "Kontonummer",
        "konto_text": "Kontonamn",
        "bokforingsdatum": "Bokföringsdatum",
        "forvaltning": "Nämnd",
        "fakturanummer": "Faktura",
        "nettobelopp": "Nettobelopp (kr)",
        "avtal": "Avtal",
    }
    columns = [column for column in _national(town, cells.kronor, **headers) if column[0] in headers.values()]
    return Delivery(
        form=Delimited("utf-8", ";", "\n", quote_all=True),
        columns=columns,
        files=files,
        differences='[columns]\n"Nettobelopp (kr)" = "nettobelopp"\n\n[constants]\n'
        + f'kommun_id = "{town.kommunkod}"\n',
        faults={
            files[0]: (
                Fault(3, "repeated row", REPEATED, "none"),
                Fault(20, "mandatory value missing", MISSING, "row", "Kontonummer", ""),
            )
        },
        told=("allt inom citattecken, egna rubriker", "everything quoted, headers of its own"),
    )


_MAKERS = (norrsjo, granby, alvhult, ekvalla, stenasa, lovnas, tallmo, angshamn, hedfors, kvarnede, ronnhed, obacka)
LEDGERS: dict[str, Delivery] = {town.key: make(town) for town, make in zip(MUNICIPALITIES, _MAKERS, strict=True)}
