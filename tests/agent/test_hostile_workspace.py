"""Whatever a command leaves behind: nobody hangs, nothing is silently lost, the process is not held up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.entries import Changes, Entry, fingerprints
from agent.errors import Cancelled, TransientError
from agent.inside.wire import pack
from agent.protocols import Piece, Sandbox, Span
from agent.sandbox import answers, open_sandbox
from agent.sandbox.exchange import ExchangeFailed, exchange, plain_process

ROOT = Path(__file__).parents[2]
KNOWN = {"a.txt": Entry(b"a"), "b/c.txt": Entry(b"c")}


def nothing() -> None:
    pass


@pytest.fixture(params=["bubblewrap", "unsafe-local"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Held, with two files in it."""
    sandbox = open_sandbox(request.param, tmp_path / "sandboxes", "run_1")
    with sandbox.hold(nothing):
        assert sandbox.write(KNOWN, nothing) == {}
        yield sandbox


def run(sandbox: Sandbox, command: str) -> str:
    output: list[str] = []
    sandbox.run(command, timeout=30, on_output=lambda _, chunk: output.append(chunk), check=nothing)
    return "".join(output)


def look(sandbox: Sandbox) -> Changes:
    return sandbox.changes(fingerprints(KNOWN), nothing)


def python(program: str) -> str:
    return f"python3 - <<'END'\n{program}\nEND"


def test_1500_folders_in_each_other_are_named_and_can_be_replaced(sandbox: Sandbox) -> None:
    """The host's walk raised RecursionError."""
    run(sandbox, python("import os\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')\nopen('x', 'w')"))
    found = look(sandbox)
    assert found.entries == {}
    [item] = found.left_out
    assert item.path == "d/" * 25 and item.reason.startswith("too deep")
    assert sandbox.write({"d": Entry(b"file")}, nothing, replace=True) == {}
    assert look(sandbox).entries == {"d": Entry(b"file")}


@pytest.mark.parametrize("mode", ["000", "555"])
def test_a_workspace_that_was_closed_is_opened_again(sandbox: Sandbox, mode: str) -> None:
    """An empty snapshot was taken for the truth: all files deleted, then a PermissionError."""
    run(sandbox, f"chmod {mode} a.txt b/c.txt b .")
    assert look(sandbox).entries == ({} if mode == "000" else {path: _executable(path) for path in KNOWN})
    assert sandbox.write({"a.txt": None, "b/new/d": Entry(b"d")}, nothing, replace=True) == {}
    assert look(sandbox).entries["a.txt"] is None
    assert run(sandbox, "cat b/c.txt") == "c"


def _executable(path: str) -> Entry:
    return Entry(KNOWN[path].content, "executable")


def test_without_descriptors_nothing_reads_as_deleted(tmp_path: Path) -> None:
    """EMFILE read as "no such file": 251 of 402 files kept, and nobody told."""
    for number in range(3):
        (tmp_path / str(number)).write_text("x")
    program = f"""
import os, resource, sys
sys.path.insert(0, {str(ROOT)!r})
from agent.inside.look import Limits, Look
resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))
look = Look({str(tmp_path)!r}, {{str(number): b"" for number in range(3)}}, Limits(9, 9, 9, 9, 9, frozenset()))
held = os.open("/dev/null", os.O_RDONLY)
print(list(look.changes()), [(path, reason) for path, _, _, reason in look.left_out.all()])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    why = "unreadable (Too many open files)"
    assert done.stdout.strip() == f"[] {[('0', why), ('1', why), ('2', why), ('/', why)]}"


def test_special_files_and_odd_names_are_named(sandbox: Sandbox) -> None:
    run(sandbox, python("import os\nos.mkfifo('pipe')\nopen(b'\\xff\\x1b[31m', 'w')\nos.mkdir('e\\u202e')"))
    found = look(sandbox)
    assert found.entries == {}
    assert {item.path: item.reason for item in found.left_out} == {
        "pipe": "special file",
        "\\xff\\x1b[31m": "a name that is not printable text",
        "e\\u202e/": "a name that is not printable text",
    }


def test_a_helper_that_hangs_is_stopped_and_a_cancel_is_heard(tmp_path: Path) -> None:
    def hangs(check: Callable[[], None], timeout: float) -> None:
        exchange(lambda: plain_process(["sleep", "600"], tmp_path, {}), b"x", timeout=timeout, limit=9, check=check)

    def cancelled() -> None:
        raise Cancelled

    with pytest.raises(ExchangeFailed, match=r"within 0\.1 s"):
        hangs(nothing, 0.1)
    with pytest.raises(Cancelled):
        hangs(cancelled, 60)


def test_an_answer_that_is_too_long_or_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExchangeFailed, match="at most 1000 bytes"):
        exchange(lambda: plain_process(["yes"], tmp_path, {}), b"", timeout=20, limit=1000, check=nothing)
    loud = ["sh", "-c", "echo it broke >&2"]
    with pytest.raises(TransientError, match="it broke"):
        exchange(lambda: plain_process(loud, tmp_path, {}), b"x" * 10**6, timeout=20, limit=9, check=nothing)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xff\xff\xff", id="a length without a field"),
        pytest.param(b"\0\0\0", id="half a length"),
        pytest.param(pack([b"file", b"a.txt"]), id="not whole"),
        pytest.param(pack([b"file", b"a.txt", b"end"]), id="half a record"),
        pytest.param(pack([b"file", b"../up", b"", b"end"]), id="a path outside"),
        pytest.param(pack([b"file", b"/etc/x", b"", b"end"]), id="an absolute path"),
        pytest.param(pack([b"file", b"\xff", b"", b"end"]), id="a path that is no text"),
        pytest.param(pack([b"file", b"a", b"", b"file", b"a", b"", b"end"]), id="a path twice"),
        pytest.param(pack([b"gone", b"z", b"", b"end"]), id="gone and never known"),
        pytest.param(pack([b"device", b"a", b"", b"end"]), id="an unknown kind"),
        pytest.param(pack([b"left-out", b"a", b"x y z", b"end"]), id="no number"),
        pytest.param(b"\0\0\0\0" * 100_000, id="endless empty fields"),
    ],
)
def test_an_answer_that_a_command_could_have_made_up_is_refused(answer: bytes) -> None:
    with pytest.raises(ExchangeFailed, match="the answer holds"):
        answers.changes(answer, {"a.txt"})


def test_a_command_cannot_replace_the_helpers_modules(sandbox: Sandbox) -> None:
    run(sandbox, "for m in os sys hashlib agent contextlib; do echo 'raise SystemExit' > $m.py; done; mkdir agent")
    found = look(sandbox)
    assert {"os.py", "agent.py", "agent"} == found.entries.keys() & {"os.py", "agent.py", "agent"}
    [piece] = sandbox.read([Span("os.py", 100)], nothing)
    assert isinstance(piece, Piece) and piece.content == b"raise SystemExit\n"


@pytest.mark.slow
def test_the_process_is_not_held_up_by_300_000_entries_and_10_gb(tmp_path: Path) -> None:
    """gunicorn killed a worker that had looked at 25,000 sparse files for 62 s."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.agent.huge_workspace", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
