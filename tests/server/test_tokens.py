"""Tokens: shown once, kept as hashes, found while they are valid, gone at once when revoked."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.errors import OperationError, StorageError
from server.tokens import TokenFile

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "data" / "tokens.json")


def test_a_token_is_found_by_its_text_and_by_nothing_near_it(tokens: TokenFile) -> None:
    token, text = tokens.create("Länsstyrelsen", now=NOW)
    assert tokens.find(text, NOW) == token
    other = tokens.create("Someone else", now=NOW)[1]
    mixed = f"torg_{token.id}_{other.rsplit('_', 1)[-1] if other.count('_') == 2 else other[14:]}"
    for wrong in ("", text[:-1], text + "x", text.upper(), mixed, f"torg_00000000_{text[14:]}", "torg_", "é" * 57):
        assert tokens.find(wrong, NOW) is None


def test_the_secret_is_not_kept_and_the_file_is_the_owners(tokens: TokenFile) -> None:
    _, text = tokens.create("Länsstyrelsen", now=NOW)
    assert text[14:] not in tokens.path.read_text("utf-8")
    assert tokens.path.stat().st_mode & 0o077 == 0


def test_a_token_expires_and_is_revoked_at_once_everywhere(tokens: TokenFile) -> None:
    token, text = tokens.create("Länsstyrelsen", days=30, now=NOW)
    elsewhere = TokenFile(tokens.path)
    assert elsewhere.find(text, NOW + timedelta(days=30)) == token
    assert elsewhere.find(text, NOW + timedelta(days=30, minutes=2)) is None
    assert [found.name for found in elsewhere.list()] == ["Länsstyrelsen"]
    tokens.revoke(token.id)
    assert elsewhere.find(text, NOW) is None
    with pytest.raises(OperationError, match="torg token list"):
        tokens.revoke(token.id)


@pytest.mark.parametrize(("name", "days"), [("", 1), ("  ", 1), ("x" * 101, 1), ("a", 0), ("a", 400)])
def test_a_token_needs_a_name_and_an_end(tokens: TokenFile, name: str, days: int) -> None:
    with pytest.raises(OperationError):
        tokens.create(name, days)
    assert tokens.list() == []


def test_tokens_made_at_once_are_all_kept(tokens: TokenFile) -> None:
    threads = [threading.Thread(target=tokens.create, args=(f"nr {n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens.list()) == 12


def test_a_file_that_cannot_be_read_is_told_and_not_taken_for_empty(tokens: TokenFile) -> None:
    tokens.create("Länsstyrelsen")
    tokens.path.write_text("{", "utf-8")
    with pytest.raises(StorageError, match=r"tokens\.json"):
        tokens.find("torg_00000000_" + "x" * 43)
