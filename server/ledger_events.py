"""What a publication means for the ledger: which identifiers it withdraws, replaces, mints and brings back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from loaders.findings import Finding
from server.assemble import Change
from server.graph_files import described, subjects
from server.ledger import Recorder
from server.replacements import Replacement, unfinished
from server.store import ReadStore
from server.uris import UriSpace

_MINTED = ("/id/", "/def/")
_AT_ONCE = 5000


def record_withdrawn(
    recorder: Recorder,
    changed: Iterable[Change],
    store: ReadStore,
    uris: UriSpace,
    former: UriSpace,
    without: Callable[[str], bool] = lambda _: False,
) -> None:
    """Record what no graph of the coming store describes any more, with its last description.

    `former` are the URIs before this publication; lines that `without` is true of are not kept.
    """
    for change in changed:
        if change.old is None:
            continue
        removed = (line for added, line in change.difference() if not added)
        for iri, lines in subjects(removed):
            path = uris.path(iri) or former.path(iri)
            if path and path.startswith(_MINTED) and not store.describes(uris.iri(path)):
                recorder.gone(path, [line for line in lines if not without(line)])


def record_declared(
    recorder: Recorder, declared: Iterable[Replacement], store: ReadStore, uris: UriSpace
) -> list[Finding]:
    """Record the replacements that hold from now on; return what is to be said of those that do not."""
    holding, findings = unfinished(declared, lambda path: store.describes(uris.iri(path)))
    for path, event, successors in holding:
        recorder.declared(path, event, successors)
    return findings


def record_seen(recorder: Recorder, changed: Iterable[Change], uris: UriSpace) -> None:
    """Record what is described for the first time, or again."""
    for change in changed:
        described_now = _described(change)
        while batch := list(islice(described_now, _AT_ONCE)):
            paths = (uris.path(iri) for iri in batch)
            recorder.seen(path for path in paths if path and path.startswith(_MINTED))


def _described(change: Change) -> Iterator[str]:
    """Yield the subjects of which a graph says something new."""
    if change.old is None and change.new is not None:
        yield from described(change.new)
    else:
        yield from (iri for iri, _ in subjects(line for added, line in change.difference() if added))
