"""A project of 5,000 files and 100 MB: what its steps take, what Redis holds, how long this process is held up.

    python -m bench.large_project redis://127.0.0.1:6379/0 [files [bytes of each [runs]]]

Steps run as in the service: gevent, the real store, the real jail. A stall is measured in this process's CPU time
between two beats of a greenlet, so that other programs on the machine do not count.
"""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import gevent

from agent.loop import run_code_agent
from agent.messages import Message, ModelReply, RunRequest, ToolCall, ToolSpec
from agent.protocols import ChatModel, Emit
from agent.sandbox import open_sandbox, remove_workspace
from orchestrator.drain import Drain
from orchestrator.events import RunRequested
from orchestrator.projects import RedisProjectStore
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client, connect
from orchestrator.runlog.keys import project_files
from orchestrator.steps import DurableSteps, EmitterSettings
from orchestrator.zips import zip_of

T = TypeVar("T")

BEAT = 0.001
SECRETS = frozenset({f"secret-number-{number}-of-this-machine" for number in range(10)})
FILL = """python3 - <<'END'
import os, random
for number in range({files}):
    os.makedirs(f'src/{{number % 50}}', exist_ok=True)
    words = random.Random(number).choices([f'word{{n}}' for n in range(500)], k={size} // 7)
    with open(f'src/{{number % 50}}/{{number}}.txt', 'w') as file:
        file.write((' '.join(words) + ' ' * {size})[:{size}])
END"""


class Heart:
    """Notes the longest time that a greenlet which wants to run every millisecond had to wait."""

    def __init__(self) -> None:
        self.longest = 0.0
        gevent.spawn(self._beat)

    def _beat(self) -> None:
        while True:
            before = time.process_time()
            gevent.sleep(BEAT)
            self.longest = max(self.longest, time.process_time() - before)

    def take(self) -> float:
        longest, self.longest = self.longest, 0.0
        return longest * 1000


class Model:
    """Runs one command after the other, then says that it is done."""

    name = introduction = "scripted"
    context = 128_000
    fallback: ChatModel | None = None
    brings_all = True

    def __init__(self, *commands: str) -> None:
        self._commands = iter(commands)

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        command = next(self._commands, None)
        if command is None:
            return ModelReply(text="Done.")
        return ModelReply(text="I run this.", tool_calls=[ToolCall(id="c", name="terminal", args={"command": command})])


class Steps:
    def __init__(self, steps: DurableSteps, run_id: str, heart: Heart) -> None:
        self._steps, self._run_id, self._heart = steps, run_id, heart

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        self._heart.take()
        started, used = time.monotonic(), time.process_time()
        result = self._steps.attempt(self._run_id, step_id, body)
        seconds = time.monotonic() - started
        if not step_id.startswith("model"):
            used = time.process_time() - used
            cost = f"{seconds:6.2f} s ({used:.2f} s of this process)"
            print(f"  {step_id:12} {cost}, longest stall {self._heart.take():4.0f} ms")
        return result


def main(url: str, files: int = 5_000, size: int = 20_000, runs: int = 3) -> None:
    redis = connect(url, 8)
    heart, log = Heart(), RunLog(redis, max_bytes=10**9)
    project = f"large-{secrets.token_hex(4)}"
    print(f"{files} files of {size} bytes; in Redis at first {_used(redis)} MB")
    _run(log, project, heart, Model(FILL.format(files=files, size=size), "echo changed > src/1/1.txt", "true"))
    print(f"  in Redis {_used(redis)} MB, the project {log.projects.size(project) / 1e6:.1f} MB")
    for number in range(runs):
        _run(log, project, heart, Model(f"echo {number} > src/2/2.txt", "true"))
        print(f"  in Redis {_used(redis)} MB, the project {log.projects.size(project) / 1e6:.1f} MB")
    sent = 0
    heart.take()
    started = time.monotonic()
    for piece in zip_of(log.files_of_project(project)):
        sent += len(piece)
    seconds = time.monotonic() - started
    print(f"zip: {sent / 1e6:.1f} MB in {seconds:.2f} s, longest stall {heart.take():.0f} ms")
    redis.unlink(project_files(project))


def _run(log: RunLog, project: str, heart: Heart, model: Model) -> None:
    run_id = f"run_{secrets.token_hex(8)}"
    request = RunRequest(run_id=run_id, project_id=project, value="x", model="scripted")
    log.create(RunRequested(run_id=run_id, project_id=project, value="x"), "direct", "Accepted")
    settings = EmitterSettings(Redactor(SECRETS), Drain(20))
    print(run_id)
    with tempfile.TemporaryDirectory() as folder:
        sandbox = open_sandbox("bubblewrap", Path(folder) / "sandboxes", run_id)
        store = RedisProjectStore(log, log.record(run_id))
        step = Steps(DurableSteps(log, settings), run_id, heart)
        result = run_code_agent(request, step, model=model, sandbox=sandbox, store=store)
        heart.take()
        log.complete(run_id, result.model_dump(by_alias=True, mode="json"))
        print(
            f"  complete     {len(result.files)} texts, {len(result.manifest)} marks, "
            f"longest stall {heart.take():4.0f} ms"
        )
        remove_workspace("bubblewrap", Path(folder) / "sandboxes", run_id)


def _used(redis: Client) -> str:
    return f"{redis.info('memory')['used_memory'] / 1e6:.0f}"


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
