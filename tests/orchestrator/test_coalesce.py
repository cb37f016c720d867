"""Streamed text is gathered, its first piece is not held back, and nothing changes its order."""

import pytest

from orchestrator.steps.coalesce import LARGEST_JOINED, Draft, Window

LEAST, MOST = 0.03, 0.2


@pytest.mark.parametrize("type", ["text", "reasoning"])
def test_text_grows_by_text(type: str) -> None:
    draft = Draft(type, "a")
    assert draft.absorb(type, "b")
    assert draft == Draft(type, "ab")


@pytest.mark.parametrize(
    ("draft", "type", "data"),
    [
        pytest.param(Draft("text", "a"), "status", "b", id="other-type"),
        pytest.param(Draft("text", "a"), "reasoning", "b", id="thought-after-text"),
        pytest.param(Draft("status", "a"), "status", "b", id="not-streamed"),
        pytest.param(Draft("progress", {}), "progress", {}, id="progress"),
        pytest.param(Draft("text", "a" * LARGEST_JOINED), "text", "b", id="large-enough"),
        pytest.param(
            Draft("tool-output", {"source": "stdout", "chunk": "a", "callId": "1"}),
            "tool-output",
            {"source": "stderr", "chunk": "b", "callId": "1"},
            id="other-source",
        ),
        pytest.param(
            Draft("tool-output", {"source": "stdout", "chunk": "a", "callId": "1"}),
            "tool-output",
            {"source": "stdout", "chunk": "b", "callId": "2"},
            id="other-call",
        ),
    ],
)
def test_what_does_not_belong_together_stays_apart(draft: Draft, type: str, data: object) -> None:
    before = Draft(draft.type, draft.data)
    assert not draft.absorb(type, data)
    assert draft == before


def test_output_of_one_command_and_source_grows_without_changing_what_it_came_from() -> None:
    data = {"source": "stdout", "chunk": "a", "callId": "1"}
    draft = Draft("tool-output", data)
    assert draft.absorb("tool-output", {"source": "stdout", "chunk": "b", "callId": "1"})
    assert draft.data == {"source": "stdout", "chunk": "ab", "callId": "1"}
    assert data["chunk"] == "a"


def test_the_first_piece_leaves_at_once() -> None:
    window = Window(LEAST, MOST)
    assert window.due(100.0) == 100.0


def test_the_wait_doubles_while_text_streams_and_stays_bounded() -> None:
    window, now, waits = Window(LEAST, MOST), 100.0, []
    for _ in range(8):
        now = window.due(now)
        window.sent(now, streamed=True)
        waits.append(window.due(now) - now)
    assert waits == pytest.approx([0.03, 0.06, 0.12, 0.2, 0.2, 0.2, 0.2, 0.2])


def test_after_another_event_text_leaves_at_once_again() -> None:
    window = Window(LEAST, MOST)
    window.sent(100.0, streamed=True)
    window.sent(100.0, streamed=False)
    assert window.due(100.0) == 100.0


def test_after_a_pause_text_leaves_at_once_again() -> None:
    window = Window(LEAST, MOST)
    for _ in range(5):
        window.sent(100.0, streamed=True)
    assert window.due(100.5) == 100.5
    window.sent(100.5, streamed=True)
    assert window.due(100.5) == pytest.approx(100.53)


def test_nothing_waits_where_gathering_is_switched_off() -> None:
    window = Window(0, 0)
    window.sent(100.0, streamed=True)
    assert window.due(100.0) == 100.0
