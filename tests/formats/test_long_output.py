"""The AI SDK's stream repeats an output whole each time: a long one must not be repeated for every line."""

import json
from typing import Any

from lab.run_logs import LogWriter
from orchestrator.formats.ai_sdk import UIMessageStream

LINES, LINE = 2_000, "a line of a long output, which goes on and on\n"


def chunks(said: bytes) -> list[dict[str, Any]]:
    frames = [frame.removeprefix("data: ") for frame in said.decode().split("\n\n")]
    return [json.loads(frame) for frame in frames if frame.startswith("{")]


def outputs(said: bytes) -> list[str]:
    return [chunk["output"]["stdout"] for chunk in chunks(said) if chunk["type"] == "tool-output-available"]


def test_what_is_sent_of_a_long_output_stays_bounded_and_a_pause_shows_all_of_it() -> None:
    log, stream = LogWriter(), UIMessageStream("run_1")
    log.begin("tool-1-1")
    log.emit("tool-call", {"tool": "terminal", "args": {"command": "make"}, "callId": "call-1-1"})
    for _ in range(LINES):
        log.emit("tool-output", {"source": "stdout", "chunk": LINE, "callId": "call-1-1"})
    said = [stream.batch([{**event, "timestamp": 50 * event["id"]}]) for event in log.events]
    assert sum(map(len, said)) < 50 * LINES * len(LINE)
    assert outputs(b"".join(said[:100]))[-1].count(LINE) > 90  # a short one follows line by line
    assert outputs(stream.pause()) == [LINES * LINE]
    assert outputs(stream.pause()) == []
    log.emit("tool-result", {"callId": "call-1-1", "ok": True, "note": "exit code 0", "elapsed": 5})
    assert outputs(stream.batch(log.events[-1:])) == [LINES * LINE]
