"""What the jail costs: a jailed `true` against bubblewrap alone."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from agent.sandbox import remove_workspace
from tests.escape.eyes import nobody_asks
from tests.escape.stage import opened

TIMES = 15
BARE = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin"),
    *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"),
    *("--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "true"),
)


def milliseconds() -> tuple[float, float]:
    """The median of `true` in the jail, and in bubblewrap alone."""
    with tempfile.TemporaryDirectory(prefix="escape-cost-") as name:
        folder = Path(name)
        with opened(folder, "run_cost") as sandbox, sandbox.hold(nobody_asks):
            jailed = _median(lambda: sandbox.run("true", timeout=10, on_output=_nobody_hears, check=nobody_asks))
        remove_workspace("bubblewrap", folder, "run_cost")
    return jailed, _median(lambda: subprocess.run(BARE, check=True))


def _median(body: Callable[[], object]) -> float:
    body()
    seconds = []
    for _ in range(TIMES):
        started = time.monotonic()
        body()
        seconds.append(time.monotonic() - started)
    return median(seconds) * 1000


def _nobody_hears(source: str, chunk: str) -> None:
    pass
