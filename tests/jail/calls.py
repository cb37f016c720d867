"""Plays tool calls as steps of one run do: what is stored is put back before each and kept after it.

In this process, or in one of an ordinary user.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.memory_store import MemoryStore
from agent.messages import Limits, RunRequest
from agent.sandbox import Budgets, open_sandbox, remove_workspace
from agent.steps import Bodies
from agent.user import Silent
from tests.agent.fakes import Events, ScriptedModel, call
from tests.jail.jailed import as_ordinary_user

Call = tuple[str, Mapping[str, Any]]


class Calls:
    """The calls of one run, whose sandbox lies in ``folder``."""

    def __init__(self, folder: Path, budgets: Budgets | None = None, kind: str = "bubblewrap", run_id: str = "run_1"):
        self.folder, self.run_id, self.kind = folder, run_id, kind
        self.sandbox = open_sandbox(kind, folder, run_id, budgets)
        self.store = MemoryStore()
        self.events = Events()
        self.turn = 0
        request = RunRequest(run_id=run_id, project_id="p", value="v", model="m")
        self._do = Bodies(request, ScriptedModel(), self.sandbox, self.store, Silent(), Limits(command_timeout=10))

    def __call__(self, tool: str, **args: Any) -> str:
        """What the model reads; the first call's handle is bg-1-1."""
        self.turn += 1
        return self.attempt(self.turn, tool, args)

    def attempt(
        self, turn: int, tool: str, args: Mapping[str, Any], number: int = 0, check: Callable[[], None] = lambda: None
    ) -> str:
        self.events = Events(check)
        self.events.attempt = number
        text = self._do.act(f"{turn}-1", call(tool, **args), None, self.events)
        if self.events.left_out is not None:
            self.store.apply(self.events.changes, self.events.left_out)
        return text

    def end(self) -> None:
        """What a service does when the run has ended."""
        remove_workspace(self.kind, self.folder, self.run_id)


def play_here(*calls: Call) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        run = Calls(Path(folder) / "sandboxes")
        try:
            return [run(tool, **args) for tool, args in calls]
        finally:
            run.end()


def play_as_ordinary_user(*calls: Call) -> list[str]:
    texts: list[str] = json.loads(as_ordinary_user(__name__, json.dumps(calls)))
    return texts


if __name__ == "__main__":
    asked: Sequence[Call] = json.load(sys.stdin)
    print(json.dumps(play_here(*asked)))
