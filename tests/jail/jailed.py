"""Runs one command in a jail and says how it ended: in this process, or in one of an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from agent.messages import CommandResult
from agent.protocols import Sandbox
from agent.sandbox import Budgets, Network, open_sandbox, remove_workspace
from tests.ordinary import program

ORDINARY: Final = 54_321
"""A uid that nobody has."""


@dataclass(frozen=True)
class Ending:
    result: CommandResult
    output: str

    @property
    def budget(self) -> str | None:
        return self.result.killed.budget if self.result.killed else None


def run_here(
    command: str,
    budgets: Budgets = Budgets(),  # noqa: B008
    *commands: str,
    timeout: float = 10,
    network: Network | None = None,
) -> Ending:
    """Run the command, and more of them in the same workspace; how the last one ended."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = open_sandbox("bubblewrap", Path(folder), "run_1", budgets, network=network)
        try:
            for each in (command, *commands):
                ending = _run(sandbox, each, timeout)
        finally:
            remove_workspace("bubblewrap", Path(folder), "run_1")
        assert not os.listdir(folder)
    return ending


def _run(sandbox: Sandbox, command: str, timeout: float) -> Ending:
    output: list[str] = []
    with sandbox.hold(lambda: None):
        result = sandbox.run(
            command, timeout=timeout, on_output=lambda _, chunk: output.append(chunk), check=lambda: None
        )
    return Ending(result, "".join(output))


def run_as_ordinary_user(
    command: str,
    budgets: Budgets = Budgets(),  # noqa: B008
    *commands: str,
    network: Network | None = None,
) -> Ending:
    asked = json.dumps(
        {
            "commands": [command, *commands],
            "budgets": asdict(budgets),
            "network": asdict(network) if network is not None else None,
        }
    )
    told = json.loads(as_ordinary_user(__name__, asked))
    return Ending(CommandResult.model_validate(told["result"]), told["output"])


def as_ordinary_user(module: str, asked: str) -> str:
    """What the program ``module`` prints as an ordinary user, given ``asked``."""
    with program(module, ORDINARY) as how:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            **how, input=asked, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    first, *more = asked["commands"]
    network = Network(**asked["network"]) if asked["network"] else None
    ending = run_here(first, Budgets(**asked["budgets"]), *more, network=network)
    print(json.dumps({"result": ending.result.model_dump(mode="json", by_alias=True), "output": ending.output}))


if __name__ == "__main__":
    _main()
