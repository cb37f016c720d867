"""The table: on the terminal as it grows, and in RESULTS.md with the machine, versions and date."""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tools.redis_server import find_redis_server

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("flask", "gunicorn", "gevent", "redis", "hiredis", "inngest")
PEER_PACKAGES = ("flask-sse", "sse-starlette", "starlette", "uvicorn", "uvloop", "httptools")


@dataclass(frozen=True)
class Row:
    """One line: `ok` is None where there is no target."""

    case: str
    what: str
    measured: str
    target: str = ""
    ok: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        return {None: "", True: "ok", False: "MISSED"}[self.ok]


def at_least(case: str, what: str, value: float, least: float, unit: str, note: str = "") -> Row:
    return Row(case, what, show(value, unit), f"≥ {show(least, unit)}", value >= least, note)


def at_most(case: str, what: str, value: float, most: float, unit: str, note: str = "") -> Row:
    return Row(case, what, show(value, unit), f"≤ {show(most, unit)}", value <= most, note)


def show(value: float, unit: str) -> str:
    """12,345 or 12.3 or 1.23: three digits are all that such a measurement has."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def print_row(row: Row) -> None:
    print(f"{row.case:3} {row.what:58} {row.measured:>18}  {row.target:>14}  {row.verdict:6} {row.note}", flush=True)


def write(rows: list[Row], *, seconds: float, path: Path = RESULTS) -> None:
    missed = sum(row.ok is False for row in rows)
    kept = sum(row.ok is True for row in rows)
    lines = [
        "# Results of `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds:.0f} s. "
        f"{kept} targets kept, {missed} missed. "
        "What is measured and how: [docs/performance.md](../docs/performance.md).",
        "",
        f"Machine: {machine()}  ",
        f"Versions: {versions()}",
        "",
        "| | what | measured | target | | |",
        "| --- | --- | ---: | ---: | --- | --- |",
        *(f"| {r.case} | {r.what} | {r.measured} | {r.target} | {_bold(r.verdict)} | {r.note} |" for r in rows),
        "",
    ]
    path.write_text("\n".join(lines))


def machine() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {_processor()}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def versions() -> str:
    parts = [f"Python {platform.python_version()}", _first_line([find_redis_server(), "--version"])]
    parts += [f"{name} {version(name)}" for name in (*PACKAGES, *PEER_PACKAGES)]
    if nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx"):
        parts += [_first_line([nginx, "-v"]), f"nchan {_debian_version('libnginx-mod-nchan')}"]
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = (done.stdout or done.stderr).split()
    named = [word for word in words if word.startswith(("v=", "nginx/"))]
    return f"Redis {named[0][2:]}" if named and named[0].startswith("v=") else named[0] if named else ""


def _debian_version(package: str) -> str:
    command = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout or "?"


def _bold(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "MISSED" else verdict


def fail(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
