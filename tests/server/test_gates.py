"""Files that are whole and well-formed but wrong: found with row and column, and the last good data stays."""

from __future__ import annotations

import json

import pytest

from loaders.findings import Finding
from server.generations import DataFolder
from tests.conftest import HEADER, SmallSite
from tests.conftest import ROWS as FIRST_ROWS

ROWS = [row.replace("9901", "1880") for row in FIRST_ROWS]
MORE = [*ROWS, *(f'1880,1000001{n},"Skola 1{n}",59.{n}1,15.{n}2,Grundskola,Skolgatan 1{n}' for n in range(4))]


def blocking(report) -> list[Finding]:
    return [finding for finding in report.findings() if finding.weight == "block"]


def swapped(row: str) -> str:
    cells = row.split(",")
    cells[2], cells[6] = f'"{cells[6]}"', cells[2].strip('"')
    return ",".join(cells)


BAD = {
    "half of the rows": (MORE[:5], HEADER, {"source.fewer-rows": (None, ""), "identifiers.vanishing": (None, "")}),
    "two columns in each other's place": (
        [swapped(row) for row in MORE], HEADER, {"source.swapped-columns": (2, "name")},
    ),
    "two headers in each other's place": (
        MORE, HEADER.replace("name", "x").replace("street", "name").replace("x", "street"),
        {"source.swapped-columns": (2, "name")},
    ),
    "keys that mean others now": (
        [row.replace(f"Skola {n}", f"Förskola {99 - n}") for n, row in enumerate(ROWS, 1)] + MORE[8:], HEADER,
        {"identifiers.meaning-changed": (2, "name")},
    ),
    "codes that mean others now": (
        [row.replace("Grundskola", "Gymnasieskola") for row in MORE], HEADER,
        {"identifiers.meaning-changed": (2, "school_form")},
    ),
    "codes of another list": (
        [row.replace("Grundskola", f"Kod {n}") for n, row in enumerate(MORE)], HEADER,
        {"concepts.coverage-low": (None, "school_form")},
    ),
    "ids in the place of names": (
        [",".join([c[0], c[2].strip('"'), c[1], *c[3:]]) for c in (row.split(",") for row in MORE)], HEADER,
        {"identifiers.vanishing": (None, "")},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "header", "expected"), BAD.values(), ids=BAD)
def test_wrong_files_are_found_and_the_good_state_stays(small_site: SmallSite, rows, header, expected) -> None:
    small_site.write(MORE)
    assert 1 == small_site.publish().generation
    small_site.write(rows, header)

    done = small_site.publish()

    found = {finding.rule: (finding.row, finding.column) for finding in blocking(done.report)}
    assert found == expected
    assert (None, ["asen/skolor"]) == (done.generation, done.blocked)
    assert "000001" == DataFolder(small_site.data).current_name()
    for finding in blocking(done.report):
        for language in ("sv", "en"):
            assert "{" not in finding.text(language) + finding.advice(language)


@pytest.mark.parametrize("name", ["half of the rows", "codes that mean others now"])
def test_a_steward_who_has_looked_may_confirm(small_site: SmallSite, name: str) -> None:
    rows, header, _ = BAD[name]
    small_site.write(MORE)
    small_site.publish()
    small_site.write(rows, header)
    assert 2 == small_site.publish(confirm=True).generation


def test_a_few_renamed_schools_are_no_alarm(small_site: SmallSite) -> None:
    small_site.write(MORE)
    small_site.publish()
    small_site.write([MORE[0].replace("Skola 1", "Norra"), MORE[1].replace("Skola 2", "Södra"), *MORE[2:]])
    assert 2 == small_site.publish().generation


def declare(site: SmallSite, text: str) -> None:
    with (site.dataset / "dataset.toml").open("a", encoding="utf-8") as description:
        description.write(text)


def test_unknown_codes_are_counted_and_get_proposals(small_site: SmallSite) -> None:
    small_site.write([MORE[0].replace("Grundskola", "Grundskola F-9"), *MORE[1:]])

    done = small_site.publish()

    finding = next(finding for finding in done.report.findings() if finding.rule == "concepts.coverage")
    assert ("warn", "school_form") == (finding.weight, finding.column)
    assert "1 av 12 rader (8 %)" in finding.text("sv") and "”Grundskola F-9” → " in finding.text("sv")
    report = json.loads((small_site.data / "generations/000001/reports/asen/skolor.json").read_text("utf-8"))
    (coverage,) = [each for each in report["coverage"] if each["unmatched"]]
    assert (12, 1, 1, 1, 0, 0) == tuple(
        coverage[name] for name in ("rows", "missed_rows", "matched", "unmatched", "ambiguous", "deprecated")
    )
    assert "Grundskola" in coverage["proposals"][0]["concepts"]


@pytest.mark.parametrize(
    ("thresholds", "blocked"),
    [("unmatchedBlock = 0.05", True), ("unmatchedBlock = 0.1", False), ("unmatchedWarn = 0.2", False)],
)
def test_thresholds_are_the_stewards(small_site: SmallSite, thresholds: str, blocked: bool) -> None:
    declare(small_site, f"[thresholds]\n{thresholds}\n")
    small_site.write([MORE[0].replace("Grundskola", "Grundskola F-9"), *MORE[1:]])

    done = small_site.publish()

    assert blocked == bool(done.blocked)
    warned = any(finding.rule == "concepts.coverage" for finding in done.report.findings())
    assert warned == (thresholds == "unmatchedBlock = 0.1")


@pytest.mark.parametrize("line", ["unmatched = 0.5", "unmatchedWarn = 2", 'vanishing = "half"', "changed = true"])
def test_a_wrong_threshold_is_told_with_its_line(small_site: SmallSite, line: str) -> None:
    declare(small_site, f"[thresholds]\n{line}\n")
    (finding,) = blocking(small_site.publish().report)
    assert finding.rule in ("description.unknown-key", "description.wrong-value")
    assert "thresholds." in finding.text("sv")


def test_texts_that_resemble_no_concept_are_counted_and_not_shown(small_site: SmallSite) -> None:
    small_site.write([MORE[0].replace("Grundskola", "Kim Berg"), *MORE[1:]])

    small_site.publish()

    for path in (small_site.data / "generations/000001/reports").rglob("*.json"):
        text = path.read_text("utf-8")
        assert "Kim" not in text and '"unmatched": 1' in text


def test_a_repeated_key_with_other_content_is_told_with_row_and_column(small_site: SmallSite) -> None:
    small_site.write([*ROWS, ROWS[0].replace("Skola 1", "Skola A").replace("Skolgatan 1", "Nygatan 1")])

    done = small_site.publish()

    found = [finding for finding in done.report.findings() if finding.rule == "identifiers.repeated"]
    assert [(10, "name, street")] == [(finding.row, finding.column) for finding in found]
    assert "2" in found[0].text("sv"), "the other row is named"


def published(site: SmallSite, rows: list[str], header: str = HEADER) -> list[Finding]:
    """Publish the good rows, then others, and return what was found."""
    site.write(MORE)
    site.publish()
    site.write(rows, header)
    return list(site.publish().report.findings())


def forms(*codes: str) -> list[str]:
    return [row.replace("Grundskola", code) for row, code in zip(MORE, codes, strict=True)]


def test_codes_that_changed_places_on_some_rows_block_with_their_rows(small_site: SmallSite) -> None:
    codes = ["Gymnasieskola"] * 2 + ["Förskoleklass"] * 2 + ["Grundskola"] * 8
    small_site.write(forms(*codes))
    small_site.publish()
    small_site.write(forms(*["Förskoleklass"] * 2, *["Gymnasieskola"] * 2, *["Grundskola"] * 8))

    done = small_site.publish()

    found = [finding for finding in done.report.findings() if finding.rule == "identifiers.codes-swapped"]
    assert done.blocked and [2, 3, 4, 5] == [finding.row for finding in found]
    assert {("school_form", "block")} == {(finding.column, finding.weight) for finding in found}
    assert "4 av 4" in found[0].text("sv")


def test_a_code_that_moved_as_a_whole_is_a_warning(small_site: SmallSite) -> None:
    small_site.write(forms(*["Gymnasieskola"] * 3, *["Grundskola"] * 9))
    small_site.publish()
    small_site.write(forms(*["Förskoleklass"] * 3, *["Grundskola"] * 9))

    done = small_site.publish()

    found = [finding for finding in done.report.findings() if finding.rule == "identifiers.code-moved"]
    assert not done.blocked and [2, 3, 4] == [finding.row for finding in found]
    assert "3 av 3" in found[0].text("sv") and "warn" == found[0].weight


def test_a_school_of_another_form_is_no_alarm(small_site: SmallSite) -> None:
    small_site.write(forms(*["Gymnasieskola"] * 4, *["Grundskola"] * 8))
    small_site.publish()
    small_site.write(forms(*["Gymnasieskola"] * 3, *["Grundskola"] * 9))
    assert not [each for each in small_site.publish().report.findings() if each.rule.startswith("identifiers.code")]


def test_columns_swapped_on_some_rows_are_told_row_by_row(small_site: SmallSite) -> None:
    found = published(small_site, [*MORE[:4], *map(swapped, MORE[4:8]), *MORE[8:]])
    told = [finding for finding in found if finding.rule == "source.swapped-cells"]
    assert [6, 7, 8, 9] == [finding.row for finding in told] and "name" == told[0].column
    assert "4 av 12" in told[0].text("sv")


def test_one_column_sorted_by_itself_blocks(small_site: SmallSite) -> None:
    names = [row.split(",")[2] for row in MORE]
    rows = [
        row.replace(name, names[(place + 3) % 12]) for place, (row, name) in enumerate(zip(MORE, names, strict=True))
    ]
    streets = [row.rpartition(",")[2] for row in MORE]
    moved = [row.replace(street, streets[(n + 1) % 5]) if n < 5 else row
             for n, (row, street) in enumerate(zip(MORE, streets, strict=True))]  # fmt: skip
    found = published(small_site, moved)
    told = [finding for finding in found if finding.rule == "identifiers.values-moved"]
    assert [2, 3, 4, 5, 6] == [finding.row for finding in told]
    assert {("street", "block")} == {(finding.column, finding.weight) for finding in told}
    small_site.write(rows)
    assert small_site.publish().blocked


def test_a_renamed_optional_header_is_a_warning_with_what_to_write(small_site: SmallSite) -> None:
    found = published(small_site, MORE, HEADER.replace("street", "Streets"))
    told = {finding.rule: finding for finding in found}
    assert "warn" == told["source.likely-renamed"].weight
    assert '"Streets" = "street"' in told["source.likely-renamed"].advice("en")
    assert (12, "street", "warn") == tuple(
        getattr(told["source.emptied-column"], name) for name in ("count", "column", "weight")
    )
    assert "Streets" in told["source.emptied-column"].text("sv")


def test_what_rows_share_is_told_with_the_first_row_that_speaks_of_it(small_site: SmallSite) -> None:
    (small_site.dataset / "dataset.toml").write_text(
        'title.sv = "R"\ndescription.sv = "R"\nlicense = "CC0"\nconformsTo = "leverantorsreskontra"\n'
        'delivery = "full"\nsource = "r.csv"\n', "utf-8",
    )  # fmt: skip
    head = "verifikationsnummer;leverantor_id;leverantor;konto_nr;konto_text;bokforingsdatum;nettobelopp\n"

    def write(step: int) -> None:
        rows = (
            f"V{n};5560747551;Firma AB;{4010 + n % 5};Konto {(n + step) % 5};2026-01-02;{n}.50\n" for n in range(20)
        )
        (small_site.dataset / "r.csv").write_text(head + "".join(rows), "utf-8")

    write(0)
    small_site.publish()
    write(1)
    done = small_site.publish()
    (finding,) = blocking(done.report)
    assert "identifiers.meaning-changed" == finding.rule
    assert ("r.csv", 2, "konto_text") == (finding.file, finding.row, finding.column)


def test_things_that_vanish_with_the_way_of_delivery_are_found(small_site: SmallSite) -> None:
    said = (small_site.dataset / "dataset.toml").read_text("utf-8")
    by_period = said.replace('"skolor.csv"', '"skolor-*.csv"\ndelivery = "period"')
    (small_site.dataset / "dataset.toml").write_text(by_period, "utf-8")
    small_site.source.unlink()
    for year, rows in (("2024", ROWS[:4]), ("2025", ROWS[4:])):
        (small_site.dataset / f"skolor-{year}.csv").write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    assert small_site.publish().blocked == []
    for year in ("2024", "2025"):
        (small_site.dataset / f"skolor-{year}.csv").unlink()
    (small_site.dataset / "dataset.toml").write_text(said, "utf-8")
    small_site.write(ROWS[:1])
    done = small_site.publish()
    assert done.blocked == ["asen/skolor"] and "identifiers.vanishing" in {each.rule for each in blocking(done.report)}
    small_site.write(ROWS)
    assert small_site.publish().blocked == []


def test_things_that_vanish_from_a_source_that_is_rdf_are_found(small_site: SmallSite) -> None:
    said = (small_site.dataset / "dataset.toml").read_text("utf-8")
    described = said.replace("skolor.csv", "skolor.nt").replace('conformsTo = "skolor"\n', "")
    (small_site.dataset / "dataset.toml").write_text(described, "utf-8")
    small_site.source.unlink()

    def write(numbers: range) -> None:
        lines = (f'<https://data.asen.example/id/x/9901/{n}> <https://schema.org/name> "N {n}" .\n' for n in numbers)
        (small_site.dataset / "skolor.nt").write_text("".join(lines), "utf-8")

    write(range(10))
    assert small_site.publish().blocked == []
    write(range(5))
    done = small_site.publish()
    assert done.blocked == ["asen/skolor"]
    assert [each.rule for each in blocking(done.report)] == ["identifiers.vanishing"]
    write(range(1, 10))
    assert small_site.publish().blocked == []
    write(range(1, 4))
    assert small_site.publish(confirm=True).blocked == []
