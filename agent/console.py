"""A run's events as a person wants to read them, on a terminal or in a plain file."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from typing import IO, Any, Final

import rich.console
from rich.text import Text

Event = dict[str, Any]

STEERING: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Control characters (C0 but for tab and newline, C1), and those that turn the direction of text, so that a reader sees
another order than there is."""
# Escape sequences first, then what is left; output of commands must not steer a terminal.
CONTROL: Final = re.compile(rf"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[{STEERING}]")
MAX_ARGS: Final = 100
"""Characters of a tool call's arguments on its line."""
GUTTER: Final = 9
"""Columns for the elapsed time, left of everything."""
INDENT: Final = GUTTER + 2
"""Columns left of the text: the elapsed time and a mark."""


class Console:
    """Shows a run's events, one after the other; ``file``: where to, standard output if not given."""

    def __init__(self, file: IO[str] | None = None) -> None:
        self._out = rich.console.Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._started: int | None = None
        self._is_mid_line = False
        self._style = ""
        self._column = 0
        # A file keeps its lines whole; on a terminal they are broken so that the indent stays.
        self._room = max(20, self._out.width - INDENT) if self._out.is_terminal else None

    def show(self, event: Event) -> None:
        """Render one event (docs/events.md); types that are not known are passed over."""
        if self._started is None:
            self._started = event.get("timestamp")
        name = event["type"].replace("-", "_")
        show = getattr(self, f"_show_{name}", None)
        if show is not None:
            show(event, event["data"])

    def _show_status(self, event: Event, data: str) -> None:
        self._line(event, "·", data, "dim")

    def _show_progress(self, event: Event, data: Event) -> None:
        if data["stage"] == "model":
            self._blank()
            self._line(event, "▸", f"turn {data['turn']}", "bold cyan")

    def _show_text(self, event: Event, data: str) -> None:
        self._flow(self._wrapped(data), "")

    def _show_reasoning(self, event: Event, data: str) -> None:
        self._flow(self._wrapped(data), "dim italic")

    def _show_user_message(self, event: Event, data: Event) -> None:
        self._blank()
        self._line(event, "»", data["value"], "bold")

    def _show_tool_call(self, event: Event, data: Event) -> None:
        args = data["args"]
        if data["tool"] == "terminal" and "command" in args:
            behind = " &" if args.get("background") else ""
            self._line(event, "$", f"{args['command']}{behind}", "bold yellow")
        else:
            self._line(event, "⚒", f"{data['tool']} {_brief(args)}", "yellow")

    def _show_approval_request(self, event: Event, data: Event) -> None:
        self._line(event, "?", f"waits until somebody allows this ({data['approvalId']})", "bold magenta")

    def _show_approval_answer(self, event: Event, data: Event) -> None:
        words = f": {data['reason']}" if data.get("reason") else ""
        self._line(event, " ", ("allowed" if data["allow"] else "not allowed") + words, "magenta")

    def _show_tool_output(self, event: Event, data: Event) -> None:
        self._flow(data["chunk"], "dim" if data["source"] == "stdout" else "dim red", "│ ")

    def _show_tool_result(self, event: Event, data: Event) -> None:
        mark, style = ("✓", "green") if data["ok"] else ("✗", "red")
        self._line(event, mark, f"{data['note']} ({_seconds(data['elapsed'])})", style)

    def _show_file_created(self, event: Event, data: Event) -> None:
        self._line(event, "+", f"{data['path']}  {_size(data['size'])}", "green")

    def _show_file_updated(self, event: Event, data: Event) -> None:
        self._line(event, "~", f"{data['path']}  {_size(data['size'])}", "green")

    def _show_file_deleted(self, event: Event, data: Event) -> None:
        self._line(event, "-", data["path"], "red")

    def _show_rollback(self, event: Event, data: Event) -> None:
        self._blank()
        span = f"events {data['fromId']} to {data['toId']} are void"
        self._line(event, "↺", f"{data['step']} starts again, {span}: {data['reason']}", "magenta")

    def _show_gap(self, event: Event, data: Event) -> None:
        self._line(event, "…", f"events {data['fromId']} to {data['toId']} are no longer stored", "magenta")

    def _show_error(self, event: Event, data: str) -> None:
        self._blank()
        self._line(event, "✗", f"{event.get('code', 'failed')}: {data}", "bold red")

    def _show_complete(self, event: Event, data: Event) -> None:
        self._blank()
        is_done = data.get("outcome", "done") == "done"
        self._line(event, "✓" if is_done else "○", data["title"], "bold green" if is_done else "bold yellow")
        if data.get("missing"):
            self._line(event, " ", f"{data['outcome']}: {data['missing']}", "yellow")
        rest = data.get("manifest", {}).values()
        size = sum(len(content.encode(errors="replace")) for content in data["files"].values())
        size += sum(mark["size"] for mark in rest)
        count = len(data["files"]) + len(rest) + data.get("unnamed", 0)
        usage = data["usage"]
        tokens = sum(usage.get(name, 0) for name in ("inputTokens", "outputTokens", "abandoned"))
        spent = f", {tokens:,} tokens" if tokens else ""
        spent += f", cost {usage['cost']:.4f}" if usage.get("cost") else ""
        self._line(event, " ", f"{data['framework']}, {_count(count)}, {_size(size)}{spent}", "dim")

    def _line(self, event: Event, mark: str, text: str, style: str) -> None:
        self._end_line()
        elapsed = (event.get("timestamp") or 0) - (self._started or 0)
        first, *more = [part for line in clean(text).split("\n") for part in self._parts(line)]
        self._out.print(
            Text(f"{_seconds(max(0, elapsed)):>{GUTTER - 2}}  ", "dim"), Text(f"{mark} {first}", style), sep=""
        )
        for line in more:
            self._out.print(Text(" " * INDENT + line, style))

    def _flow(self, text: str, style: str, prefix: str = "") -> None:
        """Text that comes in pieces; each of its lines is indented."""
        if self._is_mid_line and style != self._style:
            self._end_line()
        self._style = style
        for piece in clean(text).splitlines(keepends=True):
            indent = "" if self._is_mid_line else " " * INDENT + prefix
            self._out.print(Text(indent + piece, style), end="")
            self._is_mid_line = not piece.endswith("\n")

    def _parts(self, line: str) -> list[str]:
        return (textwrap.wrap(line, self._room) if self._room else [line]) or [""]

    def _wrapped(self, text: str) -> str:
        """``text`` with a line break before each word that would not fit; it comes in pieces of any size."""
        if not self._room:
            return text
        pieces = []
        for piece in re.findall(r"\n|[^\S\n]+|\S+", text):
            if piece != "\n" and self._column and self._column + len(piece) > self._room:
                pieces.append("\n")
                self._column = 0
            pieces.append(piece if self._column or not piece.isspace() or piece == "\n" else "")
            self._column = 0 if piece == "\n" else self._column + len(pieces[-1])
        return "".join(pieces)

    def _blank(self) -> None:
        self._end_line()
        self._out.print()

    def _end_line(self) -> None:
        if self._is_mid_line:
            self._out.print()
        self._is_mid_line = False
        self._column = 0


def leave_pipe() -> None:
    """Whoever read standard output has gone: what is still to come goes nowhere, without complaints at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def harmless_json(text: str) -> str:
    """The same JSON, in which no character can steer the terminal that it is printed on."""
    return re.sub(f"[{STEERING}]", lambda found: f"\\u{ord(found[0]):04x}", text)


def clean(text: str) -> str:
    """The text without what could steer a terminal."""
    return CONTROL.sub("", text.replace("\r\n", "\n"))


def _brief(args: Event) -> str:
    files = args.get("files")
    if isinstance(files, list):
        names = [str(file.get("path", "?") if isinstance(file, dict) else file) for file in files]
        text = ", ".join(names)
    else:
        text = ", ".join([*([str(args["path"])] if "path" in args else []), *_named(args)])
    return text if len(text) <= MAX_ARGS else f"{text[: MAX_ARGS - 1]}…"


def _named(args: Event) -> list[str]:
    return [f"{name}={value!r}" for name, value in args.items() if name != "path"]


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB"


def _count(files: int) -> str:
    return f"{files} file{'s' if files != 1 else ''}"
