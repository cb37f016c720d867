"""The wire format, without sockets."""

import json

import pytest

from orchestrator.events import encode_body
from orchestrator.hub.batch import Batch
from orchestrator.hub.frames import (
    Framer,
    event_id,
    frame_data,
    frame_data_and_id,
    gap,
    is_terminal,
    lost,
)

RUN = "run_1"


def event(number: int, type: str = "text", data: object = "x") -> bytes:
    return f'{{"id":{number},{encode_body(RUN, type, data, "model-1", 0)}'.encode()


@pytest.mark.parametrize("number", [1, 9, 10, 123_456_789])
def test_the_id_is_found_by_its_place(number: int) -> None:
    assert event_id(event(number)) == number


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("complete", {"title": "x"}, True),
        ("error", "no", True),
        ("text", "complete", False),
        ("text", '","type":"complete","', False),
        ("status", {"runId": RUN, "type": "error"}, False),
        ("completed", {}, False),
    ],
)
def test_a_terminal_event_is_told_by_its_type_alone(type: str, data: object, expected: bool) -> None:
    assert is_terminal(event(3, type, data)) is expected


def test_data_frames_hold_nothing_but_data() -> None:
    events = [event(1), event(2)]
    assert frame_data(1, events) == b"data: %b\n\ndata: %b\n\n" % tuple(events)
    assert frame_data(1, []) == b""


def test_frames_with_ids_end_with_the_id() -> None:
    events = [event(7), event(8)]
    assert frame_data_and_id(7, events) == b"data: %b\nid: 7\n\ndata: %b\nid: 8\n\n" % tuple(events)
    assert frame_data_and_id(7, []) == b""


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\r\rb", "\u2028", "\x00", "a\n\ndata: {}\n\n"])
def test_no_text_breaks_out_of_its_frame(text: str) -> None:
    framed = frame_data(1, [event(1, data=text)])
    assert framed.count(b"\n") == 2 and b"\r" not in framed
    assert json.loads(framed[6:])["data"] == text


def test_a_gap_has_no_id_of_its_own() -> None:
    assert json.loads(gap(RUN, 1, 40)) == {"runId": RUN, "type": "gap", "data": {"fromId": 1, "toId": 40}}


def test_a_lost_run_ends_with_a_terminal_event() -> None:
    said = json.loads(lost(RUN, 5))
    assert (said["id"], said["type"], said["code"]) == (5, "error", "lost")


@pytest.mark.parametrize("framer", [frame_data, frame_data_and_id])
@pytest.mark.parametrize("cursor", [0, 4, 5, 6])
def test_a_batch_gives_each_viewer_what_it_has_not_seen(framer: Framer, cursor: int) -> None:
    batch = Batch(5, [event(number, data=str(number)) for number in (5, 6, 7)])
    assert (batch.first, batch.last) == (5, 7)
    first = max(5, cursor + 1)
    assert batch.after(cursor, framer) == framer(first, batch.events[first - 5 :])


def test_a_batch_is_framed_once_for_all_viewers() -> None:
    batch = Batch(1, [event(1)])
    assert batch.after(0, frame_data) is batch.after(0, frame_data)
    assert batch.size == len(event(1))
