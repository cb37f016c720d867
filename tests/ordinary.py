"""Programs of the suite run as an ordinary user, who may be unable to walk to the checkout, packages and Python here.

Root shows them to the program at another place, in a mount namespace of its own.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CHECKOUT: Final = Path(__file__).resolve().parents[1]
SHOW: Final = """
mount --bind "$1" "$3/checkout"
mount --bind "$2" "$3/packages"
cd "$3/checkout"
uid=$4
shift 4
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
"""


@contextmanager
def program(module: str, uid: int) -> Iterator[dict[str, Any]]:
    """What ``subprocess`` is to be given to run ``module``: as ``uid``, where this is root, else as this user."""
    with tempfile.TemporaryDirectory(prefix="ordinary-") as name:
        packages, place = sysconfig.get_path("purelib"), Path(name)
        if os.geteuid() != 0:
            yield _run(module, [], CHECKOUT, packages)
            return
        place.chmod(0o755)
        for shown in ("checkout", "packages"):
            (place / shown).mkdir()
        show = ["unshare", "--mount", "sh", "-ec", SHOW, "sh", str(CHECKOUT), packages, name, str(uid)]
        yield _run(module, show, place / "checkout", str(place / "packages"))


def _run(module: str, before: list[str], checkout: Path, packages: str) -> dict[str, Any]:
    return {
        "args": [*before, _python(), "-B", "-m", module],
        "env": {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "PYTHONPATH": f"{checkout}:{packages}"},
        "cwd": CHECKOUT,
    }


def _python() -> str:
    """An interpreter of this version that others can walk to: the suite's own may lie in root's home."""
    own = Path(sys.executable).resolve()
    is_open = all(folder.stat().st_mode & 1 for folder in own.parents)
    return str(own) if is_open else f"/usr/bin/python3.{sys.version_info.minor}"
