"""Read xls and ods sheets as rows of text; these formats are read whole, so their size is limited."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import MOST_COLUMNS, Grid, Report, Row
from loaders.spreadsheet import refuse_bomb, settle_sheet, shown
from loaders.table import refuse_controls

# An xls sheet ends at row 65 536; what is larger than this holds pictures.
LARGEST = 128 << 20
# Where an encrypted workbook says so: its directory lies within the first part, its manifest is short.
_DIRECTORY = 4 << 20


def grid(
    path: Path, name: str, packed: bool, declared: str, recognise: Callable[[Sequence[str]], int], report: Report
) -> Grid:
    """Return the rows of the declared sheet, or of the one whose headers are known; raise SourceError when broken."""
    if path.stat().st_size > LARGEST:
        raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{LARGEST >> 20} MiB"),)))
    if packed:
        refuse_bomb(path, name)
    try:
        # By its bytes: by its name the library would choose the wrong reader.
        book = CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))
        rows = {
            sheet.name: [[_text(value) for value in row] for row in book.get_sheet_by_name(sheet.name).iter_rows()]
            for sheet in book.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        }
    except (CalamineError, OSError, ValueError, KeyError) as error:
        rule = (
            "source.password"
            if "password" in str(error).casefold() or _is_encrypted(path)
            else "source.broken-workbook"
        )
        raise SourceError(Finding(rule, file=name)) from None
    except BaseException as error:
        # A fault inside the library is a panic, which is no Exception; its class cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise SourceError(Finding("source.broken-workbook", file=name)) from None
    filled = {title: cells for title, cells in rows.items() if any(any(row) for row in cells)}
    if declared and declared not in rows:
        detail = (("name", declared), ("known", ", ".join(rows)))
        raise SourceError(Finding("source.sheet-missing", file=name, detail=detail))
    known = {title: max((recognise(row) for row in cells[:30]), default=0) for title, cells in filled.items()}
    chosen = declared or settle_sheet(known, name, report)

    def numbered(to: Report) -> Iterator[Row]:
        for number, cells in enumerate(rows[chosen], 1):
            if len(cells) > MOST_COLUMNS:
                limit = (("limit", str(MOST_COLUMNS)),)
                raise SourceError(Finding("source.too-many-columns", file=name, sheet=chosen, row=number, detail=limit))
            width = max((place for place, cell in enumerate(cells, 1) if cell), default=0)
            yield number, cells[:width]

    return Grid(name, chosen, lambda to: refuse_controls(numbered(to), name, chosen, to), ragged=True)


def _is_encrypted(path: Path) -> bool:
    """Tell whether a file is an encrypted OOXML or ODF workbook ([MS-OFFCRYPTO] 2.3.2, ODF 1.2 part 3, 4.8)."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return "EncryptedPackage".encode("utf-16-le") in file.read(_DIRECTORY)
    with zipfile.ZipFile(path) as archive:
        try:
            return b"encryption-data" in archive.read("META-INF/manifest.xml")[:_DIRECTORY]
        except (KeyError, OSError, RuntimeError, ValueError, zipfile.BadZipFile):
            return False


def _text(value: object) -> str:
    # The library gives values without their formats: zeros that only a format shows are lost here.
    return shown(value, "General")
