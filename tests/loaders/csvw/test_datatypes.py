"""Formats of numbers, dates, durations and other values, by the patterns of UAX35 and the lexical spaces of XSD."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.csvw.datatype_metadata import read_datatype
from loaders.csvw.datatypes import PARENTS, Datatype, text_reader
from loaders.csvw.problems import CellProblem, kind_of


def read(described: Any, text: str, lenient: bool = False) -> str | None:
    warnings: list[str] = []
    datatype = read_datatype(described, warnings.append)
    assert datatype is not None
    assert warnings == []
    try:
        return text_reader(datatype, lenient)(text)
    except CellProblem:
        return None


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("0", "1", "1"),
        ("00", "01", "01"),
        ("00", "1", None),
        ("#", "12", "12"),
        ("#0", "12", "12"),
        ("##0", "1,234", None),
        ("##0", "123.4", None),
        ("#,#00", "1", None),
        ("#,#00", "12", "12"),
        ("#,#00", "1,234,567", "1234567"),
        ("#,#00", "1234", None),
        ("#,#00", "12,34", None),
        ("#,#00", "12,34,567", None),
        ("#,##,#00", "12,34,567", "1234567"),
        ("#,##,#00", "1,234,567", None),
        ("#0.#", "12", "12"),
        ("#0.#", "12.3", "12.3"),
        ("#0.#", "12.34", None),
        ("#0.0", "1", None),
        ("#0.0#", "1.2", "1.2"),
        ("#0.0#", "12.345", None),
        ("#0.0#,#", "12.34,5", "12.345"),
        ("#0.0#,#", "12.345", None),
        ("#0.0#,#", "12.34,567", None),
        ("0.0E0", "1.5E3", "1.5E3"),
        ("0.0E+00", "1.5E+03", "1.5E+03"),
        ("0.0E+00", "1.5E03", None),
        ("+0", "+1", "+1"),
        ("+0", "1", None),
        ("0%", "50%", "0.5"),
        ("0%", "50", None),
        ("%0", "%50", "0.5"),
        ("0.0‰", "2.5‰", "0.0025"),
        ("0;-0", "-5", "-5"),
        # UAX35 2.2: of the part for negative numbers only the signs count, and they must be there.
        ("+0;-0", "5", None),
        ("#,##0.00;-#", "-1,234.50", "-1234.50"),
        ("#,##0.00;-#", "1234", None),
        ("0%;-0%", "-5%", "-0.05"),
    ],
)  # fmt: skip
def test_number_patterns(pattern: str, text: str, expected: str | None) -> None:
    assert read({"base": "double", "format": pattern}, text) == expected


@pytest.mark.parametrize(
    ("base", "text", "expected"),
    [
        ("decimal", "-1.50", "-1.50"),
        ("decimal", ".5", "0.5"),
        ("decimal", "1.", "1"),
        ("decimal", "+1.50", "+1.50"),
        ("integer", "1.", None),
        ("double", "+INF", "INF"),
        ("integer", "500%", "5"),
        ("integer", "50%", None),
        ("decimal", "NaN", None),
        ("decimal", "1E2", None),
        ("decimal", "", None),
        ("double", "-INF", "-INF"),
        ("double", "10.10e1", "10.10E10".replace("10E10", "10E1")),
        ("integer", "1.0", None),
        ("integer", "٣", None),
        ("byte", "-128", "-128"),
        ("byte", "-129", None),
        ("unsignedByte", "256", None),
        ("positiveInteger", "0", None),
        ("negativeInteger", "-1", "-1"),
        ("nonPositiveInteger", "1", None),
        ("unsignedLong", "18446744073709551616", None),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2025-02-29", None),
        ("date", "2025-13-01", None),
        ("date", "2025-01-01Z", "2025-01-01Z"),
        ("dateTime", "2025-01-01T24:00:00", "2025-01-01T24:00:00"),
        ("dateTime", "2025-01-01T24:00:01", None),
        ("dateTimeStamp", "2025-01-01T10:00:00", None),
        ("dateTimeStamp", "2025-01-01T10:00:00+01:00", "2025-01-01T10:00:00+01:00"),
        ("time", "25:00:00", None),
        ("gYear", "2025", "2025"),
        ("gYearMonth", "2025-13", None),
        ("gMonthDay", "--02-29", "--02-29"),
        ("gDay", "---32", None),
        ("gDay", "---31-08:00", "---31-08:00"),
        ("gMonth", "--02-08:00", "--02-08:00"),
        ("gYear", "9999-08:00", "9999-08:00"),
        ("gYearMonth", "1999-05-08:00", "1999-05-08:00"),
        ("duration", "P1Y2M3DT4H5M6.7S", "P1Y2M3DT4H5M6.7S"),
        ("duration", "P", None),
        ("duration", "P1YT", None),
        ("dayTimeDuration", "P1Y", None),
        ("yearMonthDuration", "P1D", None),
        ("hexBinary", "0FB7", "0FB7"),
        ("hexBinary", "0FB", None),
        ("base64Binary", "VG9yZw==", "VG9yZw=="),
        ("base64Binary", "VG9yZw=", None),
        ("boolean", "1", "true"),
        ("boolean", "ja", None),
        ("anyURI", "https://orebro.se/a b", "https://orebro.se/a b"),
        ("dateTime", "2025-01-01T24:00:00.5", None),
        ("language", "sv-SE", "sv-SE"),
        ("language", "svenska!", None),
        ("NMTOKEN", "a b", None),
        ("json", "{", "{"),
        ("xml", "<a", "<a"),
        ("html", "<p>", "<p>"),
        ("string", " a ", " a "),
    ],
)  # fmt: skip
def test_lexical_spaces(base: str, text: str, expected: str | None) -> None:
    assert read(base, text) == expected


@pytest.mark.parametrize(
    ("base", "pattern", "text", "expected"),
    [
        ("date", "yyyy-MM-dd", "2015-03-22", "2015-03-22"),
        ("date", "yyyyMMdd", "20150322", "2015-03-22"),
        ("date", "d-M-yyyy", "2-3-2015", "2015-03-02"),
        ("date", "dd-MM-yyyy", "2-3-2015", None),
        ("date", "MM/dd/yyyy", "03/22/2015", "2015-03-22"),
        ("date", "d.M.yyyy", "31.4.2015", None),
        ("date", "yyyy-MM-ddX", "2015-03-22Z", "2015-03-22Z"),
        ("date", "dd.MM.yyyy XXX", "22.03.2015 +01:00", "2015-03-22+01:00"),
        ("time", "HH:mm", "15:02", "15:02:00"),
        ("time", "HHmmss", "150237", "15:02:37"),
        ("time", "HH:mm:ss.SS", "15:02:37.14", "15:02:37.14"),
        ("time", "HH:mm:ss.S", "15:02:37.14", None),
        ("time", "HHmm XX", "1502 +0800", "15:02:00+08:00"),
        ("dateTime", "yyyy-MM-ddTHH:mm", "2015-03-15T15:02", "2015-03-15T15:02:00"),
        ("dateTime", "d-M-yyyy HHmm X", "15-3-2015 1502 Z", "2015-03-15T15:02:00Z"),
        ("dateTime", "yyyy-MM-ddTHH:mm:ssXXX", "2015-03-15T15:02:37-05:00", "2015-03-15T15:02:37-05:00"),
        ("dateTimeStamp", "yyyy-MM-dd HH:mm:ss X", "2015-03-15 15:02:37 +08", "2015-03-15T15:02:37+08:00"),
        ("time", "HH:mm:ssX", "15:02:37-05:00", "15:02:37-05:00"),
        ("gYearMonth", "yyyyMM", "202511", "2025-11"),
        ("dateTime", "yyyy-MM-ddTHH:mm:ssXX", "2015-03-15T15:02:37+9900", None),
        ("dateTime", "yyyyMMdd HHmmss", "20150315 150237", "2015-03-15T15:02:37"),
        ("date", "M.d.yyyy", "3.22.2015", "2015-03-22"),
        ("date", "MM.dd.yyyy", "03.22.2015", "2015-03-22"),
        ("date", "MM-dd-yyyy", "03-22-2015", "2015-03-22"),
        ("date", "M-d-yyyy", "3-22-2015", "2015-03-22"),
        ("date", "dd/MM/yyyy", "22/03/2015", "2015-03-22"),
        ("date", "d/M/yyyy", "22/3/2015", "2015-03-22"),
        ("date", "M/d/yyyy", "3/22/2015", "2015-03-22"),
        ("date", "dd.MM.yyyy", "22.03.2015", "2015-03-22"),
        ("time", "HH:mm:ss.SSS", "15:02:37.143", "15:02:37.143"),
        ("time", "HH:mm:ss.SSS", "15:02:37.1", "15:02:37.1"),
        ("time", "HH:mm:ss", "15:02:37", "15:02:37"),
        ("time", "HHmm", "1502", "15:02:00"),
        ("time", "HH:mm x", "15:02 -05", "15:02:00-05:00"),
        ("time", "HH:mmx", "15:02Z", None),
        ("time", "HH:mmxx", "15:02+0530", "15:02:00+05:30"),
        ("time", "HH:mmxxx", "15:02+05:30", "15:02:00+05:30"),
        ("dateTime", "yyyy-MM-ddTHH:mm:ss.SSS", "2015-03-15T15:02:37.143", "2015-03-15T15:02:37.143"),
        ("dateTime", "M/d/yyyy HH:mm", "3/22/2015 15:02", "2015-03-22T15:02:00"),
        ("dateTime", "dd.MM.yyyy HH:mm:ss", "22.03.2015 15:02:37", "2015-03-22T15:02:37"),
    ],
)  # fmt: skip
def test_date_patterns(base: str, pattern: str, text: str, expected: str | None) -> None:
    assert read({"base": base, "format": pattern}, text) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        pytest.param(r"^\d+$", "12", True, id="digits"),
        pytest.param(r"^\d+$", "12\n", False, id="end-is-the-end"),
        pytest.param(r"^\d$", "٣", False, id="digits-of-ascii"),
        pytest.param(r"^\w+$", "å", False, id="words-of-ascii"),
        pytest.param(r"^[\w-]+$", "a-b", True, id="class-escape"),
        pytest.param(r"[^]", "x", True, id="any-character"),
        pytest.param(r"[]", "x", False, id="no-character"),
        pytest.param(r"(?<ar>\d{4})-\k<ar>", "2025-2025", True, id="named-group"),
        pytest.param(r"a\/b", "a/b", True, id="escaped-slash"),
        pytest.param(r"^.$", "\r", False, id="line-terminator"),
        pytest.param(r"\u{e5}", "å", True, id="code-point"),
        pytest.param(r"\cJ", "\n", True, id="control"),
        pytest.param(r"\A", "A", True, id="identity-escape"),
        pytest.param(r"[[a]", "[", True, id="bracket-in-brackets"),
        pytest.param(r"^\p{L}+$", "Åsa", True, id="letters"),
    ],
)
def test_regular_expressions_are_ecmascripts(pattern: str, text: str, fits: bool) -> None:
    assert (read({"base": "string", "format": pattern}, text) == text) is fits


@pytest.mark.parametrize("pattern", ["(", "a**", "a++", "(?i)a", "(?P<a>b)", "\\", r"[\p{L}]", r"\p{Greek}"])
def test_what_is_no_expression_is_a_warning(pattern: str) -> None:
    warnings: list[str] = []
    datatype = read_datatype({"base": "string", "format": pattern}, warnings.append)
    assert datatype is not None
    assert datatype.format is None
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("described", "good", "bad"),
    [
        ({"length": 2}, "åä", "å"),
        ({"minLength": 2}, "abc", "a"),
        ({"maxLength": 2}, "ab", "abc"),
        ({"base": "hexBinary", "length": 2}, "0FB7", "0FB70F"),
        ({"base": "base64Binary", "maxLength": 4}, "VG9yZw==", "VG9yZ2V0"),
        ({"base": "decimal", "minimum": "0.1"}, "0.10", "0.09"),
        ({"base": "decimal", "maxExclusive": 1}, "0.99", "1.0"),
        ({"base": "double", "minExclusive": 0}, "1E-9", "NaN"),
        ({"base": "date", "minInclusive": "2025-01-01"}, "2025-01-01", "2024-12-31"),
        ({"base": "dateTime", "maximum": "2025-01-01T00:00:00Z"}, "2025-01-01T00:30:00+01:00", "2025-01-01T00:00:01Z"),
        ({"base": "duration", "maximum": "P1D"}, "PT24H", "PT25H"),
        ({"base": "gYear", "minimum": "1900"}, "1900", "1899"),
    ],
)  # fmt: skip
def test_constraints(described: Any, good: str, bad: str) -> None:
    assert read(described, good) == good
    assert read(described, bad) is None


def test_what_swedish_files_hold_is_taken_in_publication_only() -> None:
    described = {"base": "decimal", "format": {"decimalChar": ",", "groupChar": " "}}
    for text in ("1 234,50", "1\u00a0234,50", "1\u202f234,50"):
        assert read(described, text, lenient=True) == "1234.50"
    assert read(described, "−5", lenient=True) == "-5"
    assert read(described, "−5") is None
    assert read("decimal", "1,234", lenient=True) is None
    assert read("decimal", "1,234") == "1234"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_swedish_amounts_keep_their_value(amount: Decimal) -> None:
    text = f"{amount:,.2f}".replace(",", "\u00a0").replace(".", ",").replace("-", "−")
    described = {"base": "decimal", "format": {"decimalChar": ",", "groupChar": " "}}
    lexical = read(described, text, lenient=True)
    assert lexical is not None
    assert Decimal(lexical) == amount


@given(st.sampled_from(sorted(PARENTS)), st.text())
def test_no_text_breaks_a_reader(base: str, text: str) -> None:
    try:
        text_reader(Datatype(base))(text)
    except CellProblem as problem:
        assert problem.rule.startswith("values.")


@given(st.text())
def test_the_kind_of_a_value_never_tells_the_value(text: str) -> None:
    kind = kind_of(text)
    assert kind.isascii()
    assert len(text) < 4 or text not in kind or kind in ("text", "date", "empty")
