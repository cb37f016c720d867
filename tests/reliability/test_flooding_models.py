"""A model that sends as fast as it can, without an end: its run can be stopped, and others do not notice."""

import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Flag

import pytest

from lab.llm import Handler, says, writes
from lab.model_server import ModelServer
from lab.sse import assert_whole, events_of, start_run
from tests.conftest import UNJAILED, StartService

CHUNK = {"id": "c", "choices": [{"index": 0, "delta": {"content": "again "}, "finish_reason": None}]}
FLOODS = {
    "pings": b": ping\n\n" * 8_192,
    "text": b"data: " + json.dumps(CHUNK).encode() + b"\n\n",
}


class Flood:
    def __init__(self, piece: bytes) -> None:
        self.piece = piece * (65_536 // len(piece) + 1)
        self.has_begun = Flag()
        self.was_hung_up = Flag()

    def __call__(self, handler: Handler) -> None:
        with suppress(OSError):
            handler.start_stream()
            for number in itertools.count():
                handler.wfile.write(self.piece)
                if number == 8:
                    self.has_begun.set()
        self.was_hung_up.set()


@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS)
def test_a_model_that_floods_holds_up_nobody_else(
    piece: bytes, start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Its bytes always lay ready, so its reader never waited, and its process answered nobody for good."""
    service = start_service(workers=1, **UNJAILED, **model_server.environment())
    flood = Flood(piece)
    flooded = start_run(service, value=model_server.script(unique("flood"), flood))
    assert flood.has_begun.wait(30)
    other = start_run(service, value=model_server.script(unique("beside"), writes(), says("Done.")))
    events = events_of(service, other)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert not flood.was_hung_up.is_set(), "it was over before the other run was"
    assert service.http.post(f"/agent/run/{flooded}/cancel").status_code == 202
    assert flood.was_hung_up.wait(30)
    events = events_of(service, flooded)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "cancelled")
