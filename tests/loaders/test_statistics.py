"""PX, JSON-stat and wide tables become observations of the same cube, their codes matched to the shared places."""

from __future__ import annotations

import json

import pytest

from tests.loaders.conftest import BASE, Loader

CUBE = 'conformsTo = "kommunal-statistik"\n'
PX = """CHARSET="ANSI";
AXIS-VERSION="2013";
LANGUAGE="sv";
LANGUAGES="sv","en";
CREATION-DATE="20260105 09:30";
MATRIX="BE0101";
DECIMALS=0;
CONTENTS="Folkmängd";
CONTENTS[en]="Population";
UNITS="antal";
STUB="region","ålder";
HEADING="kön","år";
VALUES("region")="Örebro",
"Göteborg";
VALUES("ålder")="0-19 år","20- år";
VALUES("kön")="män","kvinnor";
VALUES("år")="2024","2025";
VALUES[en]("kön")="men","women";
TIMEVAL("år")=TLIST(A1),"2024","2025";
CODES("region")="1880","1480";
CODES("ålder")="0-19","20+";
CODES("kön")="1","2";
MAP("region")="Kommun_2026";
NOTE="En lång anmärkning; den går över "
"flera rader.";
DATASYMBOL2="För få fall";
DATA=
1 2 3 4
5 6 7 8.5
9 ".." 11 -
13 14 15 16;
"""


def test_px_cells_become_observations_with_codes_and_reasons(load_files: Loader) -> None:
    done = load_files({"be0101.px": PX.encode("cp1252")}, CUBE)
    assert done.error is None, done.told()
    assert done.counts.rows_in == done.counts.rows_out == 16
    subjects = [subject for subject, _, _ in done.rows]
    assert subjects[0] == f"{BASE}id/observation/1880/prov/BE0101.0-19/1880/2024/M"
    assert subjects[-1] == f"{BASE}id/observation/1880/prov/BE0101.20%2B/1480/2025/K"
    eighth = "".join(done.rows[7][2])
    assert '"8.5"^^<http://www.w3.org/2001/XMLSchema#decimal>' in eighth
    assert f"dimension#refArea> <{BASE}def/place/1880>" in eighth
    assert '"2025"^^<http://www.w3.org/2001/XMLSchema#gYear>' in eighth
    assert '"Folkmängd, 20- år"@sv' in done.lines
    assert "För få fall" in "".join(done.rows[9][2]) and "obsValue" not in "".join(done.rows[9][2])
    assert "obsValue" not in "".join(done.rows[11][2])
    assert done.lines.count("cube#Observation") == 16


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ('"2025M01","2025M12"', ("2025-01", "2025-12")),
        ('"2025K1","2025K4"', ("2025-Q1", "2025-Q4")),
        ('"2025Q1","2025 kv 4"', ("2025-Q1", "2025-Q4")),
    ],
)
def test_months_and_quarters(codes: str, expected: tuple[str, str], load_files: Loader) -> None:
    done = load_files(
        {"a.px": PX.replace('VALUES("år")="2024","2025"', f'VALUES("år")={codes}').encode("cp1252")}, CUBE
    )
    assert done.error is None, done.told()
    assert done.counts.rows_out == 16
    assert all(f"/1880/{period}/M>" in done.lines for period in expected)
    kind = "gYearMonth" if "-Q" not in expected[0] else "Q1"
    assert kind in done.lines


KEYED = PX.partition("DATA=")[0] + 'KEYS("region")=CODES;\nKEYS("ålder")=VALUES;\nDATA=\n'


def test_px_by_keys_leaves_out_rows_of_zeros(load_files: Loader) -> None:
    data = '"1480","20- år", 1 2 3 ".."\n"1880","0-19 år",5 6 7 8.5;\n'
    done = load_files({"a.px": (KEYED + data).encode("cp1252")}, CUBE)
    assert done.error is None, done.told()
    assert done.counts.rows_out == 16
    values = {subject.rpartition("BE0101.")[2]: "".join(lines) for subject, _, lines in done.rows}
    assert '"8.5"' in values["0-19/1880/2025/K"] and '"1"' in values["20%2B/1480/2024/M"]
    assert '"0"' in values["0-19/1480/2024/M"] and "För få fall" in values["20%2B/1480/2025/K"]
    (told,) = [finding for finding in done.findings if finding.rule == "source.px-zero-rows"]
    assert "2" in told.text("sv")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param('"1480","20- år", 1 2 3;', id="short"),
        pytest.param('"9999","20- år", 1 2 3 4;', id="unknown-key"),
        pytest.param('"1480","20- år",1 2 3 4\n"1480","20- år",1 2 3 4;', id="twice"),
    ],
)
def test_px_by_keys_that_do_not_fit_is_refused(data: str, load_files: Loader) -> None:
    done = load_files({"a.px": (KEYED + data).encode("cp1252")}, CUBE)
    assert done.error is not None and done.error.rule == "source.broken-px"


def test_px_in_the_charset_of_its_day(load_files: Loader) -> None:
    oldest = PX.replace('CHARSET="ANSI";\n', "")
    done = load_files({"a.px": oldest.encode("cp850")}, CUBE)
    assert done.error is None and "Folkmängd" in done.lines
    modern = PX.replace('AXIS-VERSION="2013";', 'AXIS-VERSION="2013";\nCODEPAGE="utf-8";')
    done = load_files({"a.px": modern.encode()}, CUBE)
    assert done.error is None and "Folkmängd" in done.lines


@pytest.mark.parametrize(
    ("text", "encoding", "rule"),
    [
        (PX, "cp850", "source.px-charset"),
        (PX.replace('CHARSET="ANSI";\n', ""), "cp1252", "source.px-charset"),
        (PX.replace('LANGUAGE="sv"', 'CODEPAGE="utf-8";\nLANGUAGE="sv"'), "cp1252", "source.px-charset"),
        (PX.replace('LANGUAGE="sv"', 'CODEPAGE="klingon";\nLANGUAGE="sv"'), "cp1252", "source.px-charset"),
        (PX.replace("13 14 15 16", "13 14"), "cp1252", "source.broken-px"),
        (PX.replace('CODES("kön")="1","2"', 'CODES("kön")="1"'), "cp1252", "source.broken-px"),
        (PX.replace('VALUES("kön")="män","kvinnor";', ""), "cp1252", "source.broken-px"),
        (PX[:400], "cp1252", "source.broken-px"),
        (PX.removesuffix(";\n"), "cp1252", "source.broken-px"),
        (PX.replace('UNITS="antal";', 'UNITS="antal'), "cp1252", "source.broken-px"),
    ],
)
def test_px_that_cannot_be_trusted_is_refused(text: str, encoding: str, rule: str, load_files: Loader) -> None:
    done = load_files({"a.px": text.encode(encoding)}, CUBE)
    assert done.error is not None and done.error.rule == rule, done.told()


def test_px_that_is_utf_8_whatever_it_says(load_files: Loader) -> None:
    done = load_files({"a.px": PX.encode()}, CUBE)
    assert done.error is None and "Folkmängd" in done.lines and "source.px-charset-other" in done.rules()


def stat(**changes: object) -> str:
    document: dict[str, object] = {
        "version": "2.0",
        "class": "dataset",
        "label": "Andel behöriga",
        "id": ["ContentsCode", "Region", "Kon", "Tid"],
        "size": [1, 2, 3, 1],
        "role": {"time": ["Tid"], "geo": ["Region"], "metric": ["ContentsCode"]},
        "dimension": {
            "ContentsCode": {
                "category": {"label": {"N15428": "Behöriga"}, "unit": {"N15428": {"base": "procent", "decimals": 1}}}
            },
            "Region": {"category": {"index": {"0180": 1, "1880": 0}, "label": {"0180": "Stockholm", "1880": "Örebro"}}},
            "Kon": {"label": "kön", "category": {"index": ["T", "1", "2"],
                    "label": {"T": "totalt", "1": "män", "2": "kvinnor"}}},
            "Tid": {"category": {"index": ["2025"]}},
        },
        "value": [88.10, 86, None, 91, 90, 92],
        "status": {"2": ".."},
    }  # fmt: skip
    return json.dumps(document | changes)


def test_json_stat(load_files: Loader) -> None:
    done = load_files({"a.json": stat()}, CUBE)
    assert done.error is None, done.told()
    assert [subject.rpartition("prov/")[2] for subject, _, _ in done.rows] == [
        "N15428/1880/2025/T", "N15428/1880/2025/M", "N15428/1880/2025/K",
        "N15428/0180/2025/T", "N15428/0180/2025/M", "N15428/0180/2025/K",
    ]  # fmt: skip
    assert "obsValue" not in "".join(done.rows[2][2]) and '"uppgift saknas"' in "".join(done.rows[2][2])
    assert '"88.1"' in done.lines and '"procent"@sv' in done.lines


def test_json_stat_with_few_values_gives_every_cell(load_files: Loader) -> None:
    done = load_files({"a.json": stat(value={"0": 1, "5": 2}, status="p")}, CUBE)
    assert done.error is None and done.counts.rows_out == 6 and done.lines.count("obsValue") == 2


@pytest.mark.parametrize(
    "changes",
    [{"value": [1, 2]}, {"size": [1, 2, 3, 9]}, {"id": ["Tid", "X"]}, {"value": {"99": 1}}, {"dimension": {}}],
)
def test_broken_json_stat(changes: dict[str, object], load_files: Loader) -> None:
    done = load_files({"a.json": stat(**changes)}, CUBE)
    assert done.error is not None and done.error.rule == "source.broken-json-stat"


def test_a_column_for_each_year_and_sex(load_files: Loader) -> None:
    text = "Kommun;Män 2024;Män 2025;Kvinnor 2025\n114;10,5;..;12\n1880;1;2;3\n"
    toml = (
        CUBE + '[constants]\nindicator = "U1"\n[wide]\n"Män 2024" = { period = "2024", sex = "M" }\n'
        '"Män*" = { period = "2025", sex = "M" }\n"Kvinnor 2025" = { period = "2025", sex = "K" }\n'
    )
    done = load_files({"a.csv": text}, toml)
    assert done.error is None, done.told()
    assert done.counts.rows_in == done.counts.rows_out == 6
    assert {subject.rpartition("U1/")[2] for subject, _, _ in done.rows} == {
        "114/2024/M", "114/2025/M", "114/2025/K", "1880/2024/M", "1880/2025/M", "1880/2025/K",
    }  # fmt: skip
    # The zero that a spreadsheet took away is given back in the place, and told.
    assert f"<{BASE}def/place/0114>" in done.lines and "concepts.lost-zero" in done.rules()
    assert '"10.5"' in done.lines and done.lines.count("obsValue") == 5


def test_headers_that_are_years(load_files: Loader) -> None:
    toml = CUBE + '[constants]\nindicator = "U1"\nsex = "T"\n[wide]\n"20??" = { period = "{header}" }\n'
    done = load_files({"a.csv": "kommun;2024;2025\n1880;1;2\n"}, toml)
    assert [subject.rpartition("U1/")[2] for subject, _, _ in done.rows] == ["1880/2024/T", "1880/2025/T"]
    missing = load_files({"a.csv": "kommun;enhet;2024;2025\n1880;st;1;2\n"}, toml.replace("20??", "19??"))
    assert missing.error is not None and missing.error.rule == "source.unknown-header"


def test_another_file_joined_by_its_key(load_files: Loader) -> None:
    files = {
        "stationer.csv": "id,name\nA,Torget\nB,Hamnen\nC,Skogen\n",
        "tjanster.csv": "station,slag\nA,Glas\nA,Papper\nA,Glas\nB,Metall\nX,Glas\nX,Papper\n",
    }
    toml = (
        'conformsTo = "atervinningsstationer"\nsource = "*.csv"\n[columns]\n"slag" = "materials"\n'
        '[join]\nsource = "tjanster.csv"\non = { "id" = "station" }\ntake = ["slag"]\n'
    )
    done = load_files(files, toml)
    assert done.error is None, done.told()
    assert done.counts.rows_in == done.counts.rows_out == 3
    first = "".join(done.rows[0][2])
    assert first.count("torg#materials") == 2 and '"Glas"' in first and '"Papper"' in first
    assert "torg#materials" not in "".join(done.rows[2][2])
    unmatched = next(finding for finding in done.findings if finding.rule == "source.join-unmatched")
    assert unmatched.count == 2 and unmatched.file == "tjanster.csv"
    wrong = load_files(files, toml.replace('"slag"]', '"slagg"]'))
    assert wrong.error is not None and wrong.error.rule == "source.unknown-header"


def test_an_id_made_of_several_columns(load_files: Loader) -> None:
    toml = 'conformsTo = "lekplatser"\n[constants]\nid = "{name}, {gata}"\n'
    done = load_files({"a.csv": "name,gata\nTorget,Storgatan 1\nTorget,\n,\n"}, toml)
    assert [subject.rpartition("1880/")[2] for subject, _, _ in done.rows] == [
        "Torget%2C%20Storgatan%201",
        "Torget%2C%20",
    ]
    wrong = load_files({"a.csv": "name,gata\nTorget,x\n"}, toml.replace("gata}", "gatan}"))
    assert wrong.error is not None and "gata" in wrong.told() and wrong.error.rule == "source.unknown-header"
