"""What the container runs: the site that is mounted, else the starter region; any other torg command when one is given.

start.py                    serves /site, and makes it the starter region first when it is empty
start.py publish …          runs `torg publish … --site /site`
start.py --healthy          exits 0 when the server is ready
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

SITE = Path(os.environ.get("TORG_SITE_FOLDER", "/site"))


def command(arguments: list[str], site: Path) -> list[str]:
    """Return the torg command for the arguments and the site as it is.

    >>> command(["log"], Path("/site"))
    ['torg', 'log', '--site', '/site']
    """
    if not arguments:
        if (site / "site.toml").exists():
            return ["torg", "serve", "--site", str(site)]
        return ["torg", "demo", "--no-open", "--dir", str(site)]
    placed = any(each == "--site" or each.startswith("--site=") for each in arguments)
    wants_none = arguments[0].startswith("-") or arguments[0] in ("demo", "init", "csvw", "completion")
    return ["torg", *arguments, *([] if placed or wants_none else ["--site", str(site)])]


def healthy() -> int:
    """Return 0 when the server in this container is ready, else 1."""
    address = f"http://127.0.0.1:{os.environ.get('TORG_PORT', '8080')}/-/ready"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=4) as answer:
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--healthy"]:
        sys.exit(healthy())
    wanted = command(sys.argv[1:], SITE)
    # In the place of this process, so that SIGTERM reaches the server.
    os.execv(str(Path(sys.executable).with_name("torg")), wanted)
