"""Builds what is written in JavaScript: `python -m tools.clients`. Needs Node, which `tools/setup.sh dev` installs.

`clients/js/dist` by tsc, and the example pages in `clients/examples/dist` by Vite; nothing where they are up to date.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.processes import StartError
from tools.web_server import ROOT

CLIENTS: Final = ROOT / "clients"
EXAMPLES: Final = CLIENTS / "examples" / "dist"
STAMP: Final = CLIENTS / "node_modules" / ".built"
BUILDS: Final = (
    ("typescript/bin/tsc", "-p", "js"),
    ("vite/bin/vite.js", "build", "--logLevel", "error", "--config", "examples/vite.config.ts"),
)
SECONDS: Final = 120.0


def run_node(arguments: Sequence[str], stdin: str | None = None) -> str:
    """Run Node in the folder `clients`; returns what it prints. Raises StartError where it is missing or fails."""
    node = Path(sys.executable).with_name("node")
    found = str(node) if node.exists() else shutil.which("node")
    if found is None:
        raise StartError("Node is not installed: tools/setup.sh dev")
    if not (CLIENTS / "node_modules").exists():
        raise StartError("The npm packages are not installed: tools/setup.sh dev")
    done = subprocess.run(
        [found, *arguments], cwd=CLIENTS, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise StartError(f"node {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def build() -> None:
    """Build what is older than its sources."""
    sources = _digest()
    if STAMP.exists() and STAMP.read_text() == sources and EXAMPLES.exists():
        return
    for program, *arguments in BUILDS:
        run_node([f"node_modules/{program}", *arguments])
    STAMP.write_text(sources)


def _digest() -> str:
    made = ("node_modules", "dist")
    files = (path for path in sorted(CLIENTS.rglob("*")) if path.is_file() and not set(made) & set(path.parts))
    return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()


def main() -> None:
    try:
        build()
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
