"""One running site: its settings, the current generation, labels, ledger and readers; what every view works with."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import ontology
from server.errors import Problem
from server.formats import RdfWriter
from server.generations import DataFolder, Generation, GraphEntry
from server.labels import LabelIndex
from server.ledger import Ledger
from server.memory import Tidying
from server.partitions import Partitions, count_partitions, read_partitions
from server.settings import Settings, read_settings
from server.site import Site, read_site
from server.texts import LANGUAGES
from server.thing_names import ThingNames
from server.uris import UriSpace
from server.wholeness import Watch

_MORE_PREFIXES = {"hydra": "http://www.w3.org/ns/hydra/core#"}


class Opened:
    """A generation opened for serving, with all that is read from its folder.

    It lives as long as somebody holds it: when the pointer has moved on and the last request lets go,
    its lock is released, so that an old generation is never deleted under a reader's feet.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.labels = LabelIndex(generation.path / "labels.sqlite")
        self.memo: dict[str, Any] = {}  # what was counted once and holds for the whole generation
        self.graphs = generation.graphs  # read once: the property builds it anew at each use
        self.names = ThingNames(generation.store, self.labels)
        weakref.finalize(self, generation.close)


class Torg:
    """A site as it is served; safe to share between threads."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self.site = site
        self.settings = settings
        self.data = DataFolder(settings.data_folder(site.folder))
        self.ledger = Ledger(self.data.path / "ledger.sqlite", self._pointed)
        self.watch = Watch(self.data)
        self.readers: Any = None  # the pool of server.readers, set when serving starts
        # A slow client of a large answer holds a thread (design 7), so they are few at a time.
        self.large_answers = threading.BoundedSemaphore(4)
        self._partitions: dict[str, Partitions] = {}
        self._opening = threading.Lock()
        self._tidying = Tidying()
        self._pointer = str(self.data.path / "current")
        self._opened: tuple[tuple[int, int], Opened] | None = None
        self._last = (0, 0), 0  # the pointer's mark, and the number that it named then

    @classmethod
    def open(cls, folder: Path, settings: Settings | None = None) -> Torg:
        """Return the site in a folder; raise DescriptionError or SettingsError when its files are wrong."""
        site = read_site(folder)
        return cls(site, settings or read_settings(site.raw))

    @property
    def uris(self) -> UriSpace:
        """Our URI space."""
        return self.site.uris

    @cached_property
    def prefixes(self) -> Mapping[str, str]:
        """Every prefix we use in Turtle, in queries and on pages."""
        return dict(sorted({**ontology.prefixes(self.site.concept_base), **_MORE_PREFIXES}.items()))

    @cached_property
    def writer(self) -> RdfWriter:
        """The writer of RDF answers."""
        return RdfWriter(self.prefixes, ontology.context(self.site.concept_base))

    @cached_property
    def property_order(self) -> Mapping[str, int]:
        """Where each property stands among the columns of our specifications: the order that pages show facts in."""
        order: dict[str, int] = {}
        for name in ontology.specification_names():
            for column in ontology.table(name)["tableSchema"]["columns"]:
                if url := column.get("propertyUrl"):
                    order.setdefault(url if "://" in url else self.uris.resolve(url), len(order))
        return order

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages of the pages, the site's first one first."""
        return tuple(language for language in self.site.languages if language in LANGUAGES) or LANGUAGES

    def current(self) -> Opened:
        """Return the current generation with what belongs to it; raise Problem 503 before the first publication.

        The pointer file is looked at on each call, so a flip is seen at once. A flip replaces the file, so
        its inode and time tell (two microseconds, where reading it takes fifty).
        """
        mark = self._mark()
        opened = self._opened
        if opened is not None and opened[0] == mark:
            return opened[1]
        with self._opening:
            return self._open(mark)

    def _open(self, mark: tuple[int, int]) -> Opened:
        """Return the generation that the pointer names, opened unless it is open already."""
        name = self.data.current_name()
        if name is None:
            raise Problem(
                503,
                "Nothing has been published here yet. Run `torg publish`, then try again.",
                sv="Här är ingenting publicerat än. Kör `torg publish` och försök igen.",
                title="Nothing is published yet",
                headers={"Retry-After": "10"},
            )
        known = self._opened
        if known is not None and known[1].generation.name == name:
            opened = known[1]
        else:
            generation = self.watch.open(name, self._look_again)
            same = known is not None and known[1].generation.name == generation.name
            opened = known[1] if same and known is not None else Opened(generation)
            if same:
                generation.close()
            elif self.watch.thorough:
                self._tidying.soon()
        # A mark taken before a flip is never equal to the next one, so the next call looks again.
        self._opened = (mark, opened)
        return opened

    def _look_again(self) -> None:
        """Let the next request open what there is: the generation that was served is damaged."""
        with self._opening:
            self._opened = None

    def doubt(self) -> None:
        """Have the served generation examined, because a read of it has failed."""
        opened = self._opened
        if opened is not None:
            self.watch.doubt(opened[1].generation.path, self._look_again)

    def _pointed(self) -> int:
        """Return the number of the generation that was published last, though another may be served in its place."""
        mark = self._mark()
        if mark != self._last[0]:
            self._last = mark, int(self.data.current_name() or 0)
        return self._last[1]

    def _mark(self) -> tuple[int, int]:
        try:
            found = os.stat(self._pointer)
        except FileNotFoundError:
            return (0, 0)
        return found.st_ino, found.st_mtime_ns

    def generation(self) -> Generation:
        """Return the current generation; raise Problem 503 before the first publication."""
        return self.current().generation

    def labels(self) -> LabelIndex:
        """Return the label index of the current generation; raise Problem 503 before the first publication."""
        return self.current().labels

    @contextmanager
    def large_answer(self) -> Iterator[None]:
        """Hold a place among the large answers; raise Problem 503 when none comes free in five seconds."""
        if not self.large_answers.acquire(timeout=5):
            detail = "Others are fetching large answers just now. The dumps under /dumps/ can be fetched at any time."
            sv = "Andra hämtar stora svar just nu. Filerna under /dumps/ går alltid att hämta."
            raise Problem(503, detail, sv=sv, headers={"Retry-After": "10"})
        try:
            yield
        finally:
            self.large_answers.release()

    def partitions(self, opened: Opened, entry: GraphEntry) -> Partitions:
        """Return the counts of a graph as publication left them, else counted now, once for each content."""
        if "partitions" not in opened.memo:
            opened.memo["partitions"] = read_partitions(opened.generation.path, self.site.base)
        counted: dict[str, Partitions] = opened.memo["partitions"]
        found = counted.get(entry.sha256) or self._partitions.get(entry.sha256)
        if found is None:
            found = count_partitions(opened.generation.path / entry.dump, self.site.base)
            self._partitions[entry.sha256] = found
        return found

    def close(self) -> None:
        """Let go of the current generation."""
        self._opened = None
