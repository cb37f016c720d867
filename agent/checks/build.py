"""A project that is built is checked by building it: what its tool says goes back to the model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.checks.result import Result
from agent.messages import CommandResult
from agent.protocols import Sandbox

CANNOT_START: Final = (126, 127)
"""What a shell exits with where it may not run a program, or finds none."""
NO_NETWORK: Final = re.compile(r"^npm (?:error|ERR!) network ", re.MULTILINE)
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
    install = _try(build.install, sandbox, timeout, on_wait)
    if install.is_no_fault_of_the_files:
        return Result(unbuilt=f"{build.name}: what it needs cannot be installed here ({install.cause})")
    if install.why:
        return Result([f"`{build.name}`: what it needs cannot be installed:\n{install.why}"])
    why = _try(build.command, sandbox, timeout, on_wait).why
    return Result([f"`{build.name}` fails:\n{why}"] if why else [])


@dataclass(frozen=True)
class _Tried:
    result: CommandResult
    said: str

    @property
    def why(self) -> str:
        """The end of what a failed command said; empty where it did not fail."""
        if self.result.exit_code == 0:
            return ""
        how = f"killed: {self.result.killed}" if self.result.killed else f"exit code {self.result.exit_code}"
        return f"{self.said.strip()}\n({how})".strip()

    @property
    def cause(self) -> str:
        """The same in a few words."""
        for what, why in (self.result.traffic.refused if self.result.traffic else {}).items():
            return f"{what}: {why}"
        return _last_line(self.why)

    @property
    def is_no_fault_of_the_files(self) -> bool:
        """It failed as it had no network, no time or no program."""
        moved = self.result.traffic
        return self.result.exit_code != 0 and bool(
            (moved is not None and moved.refused)
            or self.result.exit_code in CANNOT_START
            or self.result.killed
            or NO_NETWORK.search(self.said)
        )


def _try(command: str, sandbox: Sandbox, timeout: float, on_wait: Callable[[], None]) -> _Tried:
    said = ""

    def collect(source: str, chunk: str) -> None:
        nonlocal said
        said = (said + chunk)[-MOST_SAID:]

    result = sandbox.run(command, timeout=timeout, on_output=collect, check=on_wait)
    return _Tried(result, said)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return "; ".join(lines[-2:])[:300]
