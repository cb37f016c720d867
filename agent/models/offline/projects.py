"""The projects that the script can build, each with one slip that its own test finds."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

PACKAGE: Final = "agent.models.offline"
MAX_REQUEST: Final = 160
"""Characters of the prompt that a page repeats."""


@dataclass(frozen=True)
class Slip:
    """What the first version has wrong: ``wrong`` stands where ``right`` should; ``sign`` is in the test's output."""

    path: str
    right: str
    wrong: str
    sign: str
    cause: str


@dataclass(frozen=True)
class Project:
    title: str
    about: str
    words: frozenset[str]
    folders: tuple[str, ...]
    test: str
    use: str
    slip: Slip


def _page(title: str, about: str, words: str, folder: str, right_id: str, wrong_id: str) -> Project:
    cause = f"the script looks for the element `{right_id}`, but the page calls it `{wrong_id}`"
    slip = Slip("index.html", f'id="{right_id}"', f'id="{wrong_id}"', f"#{right_id},", cause)
    use = "Open `index.html` in a browser; it needs no server."
    return Project(title, about, frozenset(words.split()), ("any-page", folder), "test_page.py", use, slip)


PAGES: Final = (
    _page("Tip calculator", "a tip calculator that splits a bill", "tip tips bill restaurant", "tip", "each", "share"),
    _page(
        "Timer", "a timer that counts down", "timer countdown pomodoro stopwatch clock", "timer", "left", "time-left"
    ),
    _page(
        "Unit converter", "a converter between units", "convert converter unit units", "converter", "result", "answer"
    ),
)
LIST_PAGE: Final = _page("", "a list to tick off, kept in the browser", "", "list", "open", "still-open")

CLI_TIP: Final = Project(
    title="Tip calculator",
    about="a tip calculator for the command line",
    words=PAGES[0].words,
    folders=("cli-tip",),
    test="test_tip.py",
    use="Run `python3 tip.py 84.50 --percent 18 --people 2`.",
    slip=Slip(
        path="tip.py",
        right="(total / people).quantize(CENT, ROUND_CEILING)",
        wrong="(total / people).quantize(CENT, ROUND_HALF_UP)",
        sign="test_together_they_pay_the_whole_bill",
        cause="each share is rounded to the nearest cent, so three people pay 9.99 of 10.00; it has to be rounded up",
    ),
)
CLI_LIST: Final = Project(
    title="Task list",
    about="a task list for the command line",
    words=frozenset(),
    folders=("cli-list",),
    test="test_tasks.py",
    use='Run `python3 tasks.py add "buy milk"`, then `python3 tasks.py done 1`.',
    slip=Slip(
        path="tasks.py",
        right='task["done"] or at == number}',
        wrong='task["done"] or at == number + 1}',
        sign="test_counts_from_one",
        cause="`finish` marks the task after the one that was named",
    ),
)
CLI_WORDS: Final = frozenset({"cli", "command", "terminal", "shell", "script", "python"})
TESTS: Final = ("test_page.py", CLI_TIP.test, CLI_LIST.test)
"""How a project that the script has built before is recognised."""


def choose(request: str) -> Project:
    """The project that the words of ``request`` ask for; a list where none fits."""
    words = frozenset(re.findall(r"[a-z]+", request.lower()))
    if words & CLI_WORDS:
        return CLI_TIP if words & CLI_TIP.words else CLI_LIST
    return next((page for page in PAGES if words & page.words), LIST_PAGE)


def first_version(project: Project, request: str) -> dict[str, str]:
    """The project's files, path → content, with the slip in its place."""
    title = project.title or one_line(request)[:60]
    files = {}
    for folder in project.folders:
        for file in resources.files(PACKAGE).joinpath("templates", folder).iterdir():
            if file.is_file():
                text = file.read_text(encoding="utf-8")
                text = text.replace("{{title}}", html.escape(title))
                files[file.name] = text.replace("{{request}}", html.escape(one_line(request)))
    slip = project.slip
    files[slip.path] = files[slip.path].replace(slip.right, slip.wrong)
    return dict(sorted(files.items()))


def one_line(request: str) -> str:
    """The request on one line, as a heading or a list item."""
    line = " ".join(request.split())
    line = line if len(line) <= MAX_REQUEST else f"{line[: MAX_REQUEST - 1]}…"
    return line[:1].upper() + line[1:]
