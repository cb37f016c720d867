"""What each tool tells the model: enough for its next call, also where it did nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import paths, tools
from agent.entries import Entry, LeftOut, Stored, Tree, marked
from agent.messages import Limits
from agent.protocols import Sandbox
from agent.sandbox import open_sandbox
from agent.tools import Context, answer, specs
from agent.tools.base import Args, Tool
from tests.agent.fakes import Events, call

pytestmark = pytest.mark.program

LINES = "".join(f"line {number}\n" for number in range(1, 21))
TREE: Tree = {
    "a.txt": Entry(b"one\ntwo\nthree\n"),
    "bin/run": Entry(b"#!/bin/sh\n", "executable"),
    "crlf.txt": Entry(b"one\r\ntwo\r\n"),
    "empty": Entry(kind="folder"),
    "link": Entry(b"a.txt", "link"),
    "logo.png": Entry(b"\x89PNG\0\xff"),
    "src/long.py": Entry(LINES.encode()),
    "src/node_modules.py": Entry(b"# two of them\n"),
}
LEFT_OUT = [LeftOut("src/big.csv", 3_000_000, "too large, more than 1000000 bytes"), LeftOut("x/", 0, "ignored folder")]
Use = Callable[..., str]


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def use(tmp_path: Path, events: Events) -> Iterator[Use]:
    """Calls a tool in a workspace that holds TREE: use("readFiles", files=["a.txt"])."""
    sandbox = open_sandbox("bubblewrap", tmp_path / "sandboxes", "run_1")
    context = Context(sandbox, events, "call-1", 20.0, Stored(marked(TREE), LEFT_OUT))
    with sandbox.hold(lambda: None):
        assert sandbox.write(TREE, lambda: None, replace=True) == {}
        yield lambda tool, **args: answer(call(tool, **args), context)


def content(use: Use, path: str) -> str:
    return use("terminal", command=f"cat {path}").removeprefix("exit code 0\n")


def notes(events: Events) -> list[tuple[bool, str]]:
    return [(data["ok"], data["note"]) for data in events.of("tool-result")]


def test_reading_shows_line_numbers(use: Use) -> None:
    """FINDINGS D8: `readFiles` had no line numbers and no ranges; there was no tool to edit, search or list."""
    text = use("readFiles", files=["a.txt", "logo.png", "none.txt"])
    assert text == (
        "==> a.txt <==\n     1\tone\n     2\ttwo\n     3\tthree\n"
        "==> logo.png <==\n(not read: not text, 6 bytes)\n==> none.txt <==\n(not read: No such file or directory)"
    )


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ({"firstLine": 3, "lastLine": 4}, "     3\tline 3\n     4\tline 4"),
        ({"firstLine": 20}, "    20\tline 20"),
        ({"lastLine": 1}, "     1\tline 1"),
        ({"firstLine": 19, "lastLine": 90}, "    19\tline 19\n    20\tline 20"),
        ({"firstLine": 21}, "(it has fewer than 21 lines)"),
        ({"firstLine": 5, "lastLine": 4}, "(not read: expected lastLine from 5 on, got 4)"),
    ],
)
def test_some_lines_of_a_file_can_be_read(use: Use, lines: dict[str, int], shown: str) -> None:
    assert use("readFiles", files=[{"path": "src/long.py", **lines}]) == f"==> src/long.py <==\n{shown}"


def test_a_long_file_is_read_in_parts_that_join(use: Use) -> None:
    use("terminal", command="seq 1 30000 > long.txt")
    first, rest = use("readFiles", files=["long.txt"]).rsplit("\n", 1)
    assert rest.startswith("[… there is more, 168894 bytes in all: go on with firstLine ")
    next_line = int(rest.split("firstLine ")[1].split()[0])
    assert first.endswith(f"{next_line - 1}\t{next_line - 1}")
    second = use("readFiles", files=[{"path": "long.txt", "firstLine": next_line, "lastLine": next_line}])
    assert second == f"==> long.txt <==\n{next_line:>6}\t{next_line}"


def test_an_edit_replaces_the_passage_and_shows_the_lines_around_it(use: Use, events: Events) -> None:
    text = use("editFile", path="src/long.py", old="line 9\nline 10\n", new="new 9\nnew 9b\nnew 10\n")
    assert text.startswith("Changed src/long.py:\n     6\tline 6\n") and "    10\tnew 9b\n    11\tnew 10" in text
    assert content(use, "src/long.py") == LINES.replace("line 9\nline 10\n", "new 9\nnew 9b\nnew 10\n")
    assert notes(events)[0] == (True, "src/long.py edited")


def test_an_edit_keeps_modes_and_line_ends(use: Use) -> None:
    use("editFile", path="bin/run", old="/bin/sh", new="/bin/bash")
    use("editFile", path="crlf.txt", old="one\ntwo", new="1\n2")
    assert "-rwxr-xr-x" in use("terminal", command="ls -l bin/run; cat bin/run")
    assert content(use, "crlf.txt | od -c") == "0000000   1  \\r  \\n   2  \\r  \\n\n0000006\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"path": "src/long.py", "old": "line 1", "new": ""},
            "more than once, at lines 1, 10, 11, 12, 13, 14, 15, 16 and",
        ),
        (
            {"path": "src/long.py", "old": "  line 7\nline 9", "new": ""},
            "white space and at what follows:\n     7\tline 7",
        ),
        ({"path": "a.txt", "old": "four", "new": ""}, "does not hold the passage. Read the file"),
        ({"path": "logo.png", "old": "P", "new": ""}, "is not text"),
        ({"path": "link", "old": "one", "new": ""}, "link: Too many levels of symbolic links"),
        ({"path": "none", "old": "one", "new": ""}, "none: No such file or directory"),
        ({"path": "a.txt", "old": "one", "new": "x" * 1_000_000}, "too many to keep"),
    ],
)
def test_an_edit_that_is_not_clear_changes_nothing(use: Use, events: Events, args: dict[str, str], said: str) -> None:
    before = use("terminal", command="cat a.txt src/long.py")
    text = use("editFile", **args)
    assert text.startswith("Nothing was changed") and said in text
    assert use("terminal", command="cat a.txt src/long.py") == before
    assert notes(events)[1][0] is False


def test_a_list_shows_what_there_is_and_what_is_not_kept(use: Use) -> None:
    assert use("listFiles").startswith(
        "a.txt (14 bytes)\nbin/run (10 bytes, executable)\ncrlf.txt (10 bytes)\nempty/ (empty)\nlink -> a.txt\n"
    )
    assert use("listFiles", folder="./src/") == (
        "src/long.py (151 bytes)\nsrc/node_modules.py (14 bytes)\n\nNot kept (not in the result, and lost with this "
        "machine):\n- src/big.csv (3.0 MB): too large, more than 1000000 bytes"
    )
    assert use("listFiles", folder="nothing") == "There is nothing in nothing."


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"text": "two"}, {"a.txt:2: two", "crlf.txt:2: two\r", "src/node_modules.py:1: # two of them"}),
        ({"text": "two", "folder": "src"}, {"src/node_modules.py:1: # two of them"}),
        (
            {"text": "^line 1.$", "regex": True, "folder": "src/long.py"},
            {f"src/long.py:{n}: line {n}" for n in range(10, 20)},
        ),
        ({"text": "-e $(touch x) '\""}, {"No line holds '-e $(touch x) \\'\"'."}),
        ({"text": "(", "regex": True}, {"Not searched: grep: Unmatched ( or \\(."}),
        (
            {"text": "x", "folder": "../"},
            {"Nothing was done: expected a relative path inside the workspace, got '../'."},
        ),
        ({"text": "x", "folder": "nowhere"}, {"Not searched: grep: nowhere: No such file or directory."}),
        ({"text": "a\nb"}, {"Not searched: expected a text of one line."}),
    ],
)
def test_a_search_finds_lines(use: Use, args: dict[str, Any], said: set[str]) -> None:
    assert set(use("searchFiles", **args).split("\n")) == said


def test_a_search_does_not_wait_for_pipes_nor_look_into_ignored_folders(use: Use) -> None:
    use("terminal", command="mkfifo pipe; mkdir node_modules; echo two > node_modules/x; seq 1 5000 > many")
    assert "node_modules/x" not in use("searchFiles", text="two")
    found = use("searchFiles", text="1", folder="many").split("\n")
    assert len(found) == 101 and "search for something rarer" in found[-1]


def test_the_terminal_says_its_limits() -> None:
    """FINDINGS D8: the model was not told how long a command may take."""
    [terminal] = [spec for spec in specs(Limits(command_timeout=7)) if spec.name == "terminal"]
    assert "killed after 7 s" in terminal.description


def test_a_path_that_leads_outside_is_answered_whatever_tool_it_is_for(
    events: Events, no_jail: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that forgot to say so failed its run."""

    def checks(args: Args, context: Context) -> tuple[str, str]:
        return paths.checked("../up"), ""

    monkeypatch.setitem(tools.TOOLS, "new", Tool("new", "A new one.", Args, checks))
    text = answer(call("new"), Context(no_jail, events, "call-1", 20.0))
    assert text == "Nothing was done: expected a relative path inside the workspace, got '../up'."
    assert notes(events) == [(False, "wrong path")]


@pytest.mark.parametrize("tool", [spec.name for spec in specs()])
def test_an_argument_that_a_tool_does_not_know_is_refused(use: Use, tool: str) -> None:
    assert use(tool, colour="red").startswith(f"Wrong arguments for {tool}: ")


def test_viewers_read_with_a_command_s_end_what_it_was_refused(jail: Sandbox, events: Events) -> None:
    with jail.hold(lambda: None):
        text = answer(call("terminal", command="curl -sS http://evil.example/"), Context(jail, events, "call-1", 20.0))
    [end] = events.of("tool-result")
    refused = "network: refused: evil.example:80: there is no network (AGENT_SANDBOX_ALLOW lists no hosts)"
    assert end["note"] == f"exit code 0; {refused}"
    assert text.startswith(f"exit code 0\n{refused}\nThis sandbox has no network")
