"""Sites of publishers that live elsewhere: pulled before a publication, the last good copy kept when that fails.

`[publishers.<key>] site` in site.toml is the address of an archive (zip, tar.gz), asked for conditionally, or of a git
repository. What comes is unpacked to data/publishers/<key> as plain files and only read from there: no hook, filter or
script of it ever runs, no links are followed, and git may ask for no password.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loaders.errors import SourceError
from loaders.fetch import Fetcher, FetchLimits, one_address
from loaders.findings import Finding
from server.errors import OperationError
from server.generations import remove_tree
from server.pulled import PULLED, STATE, datasets_of
from server.settings import Settings
from server.site import Publisher, Site
from server.site_archives import ArchiveError, ArchiveLimits, unpack_site
from server.whole_files import write_json

_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class PullError(Exception):
    """A publisher's site cannot be pulled now; the reason in both languages."""

    def __init__(self, sv: str, en: str) -> None:
        super().__init__(en)
        self.sv = sv
        self.en = en


def pull_sites(site: Site, settings: Settings, only: Sequence[str] = ()) -> list[Finding]:
    """Bring the copies of publishers' sites up to date; return what did not go well, one finding each.

    `only` names publishers and datasets, as a publication does. Raises OperationError when git is needed and missing.
    """
    wanted = {name.strip("/").partition("/")[0] for name in only}
    findings = []
    for publisher in site.publishers.values():
        if publisher.site and (not wanted or publisher.key in wanted):
            folder = settings.data_folder(site.folder) / PULLED / publisher.key
            try:
                _Pull(publisher, folder, settings).run()
            except (PullError, ArchiveError) as fault:
                findings.append(_finding(publisher, folder, fault.sv, fault.en))
            except SourceError as error:
                said = error.finding
                findings.append(_finding(publisher, folder, said.text("sv"), said.text("en")))
    return findings


def _finding(publisher: Publisher, folder: Path, sv: str, en: str) -> Finding:
    rule = "site.publisher-not-pulled" if (folder / STATE).exists() else "site.publisher-never-pulled"
    detail = (("name", publisher.key), ("reason", f"{sv.rstrip('.')} / {en.rstrip('.')}"))
    return Finding(rule, file="site.toml", detail=detail)


@dataclass
class _Pull:
    """One publisher's site on its way here."""

    publisher: Publisher
    folder: Path
    settings: Settings

    def run(self) -> None:
        """Make the copy the newest, unless it is that already."""
        address = self.publisher.site
        if is_git(address):
            self._git(address.removeprefix("git+"))
        else:
            self._archive(address)

    def _archive(self, address: str) -> None:
        limits = FetchLimits(bytes=self.settings.source_mb << 20, seconds=self.settings.fetch_seconds)
        fetch = Fetcher(self.folder / "fetched", allow_private=self.settings.fetch_private, limits=limits)
        file = fetch(address)[0]
        if self._is_here(address, file.sha256):
            return
        self._take(address, file.sha256, lambda target: unpack_site(file.path, target, self._limits()))

    def _git(self, address: str) -> None:
        git = shutil.which("git")
        if git is None:
            raise OperationError(
                sv=f"Utgivaren {self.publisher.key} har sin plats i git, men programmet git finns inte på datorn.",
                en=f"The publisher {self.publisher.key} keeps its site in git, but the program git is not installed.",
            )
        branch = self.publisher.branch
        if branch and not _BRANCH.fullmatch(branch):
            raise PullError("branch är inget namn på en gren eller tagg", "branch is no name of a branch or tag")
        with tempfile.TemporaryDirectory(prefix="torg-git-") as scratch:
            repository = _Git(git, address, Path(scratch), self.settings)
            commit = repository.newest(branch)
            if not self._is_here(address, commit):
                repository.clone(branch)
                self._take(address, commit, lambda target: repository.unpack(target, self._limits()))

    def _limits(self) -> ArchiveLimits:
        return ArchiveLimits(bytes=self.settings.source_mb << 20)

    def _is_here(self, address: str, version: str) -> bool:
        try:
            state = json.loads((self.folder / STATE).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        same = isinstance(state, dict) and (state.get("address"), state.get("version")) == (address, version)
        return same and (self.folder / str(state.get("copy"))).is_dir()

    def _take(self, address: str, version: str, unpack: Callable[[Path], int]) -> None:
        """Unpack beside the last copy, and switch to it when it is whole and a site."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"copy-{version[:16]}"
        fresh = self.folder / f"next-{os.getpid()}"
        try:
            unpack(fresh)
            if datasets_of(fresh, self.publisher.key) is None:
                raise PullError(
                    f"där finns ingen mapp datasets/{self.publisher.key}",
                    f"there is no folder datasets/{self.publisher.key}",
                )
            if (self.folder / name).exists():
                remove_tree(self.folder / name)
            fresh.rename(self.folder / name)
        finally:
            for left in self.folder.glob(f"{fresh.name}*"):
                remove_tree(left)
        write_json(self.folder / STATE, {"address": address, "version": version, "copy": name})
        for old in self.folder.glob("copy-*"):
            if old.name != name:
                remove_tree(old)


class _Git:
    """The program git, kept from everything but fetching: no hooks, no configuration, no questions, no redirects."""

    def __init__(self, program: str, address: str, scratch: Path, settings: Settings) -> None:
        self._program, self._address, self._scratch, self._settings = program, address, scratch, settings
        self._repository = scratch / "repository"
        self._scheme = urlsplit(address).scheme
        self._pinned = self._options()

    def _options(self) -> list[str]:
        parts = urlsplit(self._address)
        if parts.scheme == "file":
            if not self._settings.fetch_private:
                raise PullError("file:// är inte tillåtet (fetch_private)", "file:// is not allowed (fetch_private)")
            return []
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise PullError("bara https:// är tillåtet för git", "only https:// is allowed for git")
        # Checked and pinned, so that git connects where we looked.
        found = one_address(self._address, allow_private=self._settings.fetch_private)
        found = f"[{found}]" if ipaddress.ip_address(found).version == 6 else found
        pinned = f"http.curloptResolve={parts.hostname}:{parts.port or 443}:{found}"
        return ["-c", "http.followRedirects=false", "-c", pinned]

    def newest(self, branch: str) -> str:
        """Return the commit that the branch or tag, or the repository's own choice, is at."""
        names = [f"refs/heads/{branch}", f"refs/tags/{branch}^{{}}", f"refs/tags/{branch}"] if branch else ["HEAD"]
        listed = self._run("ls-remote", "--", self._address, *names).decode("utf-8", "replace").splitlines()
        found = {name: commit for commit, _, name in (line.partition("\t") for line in listed)}
        commit = next((found[name] for name in names if name in found), "")
        if not _COMMIT.fullmatch(commit):
            wanted = branch or "HEAD"
            raise PullError(f"det finns ingen gren eller tagg {wanted}", f"there is no branch or tag {wanted}")
        return commit

    def clone(self, branch: str) -> None:
        """Fetch the one commit, without a working tree."""
        chosen = ["--branch", branch] if branch else []
        self._run("clone", "--bare", "--depth", "1", "--no-tags", "--single-branch", "--template=", "--quiet",
                  *chosen, "--", self._address, str(self._repository))  # fmt: skip

    def unpack(self, target: Path, limits: ArchiveLimits) -> int:
        """Write the commit's files; links and submodules refuse the whole."""
        listed = self._run("--git-dir", str(self._repository), "ls-tree", "-r", "-z", "HEAD")
        if any(entry[:6] in (b"120000", b"160000") for entry in listed.split(b"\0")):
            raise ArchiveError("en länk eller en undermodul", "a link or a submodule")
        packed = self._scratch / "site.tar"
        self._run("--git-dir", str(self._repository), "archive", "--format=tar", f"--output={packed}", "HEAD")
        return unpack_site(packed, target, limits)

    def _run(self, *arguments: str) -> bytes:
        most = self._settings.source_mb << 20
        command = [self._program, "-c", "core.hooksPath=/dev/null", "-c", "credential.helper=",
                   "-c", "submodule.recurse=false", "-c", "core.askPass=", *self._pinned, *arguments]  # fmt: skip
        # A process group of its own: git's helpers end with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._scratch,
            env=_environment(self._scratch, self._scheme),
            start_new_session=True,
        )
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        try:
            output, _ = process.communicate(timeout=self._settings.fetch_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            seconds = f"{self._settings.fetch_seconds:g} s"
            raise PullError(f"git blev inte klart på {seconds}", f"git was not done in {seconds}") from None
        if process.returncode:
            raise PullError(
                "git kunde inte hämta förvaret (adressen, grenen eller storleken)",
                "git could not fetch the repository (the address, the branch or the size)",
            )
        return output


def _environment(home: Path, scheme: str) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": scheme,
    }


def is_git(address: str) -> bool:
    """Tell the address of a git repository from that of an archive.

    >>> is_git("https://git.example/mystad/data.git"), is_git("https://data.mystad.se/plats.zip")
    (True, False)
    """
    parts = urlsplit(address)
    return parts.scheme in ("file", "git+https", "git+file") or parts.path.rstrip("/").endswith(".git")
