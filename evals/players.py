"""Models that are none, over real HTTP: one plays each task's reference solution, one does nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from evals.tasks import Task
from lab.llm import Answer, Server, says

PLAYERS: Final = ("reference", "nothing")
DONE: Final = "Done: everything works as you asked."
CANNOT: Final = "This cannot be done: it contradicts itself or is out of reach. I made nothing."


class PlayerServer(Server):
    """Answers by what was said before, not by how often it was asked: what a kill took away is said again."""

    def __init__(self, player: str, tasks: Iterable[Task]) -> None:
        super().__init__(())
        self._answers: dict[str, list[Answer]] = {}
        for task in tasks:
            for number, prompt in enumerate(task.prompts):
                is_last = number == len(task.prompts) - 1
                self._answers[prompt] = _solution(task, is_last) if player == "reference" else [says(DONE)]

    def answer_for(self, body: dict[str, Any]) -> Answer:
        said = [message["content"] for message in body["messages"] if message["role"] == "user"]
        answers = next(self._answers[prompt] for prompt in self._answers if said[0].startswith(prompt))
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        answer: Answer = answers[min(turns, len(answers) - 1)]
        return answer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked was killed: that is no news here."""


@contextmanager
def playing(player: str, tasks: Iterable[Task]) -> Iterator[PlayerServer]:
    server = PlayerServer(player, tasks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


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
