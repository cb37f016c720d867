"""What the model is told, as messages. Pure functions: they run again on every replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent import templates
from agent.messages import Approval, Beginning, Done, Limits, Message, RunRequest

SYSTEM: Final = """\
You are a careful software engineer who builds small, complete projects.

Your workspace is the current folder of the `terminal` tool. Files you make with `createOrUpdateFiles` land there.
Change what is there with `editFile`; `listFiles`, `searchFiles` and `readFiles` show it.
Commands have no keyboard, and must end by themselves; start servers and watchers in the background.

How to work:
1. Say in a sentence or two what you will build, then write complete files; leave no placeholders.
2. Prefer what runs without installing anything: plain HTML, CSS and JavaScript, or Python's standard library.
   Link the files of a page relatively (`style.css`, not `/style.css`): pages are opened below a path.
3. Write a small test, run it, read what it says, and repair what fails.
4. When everything works, answer without calling a tool: a short summary of what you made and how to use it.
"""

EARLIER: Final = "What was asked for on this project before, and what came of it, oldest first:"
EXISTING: Final = "The workspace already holds this project; continue from it, and read a file before you change it:"
TEMPLATE: Final = "The project is new. The workspace holds a template to begin with, {about} Its files:"
MAX_LISTED: Final = 200
"""Paths of existing files named to the model; it can list the rest itself."""


NOTHING_TO_DO: Final = "Nothing to do:"
"""How an answer begins that says why a request needs no file; anything else would be taken for work left undone."""
NOTHING_DONE: Final = (
    "No file was made or changed. Do what was asked with the tools; or, if the request needs no file, answer again and "
    f'begin with "{NOTHING_TO_DO}".'
)
NOT_BUILT: Final = "It could not be built:"
"""How a check says that, which no model can mend."""
EMPTY_ANSWER: Final = "(no answer)"
ASK_AFTER_EMPTY: Final = (
    "Your answer was empty. Go on with the work, or say in a few words what you made and what is missing."
)
USER_SAYS: Final = "The user says meanwhile: "
NOT_ALLOWED: Final = (
    "Not carried out: the user does not allow this command. Do not try it in another way: go on without it, or say "
    "what it is needed for."
)
CONTINUE: Final = "Your answer was cut at its longest size. Go on exactly where it stopped, without repeating anything."
CUT_ARGUMENTS: Final = (
    "Nothing was done: your answer reached its longest size inside the arguments of {name} ({size} characters came). "
    "Split the work: one file a call, and long files in parts, each well below that size."
)


def opening(request: RunRequest, project: Beginning) -> list[Message]:
    """The messages a run starts with; providers' caches hold them, so they never change while it goes on."""
    system = SYSTEM  # all in one system message: some endpoints refuse a second one
    if project.history:
        system = "\n".join([system, EARLIER, *map(_told, project.history)])
    if project.template:
        about = templates.named(project.template).about
        system = "\n".join([system, TEMPLATE.format(about=about), *(f"- {path}" for path in project.files)])
    elif project.files:
        listed = [f"- {path}" for path in project.files]
        if project.count > len(listed):
            listed.append(f"- and {project.count - len(listed)} more")
        system = "\n".join([system, EXISTING, *listed])
    return [Message(role="system", content=system), Message(role="user", content=request.value)]


def _told(done: Done) -> str:
    """One earlier run; what spans several lines is indented, so that it cannot be taken for something of ours."""
    said = [f"- Asked: {done.prompt}", f"  Outcome: {done.outcome}", f"  Said: {done.summary or '(nothing)'}"]
    return "\n".join(part.replace("\n", "\n    ") for part in said)


def network(hosts: Sequence[str]) -> str:
    """What the model is told about its commands' network."""
    if not hosts:
        return "It has no network: nothing can be downloaded or installed."
    return f"Of the network it reaches only {', '.join(hosts)}, through a proxy that npm, pip, git and curl know."


def repair(problems: Sequence[str]) -> str:
    """What the model is asked after a check found ``problems``."""
    listed = "\n".join(f"- {problem}" for problem in problems)
    return f"A check of the files found:\n{listed}\nRepair it, or say why it is right so."


def refusal(answer: Approval) -> str:
    """What the model reads instead of a result; empty where the call is allowed."""
    if answer.allow:
        return ""
    return f"{NOT_ALLOWED} The user says: {answer.reason}" if answer.reason else NOT_ALLOWED


def too_many_calls(most: int) -> str:
    return f"Not carried out: an answer may hold {most} calls at most. Call again for the rest."


def stopped(limits: Limits, turns: int) -> str:
    """Why a run ended before its model said that it was done."""
    reached = f"after {turns} turns" if turns >= limits.max_turns else "at a limit of tokens, cost or time"
    return f"Stopped {reached}, before the work was finished."
