"""The decision to publish a dataset, as its steward writes it under `[decision]`: who decided, and what was weighed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loaders.description import Dataset, nearest
from loaders.findings import Finding

# What must be weighed before public information is opened, each as a question to the steward.
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "informationOwner": ("vem ansvarar för informationen?", "who is responsible for the information?"),
    "secrecy": ("kan något omfattas av sekretess, och hur prövades det?",
                "may anything be secret by law, and how was it examined?"),
    "personalData": ("finns personuppgifter, och med vilket stöd publiceras de?",
                     "are there personal data, and on what ground are they published?"),
    "thirdPartyRights": ("har någon annan rättigheter till innehållet?", "has anybody else rights to the content?"),
    "license": ("varför just den licensen?", "why this licence?"),
}  # fmt: skip
OPTIONAL = ("decidedBy", "date", "reference", "note")


def check_decision(dataset: Dataset, strict: bool) -> Iterator[Finding]:
    """Yield what is missing from or wrong with a dataset's decision; that there is none only when `strict`."""
    said = dataset.metadata.get("decision")
    if not isinstance(said, dict) or not said:
        if strict:
            yield _finding(dataset, "missing", known=", ".join(QUESTIONS))
        return
    known = (*QUESTIONS, *OPTIONAL)
    for key in said:
        if key not in known:
            yield _finding(dataset, "unknown-key", key=key, nearest=nearest(key, known))
    for key, (swedish, english) in QUESTIONS.items():
        if not str(said.get(key, "")).strip():
            yield _finding(dataset, "incomplete", key=key, question_sv=swedish, question_en=english)


def decision_texts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield (key, what was decided) of a dataset's decision, for publication."""
    said: Any = dataset.metadata.get("decision")
    if isinstance(said, dict):
        for key in (*QUESTIONS, *OPTIONAL):
            if str(said.get(key, "")).strip():
                yield key, str(said[key])


def _finding(dataset: Dataset, rule: str, **detail: str) -> Finding:
    return Finding(f"decision.{rule}", dataset.key, "dataset.toml", detail=tuple(detail.items()))
