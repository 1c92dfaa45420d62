"""Findings as sentences: what is known is said, and nothing stands in its place when it is not."""

from loaders.findings import Finding


def test_what_is_nearest_is_told_only_when_something_is():
    for proposals, sv, en in (
        ("–", "(4 siffror).", "(4 digits)."),
        ("0880 Kalmar", "Närmast: 0880 Kalmar.", "Nearest: 0880 Kalmar."),
    ):
        finding = Finding(
            "concepts.unmatched", column="ort", kind="4 digits", detail=(("scheme", "place"), ("proposals", proposals))
        )
        assert finding.text("sv").endswith(sv) and finding.text("en").endswith(en)
        assert "[" not in finding.text("sv") + finding.text("en")
    unknown = Finding("site.unknown-publisher", detail=(("name", "asen"), ("nearest", "åsen")))
    assert "[publishers.asen]" in unknown.advice("en")
