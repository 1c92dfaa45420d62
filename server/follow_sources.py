"""Where copies come from: another instance's data folder, or its address and a token."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from loaders.fetch import ask, stream
from server.errors import OperationError, StorageError
from server.replica import Offer, Offering
from server.settings import read_settings
from server.site import read_site

TOKEN_VARIABLE = "TORG_FOLLOW_TOKEN"
_BLOCK = 1 << 20


class Source(Protocol):
    """Another instance, as the follower sees it; every method raises OperationError when it is not to be had."""

    name: str

    def offer(self) -> Offer:
        """Return what is offered now."""

    def take(self, path: str, target: Path, most_bytes: int) -> None:
        """Bring a file to the target; what the target holds already is not brought again."""


class FolderSource:
    """The data folder of another instance on the same machine or a shared disk; never written to."""

    def __init__(self, folder: Path) -> None:
        """Take a data folder, or the folder of a site; raise OperationError when it is neither."""
        if (folder / "site.toml").is_file():
            folder = read_settings(read_site(folder).raw, environment={}).data_folder(folder)
        self.name = str(folder)
        if not folder.is_dir():
            raise OperationError(
                f"{folder} is not there. Name the data folder, or the site, of the instance to follow.",
                f"{folder} finns inte. Ange datamappen, eller platsen, för den instans som ska följas.",
            )
        self._folder, self._offering = folder, Offering(folder)

    def offer(self) -> Offer:
        """Return what is offered now."""
        try:
            os.stat(self._folder)
            return self._offering.offer()
        except (OSError, StorageError) as error:
            raise self._gone(error) from error

    def take(self, path: str, target: Path, most_bytes: int) -> None:
        """Copy a file, going on where the target ends."""
        try:
            with open(self._offering.file(path), "rb") as source, open(target, "ab") as copy:
                source.seek(copy.tell())
                while block := source.read(_BLOCK):
                    if copy.tell() + len(block) > most_bytes:
                        raise StorageError(f"{path} has grown while it was copied.", f"{path} växte under kopieringen.")
                    copy.write(block)
        except (OSError, StorageError) as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError | StorageError) -> StorageError:
        if isinstance(error, StorageError) and self._folder.is_dir():
            return error
        what = error.strerror if isinstance(error, OSError) and error.strerror else "it is gone"
        return StorageError(
            f"{self.name} cannot be read any more: {what}. What is copied stays and is gone on with; look after the "
            "source.",
            f"{self.name} går inte längre att läsa: {what}. Det som är kopierat finns kvar och används; se "
            "över källan.",
        )


class WebSource:
    """Another instance by its address; it wants a token that was made with `torg token create NAME --replica`."""

    def __init__(self, address: str, token: str) -> None:
        """Take an address without credentials; raise OperationError when it is none or the token is missing."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise OperationError(
                f"{address!r} is no address to follow: it begins with https:// and holds no password.",
                f"{address!r} är ingen adress att följa: den börjar med https:// och innehåller inget lösenord.",
            )
        self.name = address.rstrip("/")
        if not token:
            raise OperationError(
                f"Following {self.name} needs a token in {TOKEN_VARIABLE}. Make one there with: torg token create NAME "
                "--replica",
                f"För att följa {self.name} behövs en token i {TOKEN_VARIABLE}. Skapa den där med: torg token create "
                "NAMN --replica",
            )
        self._headers = {"Authorization": f"Bearer {token}"}

    def offer(self) -> Offer:
        """Return what is offered now."""
        try:
            status, body = ask("GET", f"{self.name}/-/replica", self._headers, most_bytes=64 << 20, seconds=120)
            self._check(status, "/-/replica")
            return Offer.read(json.loads(body))
        except (OSError, ValueError) as error:
            raise self._gone(error) from error

    def take(self, path: str, target: Path, most_bytes: int) -> None:
        """Fetch a file, going on where the target ends."""
        try:
            with open(target, "ab+") as copy:
                address = f"{self.name}/-/replica/files/{quote(path)}"
                status = stream(address, self._headers, copy, most_bytes=most_bytes)
        except OSError as error:
            raise self._gone(error) from error
        if status == 416:  # There was nothing left to fetch.
            return
        self._check(status, path)

    def _check(self, status: int, what: str) -> None:
        if status in (401, 403):
            raise OperationError(
                f"{self.name} does not take the token in {TOKEN_VARIABLE} ({status}). Make one there with: torg token "
                "create NAME --replica",
                f"{self.name} godtar inte den token som finns i {TOKEN_VARIABLE} ({status}). Skapa en där med: torg "
                "token create NAMN --replica",
            )
        if status not in (200, 206):
            raise StorageError(
                f"{self.name} answers {status} for {what}. It is asked again later.",
                f"{self.name} svarar {status} för {what}. Nytt försök görs senare.",
            )

    def _gone(self, error: Exception) -> StorageError:
        return StorageError(
            f"{self.name} does not answer as it should: {str(error)[:200]}. What is copied stays and is gone on with; "
            "look after the source.",
            f"{self.name} svarar inte som det ska: {str(error)[:200]}. Det som är kopierat finns kvar och används; se "
            "över källan.",
        )


def source_of(text: str) -> Source:
    """Return the source that a setting names: an address, or a folder."""
    if "://" in text:
        return WebSource(text, os.environ.get(TOKEN_VARIABLE, ""))
    return FolderSource(Path(text))
