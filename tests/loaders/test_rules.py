"""Every rule that the loaders speak of is in the catalogue, in both languages, and says where its parts come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ontology
from loaders.findings import Finding

CODE = "\n".join(path.read_text("utf-8") for path in Path(__file__).parents[2].joinpath("loaders").glob("*.py"))
EVERYWHERE = CODE + "\n".join(
    path.read_text("utf-8") for path in Path(__file__).parents[2].joinpath("server").rglob("*.py")
)
NAMED = sorted(set(re.findall(r'"((?:source|description|personal|concepts|values|identifiers)\.[a-z][a-z-]+)"', CODE)))


@pytest.mark.parametrize("name", NAMED)
def test_a_rule_that_is_spoken_of_exists(name: str) -> None:
    rule = ontology.rule(name)
    for texts in (rule.text, rule.advice):
        assert set(texts) == {"sv", "en"} and all(text.endswith((".", "!", "?", "}")) for text in texts.values())
        names = [set(re.findall(r"\{([a-z_]+)\}", text)) for text in texts.values()]
        assert {name.removesuffix("_sv") for name in names[0]} == {name.removesuffix("_en") for name in names[1]}


@pytest.mark.parametrize("family", ["source", "personal", "concepts"])
def test_no_rule_is_left_over(family: str) -> None:
    rules = [name for name in ontology.rules() if name.startswith(f"{family}.")]

    def spoken_of(name: str) -> bool:
        """A rule is named whole, or its last word is put in."""
        made = name.rpartition("-")[0] + "-{"
        return name in NAMED or name.split(".")[1] in EVERYWHERE or made in EVERYWHERE

    assert [name for name in rules if not spoken_of(name)] == []


def test_a_number_in_a_text_chooses_its_words() -> None:
    one, many = (Finding("harvest.breach", count=count) for count in (1, 2))
    assert "på 1 ställe:" in one.text("sv") and "in 1 place:" in one.text("en")
    assert "på 2 ställen:" in many.text("sv") and "in 2 places:" in many.text("en")
    for finding in (Finding(name, count=count) for name in ontology.rules() for count in (1, 2)):
        assert "|" not in finding.text("sv") + finding.text("en") + finding.advice("sv") + finding.advice("en")


def test_a_file_without_line_ends_is_refused(tmp_path: Path, load_files: object) -> None:
    done = load_files({"a.csv": b"id,name," + b"x" * (34 << 20)})  # type: ignore[operator]
    assert done.error.rule == "source.long-line"
