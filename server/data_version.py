"""The version of a data folder's layout: written once, migrated upwards by the writer, refused when it is newer.

    0   before there was a VERSION file
    1   every generation has SHA256SUMS

Readers take every version up to their own; only the writer migrates, under its lock. A folder of a newer version is
left alone by everybody, because nobody can know what it promises.
"""

from __future__ import annotations

from pathlib import Path

from server.checksums import FILE, write_checksums
from server.errors import StorageError
from server.whole_files import write_text

VERSION = 1
_NAME = "VERSION"


def read_version(data: Path) -> int:
    """Return the version of a data folder, 0 when it has none; raise StorageError when the file says no number."""
    try:
        text = (data / _NAME).read_text("ascii").strip()
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError) as error:
        text = str(error)
    if not text.isdigit():
        raise StorageError(
            f"{data / _NAME} should hold a number and says {text[:60]!r}. Take the file from a backup.",
            f"{data / _NAME} ska innehålla ett tal men säger {text[:60]!r}. Hämta filen från en säkerhetskopia.",
        )
    return int(text)


def check_version(data: Path) -> int:
    """Return the version of a data folder; raise StorageError when a newer torg wrote it."""
    version = read_version(data)
    if version > VERSION:
        raise StorageError(
            f"{data} is of version {version}, and this torg knows versions up to {VERSION}: a newer torg wrote it. "
            "Nothing is changed. Install that torg again, or restore a backup made before it.",
            f"{data} har version {version}, men den här torg kan versioner till och med {VERSION}: en nyare torg har "
            "skrivit den. Inget är ändrat. Installera den torg igen, eller återställ en äldre säkerhetskopia.",
        )
    return version


def migrate(data: Path) -> int:
    """Bring a data folder to our version and return the one it had; called under the writer's lock.

    Each step can be done again, and VERSION is written last, so a killed migration is finished by the next writer.
    """
    version = check_version(data)
    if version < 1:
        _add_checksums(data / "generations")
    if version < VERSION:
        write_text(data / _NAME, f"{VERSION}\n")
    return version


def _add_checksums(generations: Path) -> None:
    for folder in sorted(generations.iterdir()) if generations.is_dir() else []:
        if folder.name.isdigit() and not (folder / FILE).exists():
            mode = folder.stat().st_mode
            folder.chmod(0o755)
            try:
                write_checksums(folder)
                (folder / FILE).chmod(0o444)
            finally:
                folder.chmod(mode)
