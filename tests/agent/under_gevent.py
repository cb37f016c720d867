"""A program, not a test: the model and the sandbox in a process that gevent has patched (see test_openai_chat.py).

While one greenlet waits for a model or a command, another one must go on.
"""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import sys
import time
from pathlib import Path

import gevent

from agent.errors import Cancelled
from agent.messages import Message
from agent.sandbox import open_sandbox
from lab import llm
from tests.agent.endpoints import model_at
from tests.agent.fakes import Events

HELLO = [Message(role="user", content="Hello")]


def main(folder: Path) -> None:
    with llm.serving(llm.says("Hi"), llm.hangs_in_the_middle) as server:
        model = model_at(server, "openai")
        assert model.reply(HELLO, [], Events()).text == "Hi"
        print("talked")

        sandbox = open_sandbox("bubblewrap", folder, "run_1")
        output: list[str] = []
        ticks = gevent.spawn(tick, every=0.01)
        command = "echo a; sleep 0.5; echo b"
        with sandbox.hold(lambda: None):
            result = sandbox.run(
                command, timeout=20, on_output=lambda _, chunk: output.append(chunk), check=lambda: None
            )
        ticks.kill()
        assert (result.exit_code, output) == (0, ["a\n", "b\n"]), (result, output)
        assert len(TICKS) > 10, "the command has blocked the other greenlets"
        print("ran")

        result = sandbox.run("sleep 600", timeout=0.5, on_output=lambda _, chunk: None, check=lambda: None)
        assert result.killed and result.killed.budget == "time"
        print("stopped")

        def cancel_when_silent() -> None:
            if server.is_silent.is_set():
                raise Cancelled

        try:
            model.reply(HELLO, [], Events(on_check=cancel_when_silent))
        except Cancelled:
            assert server.was_hung_up.wait(10)
            print("cancelled")


TICKS: list[float] = []


def tick(every: float) -> None:
    while True:
        TICKS.append(time.monotonic())
        gevent.sleep(every)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
