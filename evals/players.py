"""Models that are none, over real HTTP: one plays each task's reference solution, one does nothing."""

from __future__ import annotations

import json
from typing import Final

from evals.tasks import Task
from tests.support.llm import Answer, says
from tests.support.model_server import ModelServer

PLAYERS: Final = ("reference", "nothing")
DONE: Final = "Done: everything works as you asked."
CANNOT: Final = "This cannot be done: it contradicts itself or is out of reach. I made nothing."


def teach(server: ModelServer, task: Task, player: str) -> None:
    """Answer the task's prompts as ``player`` would."""
    for number, prompt in enumerate(task.prompts):
        is_last = number == len(task.prompts) - 1
        server.script(prompt, *(_solution(task, is_last) if player == "reference" else (says(DONE),)))


def _solution(task: Task, is_last: bool) -> list[Answer]:
    if is_last and not task.can_be_done:
        return [says(CANNOT)]
    files = task.solution if is_last else task.first
    calls = []
    if files:
        listed = [{"path": path, "content": content.decode()} for path, content in files.items()]
        calls.append(("createOrUpdateFiles", json.dumps({"files": listed})))
    if is_last and task.edit:
        command = f"cat > /tmp/solve.py <<'PROGRAM'\n{task.edit}\nPROGRAM\npython3 /tmp/solve.py"
        calls.append(("terminal", json.dumps({"command": command})))
    return [*(says("I do this.", calls=(call,)) for call in calls), says(DONE)]
