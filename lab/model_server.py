"""A scripted model for whole services: an OpenAI-compatible server that answers each prompt by a script of its own.

Point a service at it with `environment()`; its `auto` model is then this one. Runs that overlap do not disturb each
other, as long as their prompts differ.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.llm import Answer, Handler, Server, says

HELD_SECONDS = 60.0  # a test that forgets a gate must fail, not hang


class ModelServer(Server):
    """`script(prompt, …)` before a run is posted with that prompt; the last answer is given again and again."""

    def __init__(self) -> None:
        super().__init__(())
        self.scripts: dict[str, tuple[Answer, ...]] = {}
        self.asked: dict[str, list[dict[str, Any]]] = {}

    def script(self, prompt: str, *answers: Answer) -> str:
        """Answer `prompt` like this; returns it."""
        self.scripts[prompt], self.asked[prompt] = answers, []
        return prompt

    def calls(self, prompt: str) -> int:
        """How often a model was asked for this prompt."""
        return len(self.asked[prompt])

    def answer_for(self, body: dict[str, Any]) -> Answer:
        text = _text(next(message["content"] for message in body["messages"] if message["role"] == "user"))
        prompt = text if text in self.scripts else next(known for known in self.scripts if text.startswith(known))
        asked, answers = self.asked[prompt], self.scripts[prompt]
        asked.append(body)
        answer = answers[min(len(asked), len(answers)) - 1]
        if len(asked) > len(answers) and isinstance(answer, Gate):
            return says()  # a gate opens once; asked to repair what it made, this model has nothing to add
        return answer


def _text(content: Any) -> str:
    """A message's text, in either protocol."""
    return content if isinstance(content, str) else str(content[0]["text"])


class Gate:
    """An answer that streams what the test hands it, when the test does; it never ends by itself."""

    def __init__(self) -> None:
        self.was_asked = threading.Event()
        self.was_hung_up = threading.Event()
        self._pieces: queue.Queue[str | None] = queue.Queue()

    def say(self, *pieces: str) -> None:
        for piece in pieces:
            self._pieces.put(piece)

    def finish(self, *pieces: str) -> None:
        self.say(*pieces)
        self._pieces.put(None)

    def wait_until_asked(self) -> None:
        assert self.was_asked.wait(HELD_SECONDS), "nobody asked this model"

    def __call__(self, handler: Handler) -> None:
        self.was_asked.set()
        try:
            dialect = handler.dialect
            dialect.begin()
            while (piece := self._next(handler)) is not None:
                handler.connection.settimeout(HELD_SECONDS)  # a service that is busy does not read at once
                dialect.say(piece)
            dialect.end("", (7, 3))
        except OSError:
            self.was_hung_up.set()

    def _next(self, handler: Handler) -> str | None:
        """The next piece; while there is none, sees whether the client has hung up."""
        handler.connection.settimeout(0.02)
        for _ in range(int(HELD_SECONDS / 0.02)):
            try:
                return self._pieces.get_nowait()
            except queue.Empty:
                pass
            try:
                if not handler.connection.recv(1):
                    raise ConnectionResetError
            except TimeoutError:
                pass
        raise TimeoutError("nobody fed this gate")


@contextmanager
def serving_models() -> Iterator[ModelServer]:
    server = ModelServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
