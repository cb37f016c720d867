"""The script for a project that exists already: note the request, recolour a page if a colour is named, test."""

from __future__ import annotations

import html
import re
from typing import Final

from agent.messages import ModelReply, ToolCall
from agent.models.offline.conversation import Conversation, calling
from agent.models.offline.projects import TESTS, one_line

COLOURS: Final = {
    "blue": "#2459a8",
    "green": "#2f6f5e",
    "red": "#b3372f",
    "orange": "#b85c14",
    "purple": "#6b3fa0",
    "pink": "#b8326f",
}
PAGE: Final = "index.html"
STYLE: Final = "style.css"
NOTES: Final = "CHANGES.md"
LIST: Final = '<ul id="changes">'
ACCENT: Final = re.compile(r"--accent: [^;]+;")


def next_reply(talk: Conversation) -> ModelReply:
    test = next((name for name in TESTS if name in talk.existing), None)
    match talk.results:
        case []:
            reads = _to_read(talk) or talk.existing[:1]
            call = ToolCall(id="read", name="readFiles", args={"files": reads})
            return calling("The project is there already. I look at what is to change.", call)
        case [shown]:
            files = [{"path": path, "content": text} for path, text in _changed(talk, shown.without_numbers()).items()]
            call = ToolCall(id="change", name="createOrUpdateFiles", args={"files": files})
            return calling("A script cannot invent a feature, but it notes the request in the project.", call)
        case [_, _] if test is not None:
            call = ToolCall(id="test", name="terminal", args={"command": f"python3 {test}"})
            return calling("Does its test still pass?", call)
        case [_, _, result]:
            return calling(f"{_summary(talk)} {_tested(result.has_passed, result.was_refused)}")
    return calling(_summary(talk))


def _to_read(talk: Conversation) -> list[str]:
    wanted = (PAGE, STYLE) if PAGE in talk.existing else (NOTES,)
    return [path for path in wanted if path in talk.existing]


def _changed(talk: Conversation, shown: str) -> dict[str, str]:
    """The changed files, path → content, made from what ``readFiles`` has shown."""
    files = _split(shown, _to_read(talk))
    request = one_line(talk.request)
    changed = {}
    if LIST in files.get(PAGE, ""):
        changed[PAGE] = files[PAGE].replace(LIST, f"{LIST}\n        <li>{html.escape(request)}</li>")
    else:
        changed[NOTES] = files.get(NOTES, "# Changes\n\n") + f"- {request}\n"
    colour = _colour(talk.request)
    if colour is not None and ACCENT.search(files.get(STYLE, "")):
        changed[STYLE] = ACCENT.sub(f"--accent: {COLOURS[colour]};", files[STYLE])
    return changed


def _split(shown: str, paths: list[str]) -> dict[str, str]:
    files = {}
    for path in reversed(paths):
        shown, found, content = shown.rpartition(f"==> {path} <==\n")
        if found:
            files[path] = content.removesuffix("\n") + "\n"
    return files


def _colour(request: str) -> str | None:
    return next((word for word in re.findall(r"[a-z]+", request.lower()) if word in COLOURS), None)


def _summary(talk: Conversation) -> str:
    colour = _colour(talk.request)
    coloured = f", and its accent is {colour} now" if colour is not None and STYLE in talk.existing else ""
    return f"Done: the request is noted in the project{coloured}. For new features, use a language model."


def _tested(has_passed: bool, was_refused: bool) -> str:
    if was_refused:
        return "No command can be run here, so its test was not run."
    return "Its test passes." if has_passed else "Its test fails; see its output above."
