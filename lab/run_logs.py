"""Logs of runs as the service writes them: steps in order, attempts that were cut off, any end."""

import random
from typing import Any

Event = dict[str, Any]
WORDS = ("a page ", "löst ", "it.\n", "data: x\n\n", "", "🙂 ", "[DONE]", "</b>")


class LogWriter:
    """Numbers events as the run log does."""

    def __init__(self, run_id: str = "run_1") -> None:
        self.run_id = run_id
        self.events: list[Event] = []
        self.step, self.attempt = "request", 0

    def emit(self, type: str, data: Any, step: str | None = None, **beside: Any) -> Event:
        place = {"step": self.step if step is None else step, "attempt": self.attempt}
        event = {"id": len(self.events) + 1, "runId": self.run_id, "type": type, "data": data, "timestamp": 0}
        self.events.append(event | place | beside)
        return self.events[-1]

    def begin(self, step: str) -> None:
        self.step, self.attempt = step, 0

    def roll_back(self) -> None:
        """Cut the attempt off and begin the next one."""
        made = [event["id"] for event in self.events if event["step"] == self.step and event["type"] != "rollback"]
        made = [number for number in made if number > self._last_rollback()]
        self.attempt += 1
        if made:
            data = {"step": self.step, "attempt": self.attempt - 1, "reason": "the attempt did not finish"}
            self.emit("rollback", data | {"fromId": made[0], "toId": made[-1]})

    def complete(self, files: dict[str, str], outcome: str | None = None) -> None:
        usage = {"inputTokens": 7, "outputTokens": 3}
        data = {"url": None, "title": "A page", "files": files, "summary": "Done", "sandboxId": "s", "usage": usage}
        self.attempt = 0
        self.emit("complete", data | {"framework": "html"} | ({"outcome": outcome} if outcome else {}), step="")

    def fail(self, message: str, code: str) -> None:
        self.attempt = 0
        self.emit("error", message, step="", code=code)

    def _last_rollback(self) -> int:
        return max((e["id"] for e in self.events if e["type"] == "rollback" and e["step"] == self.step), default=0)


def random_log(seed: int, *, asks: bool = False) -> list[Event]:
    """A run with steps that are cut off at any point and done again; ``asks``: some calls are asked for first."""
    chance = random.Random(seed)
    log = LogWriter(f"run_{seed}")
    files: dict[str, str] = {}
    log.emit("status", "Accepted")
    log.begin("prepare")
    log.emit("status", "The offline model")
    for turn in range(1, chance.randint(1, 4) + 1):
        log.begin(f"model-{turn}")
        _attempts(chance, log, lambda turn=turn: _model(chance, log, turn))
        for number in range(1, chance.randint(0, 2) + 1):
            asked = asks and chance.random() < 0.5 and _ask(chance, log, f"{turn}-{number}")
            log.begin(f"tool-{turn}-{number}")
            made: dict[str, str | None] = {}
            _attempts(
                chance,
                log,
                lambda call=f"call-{turn}-{number}", made=made, asked=asked: _tool(
                    chance, log, call, files, made, is_shown=asked
                ),
            )
            files.update({path: content for path, content in made.items() if content is not None})
            for path in [path for path, content in made.items() if content is None]:
                files.pop(path, None)
        if chance.random() < 0.3:
            log.emit("user-message", {"value": chance.choice(WORDS)}, step="message-1")
    _end(chance, log, files)
    return log.events


def _attempts(chance: random.Random, log: LogWriter, body: Any) -> None:
    while chance.random() < 0.35:
        before = len(log.events)
        body()
        del log.events[chance.randint(before, len(log.events)) :]  # killed somewhere in between
        if chance.random() < 0.2:
            log.emit("user-message", {"value": "hurry"}, step="message-0")
        log.roll_back()
    body()


def _model(chance: random.Random, log: LogWriter, turn: int) -> None:
    usage = {"inputTokens": turn, "outputTokens": turn}
    log.emit("progress", {"stage": "model", "turn": turn, "maxTurns": 24, "usage": usage})
    for _ in range(chance.randint(0, 3)):
        log.emit("reasoning", chance.choice(WORDS))
    for _ in range(chance.randint(0, 5)):
        log.emit("text", chance.choice(WORDS))
    if chance.random() < 0.2:
        log.emit("status", "rate limited, again in 1 s")
        log.emit("text", chance.choice(WORDS))


def _ask(chance: random.Random, log: LogWriter, place: str) -> bool:
    """The call is shown, and allowed or not, before its step begins."""
    log.begin(f"approval-{place}")
    call = {"tool": "terminal", "args": {"command": "ls"}, "callId": f"call-{place}"}
    log.emit("tool-call", call)
    log.emit("approval-request", {"approvalId": log.step, **call})
    if chance.random() < 0.3:
        log.emit("user-message", {"value": "meanwhile"}, step="message-2")
    allow = chance.random() < 0.7
    log.emit("approval-answer", {"approvalId": log.step, "allow": allow, "reason": None if allow else "no"})
    return True


def _tool(
    chance: random.Random,
    log: LogWriter,
    call: str,
    files: dict[str, str],
    made: dict[str, str | None],
    *,
    is_shown: bool,
) -> None:
    made.clear()
    if not is_shown:
        log.emit("tool-call", {"tool": "terminal", "args": {"command": "ls"}, "callId": call})
    for _ in range(chance.randint(0, 3)):
        source = chance.choice(("stdout", "stderr"))
        log.emit("tool-output", {"source": source, "chunk": chance.choice(WORDS), "callId": call})
    ok = chance.random() < 0.7
    log.emit("tool-result", {"callId": call, "ok": ok, "note": f"exit code {int(not ok)}", "elapsed": 5})
    for path in chance.sample(("a.html", "b.css", "c.js"), chance.randint(0, 3)):
        known = path in files
        if known and chance.random() < 0.3:
            made[path] = None
            log.emit("file-deleted", {"path": path})
        else:
            content = made[path] = chance.choice(WORDS) + str(chance.random())
            log.emit("file-updated" if known else "file-created", {"path": path, "content": content, "size": 9})


def _end(chance: random.Random, log: LogWriter, files: dict[str, str]) -> None:
    kind = chance.random()
    if kind < 0.6:
        log.begin("finish")
        log.emit("files", dict(files))
        log.complete(dict(files), chance.choice((None, "done", "partial")))
    elif kind < 0.8:
        log.fail("Cancelled on request", "cancelled")
    else:
        log.begin("tool-9-1")
        log.emit("tool-call", {"tool": "terminal", "args": {}, "callId": "call-9-1"})
        log.emit("tool-output", {"source": "stdout", "chunk": "half", "callId": "call-9-1"})
        log.fail("The model's key was refused", "failed")
