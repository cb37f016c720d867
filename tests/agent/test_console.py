"""How events look to a person."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from agent.console import Console, harmless_json


def shown(*events: tuple[str, Any]) -> str:
    out = io.StringIO()
    console = Console(out)
    for number, (type, data) in enumerate(events):
        console.show({"id": number + 1, "type": type, "data": data, "timestamp": 1000 + 500 * number, "step": "s"})
    return out.getvalue()


def test_streamed_pieces_join_into_lines_and_end_before_the_next_event() -> None:
    assert shown(("text", "Hel"), ("text", "lo\nyou"), ("status", "next")) == (
        "           Hello\n           you\n  1.0 s  · next\n"
    )


def test_a_command_is_shown_with_its_output_and_its_end() -> None:
    output = {"source": "stdout", "callId": "c", "chunk": "one\ntwo\n"}
    assert shown(
        ("tool-call", {"tool": "terminal", "args": {"command": "ls"}, "callId": "c"}),
        ("tool-output", output),
        ("tool-result", {"callId": "c", "ok": True, "note": "exit code 0", "elapsed": 120}),
    ).splitlines() == ["  0.0 s  $ ls", "           │ one", "           │ two", "  1.0 s  ✓ exit code 0 (0.1 s)"]


def test_what_a_command_writes_cannot_steer_the_terminal() -> None:
    chunk = "\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \x9b2J[bold]x[/bold]\r\n"
    text = shown(("tool-output", {"source": "stdout", "callId": "c", "chunk": chunk}))
    assert text == "           │ red bell 2J[bold]x[/bold]\n"


STEERS = "a\u202eb\u2066c\u2069\u200f\u061c\x9b\x85\x7fd"


def test_what_a_command_writes_cannot_turn_the_direction_of_the_text() -> None:
    """FINDINGS A7: U+202E and C1 controls got through."""
    assert shown(("tool-output", {"source": "stdout", "callId": "c", "chunk": STEERS})) == "           │ abcd"


def test_json_on_a_terminal_means_the_same_and_steers_nothing() -> None:
    text = harmless_json(json.dumps({"chunk": f"{STEERS} é 😀"}, ensure_ascii=False))
    assert json.loads(text) == {"chunk": f"{STEERS} é 😀"} and "é 😀" in text
    assert not set(text) & set("\u202e\u2066\u2069\u200f\u061c\x9b\x85\x7f")


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("file-created", {"path": "a", "content": "", "size": 1500}, "+ a  1.5 kB"),
        ("file-updated", {"path": "a", "content": "", "size": 15}, "~ a  15 B"),
        ("file-deleted", {"path": "a"}, "- a"),
        ("rollback", {"step": "s", "attempt": 1, "fromId": 3, "toId": 5, "reason": "lost"}, "events 3 to 5 are void"),
        ("gap", {"fromId": 3, "toId": 5}, "events 3 to 5 are no longer stored"),
        ("user-message", {"messageId": "m", "value": "in\x1b[2J blue"}, "» in blue"),
        ("error", "it broke", "✗ failed: it broke"),
        ("tool-call", {"tool": "readFiles", "args": {"files": ["a", "b"]}, "callId": "c"}, "readFiles a, b"),
        ("tool-call", {"tool": "fly", "args": {"to": 1}, "callId": "c"}, "fly to=1"),
    ],
)
def test_every_kind_of_event_has_its_line(type: str, data: Any, expected: str) -> None:
    assert expected in shown((type, data))


def test_an_unknown_type_is_passed_over() -> None:
    assert shown(("hologram", {})) == ""


def test_the_end_names_title_files_and_tokens() -> None:
    usage = {"inputTokens": 1200, "outputTokens": 34}
    complete = {"title": "Tip", "files": {"a": "x"}, "summary": "", "framework": "html", "usage": usage}
    assert "html, 1 file, 1 B, 1,234 tokens" in shown(("complete", complete))
