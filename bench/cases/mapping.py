"""(k): processor time that the other protocols cost for each event, reading its JSON included."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from ag_ui.core import RunAgentInput

from bench.report import Row, at_most
from bench.sizes import Sizes
from lab.run_logs import LogWriter, random_log
from orchestrator.formats import Event, Mapping, Translated
from orchestrator.formats.ag_ui import AgUiStream
from orchestrator.formats.ai_sdk import UIMessageStream
from orchestrator.hub.batch import Batch

TARGET_US: Final = 30.0
LONG_EVENTS: Final = 3_000
ASKED: Final = {"threadId": "t", "runId": "r", "state": {}, "tools": [], "context": [], "forwardedProps": {}}
PROTOCOLS: Final[dict[str, Callable[[str], Mapping]]] = {
    "AI SDK, ai 7": lambda run_id: UIMessageStream(run_id),
    "AI SDK, ai 6": lambda run_id: UIMessageStream(run_id, version=6),
    "AG-UI": lambda run_id: AgUiStream(RunAgentInput.model_validate({**ASKED, "messages": []}), run_id, 0),
}


def rows(sizes: Sizes) -> Iterator[Row]:
    short = [random_log(seed) for seed in range(sizes.mapped_runs)]
    long = [_long_log()] * max(1, sizes.mapped_runs // 200)
    for name, make in PROTOCOLS.items():
        rolled_back, grown = _microseconds(make, short), _microseconds(make, long)
        note = f"runs with many rollbacks {rolled_back:.1f}, a long text and a long output {grown:.1f}"
        yield at_most("k", f"an event as {name}", max(rolled_back, grown), TARGET_US, "µs", note)


def _microseconds(make: Callable[[str], Mapping], logs: list[list[Event]]) -> float:
    # Each event alone, as it comes to somebody who watches live.
    streams = [(Translated(make(log[0]["runId"])), [_alone(event) for event in log]) for log in logs]
    started = time.process_time()
    for format, batches in streams:
        format.begin(b"")
        for batch in batches:
            format.say(batch, batch.first - 1)
    return 1e6 * (time.process_time() - started) / sum(map(len, logs))


def _alone(event: Event) -> Batch:
    return Batch(event["id"], [json.dumps(event).encode()])


def _long_log() -> list[Event]:
    """Half of it text, half the output of one command, line by line."""
    log = LogWriter("run_long")
    log.begin("model-1")
    for _ in range(LONG_EVENTS // 2):
        log.emit("text", "a few words of text, ")
    log.begin("tool-1-1")
    log.emit("tool-call", {"tool": "terminal", "args": {"command": "make"}, "callId": "call-1-1"})
    for number in range(LONG_EVENTS // 2):
        chunk: dict[str, Any] = {"source": "stdout", "chunk": f"{number} a line of a long output " * 3 + "\n"}
        log.emit("tool-output", {**chunk, "callId": "call-1-1"})
    log.emit("tool-result", {"callId": "call-1-1", "ok": True, "note": "exit code 0", "elapsed": 5})
    log.complete({})
    return [{**event, "timestamp": 200 * event["id"]} for event in log.events]
