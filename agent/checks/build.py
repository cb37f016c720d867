"""A project that is built is checked by building it: what its tool says goes back to the model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.checks.result import Result
from agent.protocols import Sandbox

MOST_SAID: Final = 4_000
"""Characters of a failed build's output: its end, where the causes stand."""


@dataclass(frozen=True)
class Build:
    """``install``: brings what the build needs, where it is not there."""

    name: str
    install: str
    command: str
    applies: Callable[[Mapping[str, bytes]], bool]


def _has_npm_build(files: Mapping[str, bytes]) -> bool:
    try:
        scripts = json.loads(files.get("package.json", b"")).get("scripts")
        return isinstance(scripts["build"], str)
    except (ValueError, AttributeError, TypeError, KeyError):
        return False


BUILDS: Final = (
    Build("npm run build", "test -d node_modules || npm install --no-audit --no-fund", "npm run build", _has_npm_build),
)


def build_of(files: Mapping[str, bytes]) -> Build | None:
    """How a project of these files is built; None where nobody says so."""
    return next((build for build in BUILDS if build.applies(files)), None)


def run_build(build: Build, sandbox: Sandbox, timeout: float, on_wait: Callable[[], None]) -> Result:
    """Build it; ``timeout`` in seconds, for each of the two commands. What cannot be tried here is no problem."""
    why = _failure(build.install, sandbox, timeout, on_wait)
    if why:
        return Result(unchecked=[f"{build.name}: what it needs cannot be installed here ({_last_line(why)})"])
    why = _failure(build.command, sandbox, timeout, on_wait)
    return Result([f"`{build.name}` fails:\n{why}"] if why else [])


def _failure(command: str, sandbox: Sandbox, timeout: float, on_wait: Callable[[], None]) -> str:
    """The end of what a failed command said; empty where it did not fail."""
    said = ""

    def collect(source: str, chunk: str) -> None:
        nonlocal said
        said = (said + chunk)[-MOST_SAID:]

    done = sandbox.run(command, timeout=timeout, on_output=collect, check=on_wait)
    if done.exit_code == 0:
        return ""
    how = f"killed: {done.killed}" if done.killed else f"exit code {done.exit_code}"
    return f"{said.strip()}\n({how})".strip()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return "; ".join(lines[-2:])[:300]
