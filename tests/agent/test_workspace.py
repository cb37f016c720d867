"""Files of the workspace, looked at from inside the sandbox, and that no link in it leads outside."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import paths, workspace
from agent.entries import Changes, Entry, Stored, Tree, batches, fingerprints, marked
from agent.protocols import Piece, Sandbox, Span, Unreadable
from agent.sandbox import open_sandbox
from agent.tools import Context, answer
from agent.workspace import Room
from tests.agent.fakes import Events, call, writes

ROOM = Room(files=500, file=1_000_000, total=8_000_000)


def nothing() -> None:
    pass


@pytest.fixture(params=["bubblewrap", "unsafe-local", "none"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Held, as during a step."""
    sandbox = open_sandbox(request.param, tmp_path / "sandboxes", "run_1", room=ROOM)
    with sandbox.hold(nothing):
        yield sandbox


@pytest.fixture
def root(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The workspace as this machine sees it; beside it a secret."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    return tmp_path / "sandboxes" / "run_1" / "workspace"


def look(sandbox: Sandbox, known: Tree | None = None) -> Changes:
    """A real look: what a test puts there by hand is nothing that the sandbox could know of."""
    sandbox.write({"gone": None}, nothing)
    return sandbox.changes(fingerprints(known or {}), nothing)


def tree(sandbox: Sandbox) -> dict[str, Entry | None]:
    return look(sandbox).entries


def left_out(sandbox: Sandbox) -> dict[str, str]:
    return {item.path: item.reason for item in look(sandbox).left_out}


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "", ".", "a\0b", "a\nb", "/"])
def test_a_path_that_is_not_plainly_inside_is_refused(path: str) -> None:
    with pytest.raises(paths.InvalidPath, match="expected a"):
        paths.checked(path)


@pytest.mark.parametrize(("path", "plain"), [("./a//b", "a/b"), ("a/./b", "a/b"), ("Ä b.txt", "Ä b.txt")])
def test_a_path_inside_is_put_in_its_plain_form(path: str, plain: str) -> None:
    assert paths.checked(path) == plain


ENTRIES: Tree = {
    "Ä/b c.bin": Entry(b"\0\xff"),
    "a.txt": Entry(b"a"),
    "empty.txt": Entry(),
    "folder/inside": Entry(kind="folder"),
    "link": Entry(b"folder/../a.txt", "link"),
    "run": Entry(b"#!/bin/sh\n", "executable"),
}


def test_what_was_written_is_read_back(sandbox: Sandbox) -> None:
    assert sandbox.write(ENTRIES, nothing, replace=True) == {}
    assert dict(sorted(tree(sandbox).items())) == ENTRIES


def test_only_what_differs_from_the_known_state_comes_back(sandbox: Sandbox) -> None:
    sandbox.write(ENTRIES, nothing, replace=True)
    changed: dict[str, Entry | None] = {"a.txt": Entry(b"b"), "run": Entry(b"#!/bin/sh\n"), "link": None}
    sandbox.write(changed, nothing, replace=True)
    assert look(sandbox, ENTRIES).entries == changed


def test_batches_are_of_a_size_and_what_is_larger_comes_alone() -> None:
    sizes = {"a": 4, "b": 6, "c": 1, "large": 50, "d": 2}
    assert list(batches(sizes, 10)) == [["a", "b"], ["c"], ["large"], ["d"]]
    assert list(batches({})) == []


def test_links_that_lead_outside_are_neither_read_nor_kept(sandbox: Sandbox, root: Path) -> None:
    (root / "file").symlink_to(root.parents[2] / "outside" / "secret.txt")
    (root / "folder").symlink_to("../../outside")
    found = look(sandbox)
    assert found.entries == {}
    assert {item.reason for item in found.left_out} == {"a link that leads outside"}
    read = sandbox.read([Span("file", 1000), Span("folder/secret.txt", 1000)], nothing)
    assert all(isinstance(piece, Unreadable) for piece in read)


def test_writing_through_a_link_is_refused(sandbox: Sandbox, root: Path) -> None:
    outside = root.parents[2] / "outside"
    (root / "file").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    asked = {path: Entry(b"changed") for path in ("file", "folder/secret.txt", "folder/new/file.txt")}
    assert sandbox.write(asked, nothing).keys() == asked.keys()
    assert (outside / "secret.txt").read_text() == "secret"
    assert os.listdir(outside) == ["secret.txt"]


def test_replacing_removes_links_folders_and_pipes_that_are_in_the_way(sandbox: Sandbox, root: Path) -> None:
    outside = root.parents[2] / "outside"
    look(sandbox)  # from now on the workspace has its owner
    (root / "file").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "other" / "inner").mkdir(parents=True)
    (root / "other" / "inner" / "x").touch()
    os.mkfifo(root / "pipe")
    subprocess.run(["chown", "-Rh", "--reference", root, root], check=True)  # as if a command had made them
    wanted = {path: Entry(path.encode()) for path in ("file", "folder/secret.txt", "other", "pipe")}
    assert sandbox.write(wanted, nothing, replace=True) == {}
    assert tree(sandbox) == wanted
    assert (outside / "secret.txt").read_text() == "secret"


def test_deleting_a_file_behind_a_link_leaves_the_target(sandbox: Sandbox, root: Path) -> None:
    (root / "folder").symlink_to(root.parents[2] / "outside")
    sandbox.write({"folder/secret.txt": None}, nothing)
    assert (root.parents[2] / "outside" / "secret.txt").exists()


def test_deleting_the_last_file_of_a_folder_leaves_no_empty_folder(sandbox: Sandbox) -> None:
    sandbox.write({"a/b/c": Entry(), "a/d": Entry()}, nothing)
    sandbox.write({"a/b/c": None}, nothing)
    assert tree(sandbox) == {"a/d": Entry()}


def test_a_command_cannot_make_the_tools_read_a_host_file(jail: Sandbox) -> None:
    context = Context(jail, Events(), "call-1", 10.0)
    with jail.hold(nothing):
        answer(call("terminal", command="ln -s /etc/passwd x; ln -s /etc d; ls -la"), context)
        assert "root:" not in answer(call("readFiles", files=["x", "d/passwd"]), context)
        assert "Could not write x" in answer(writes(x="changed"), context)


def test_what_is_not_kept_is_left_alone_and_named(sandbox: Sandbox, root: Path) -> None:
    """FINDINGS D2: files over 1 MB, `.git` and `node_modules` vanished without a word."""
    for folder in (".git", "node_modules", "deep/__pycache__"):
        (root / folder).mkdir(parents=True)
        (root / folder / "x").write_text("x")
    (root / "big").write_bytes(b"x" * (ROOM.file + 1))
    os.mkfifo(root / "pipe")
    (root / "né\udcff").touch()
    (root / "line\nbreak").touch()
    workspace.restore(sandbox, Stored(marked({"a": Entry(b"a")})), lambda paths: {"a": b"a"}, nothing)
    found = look(sandbox)
    assert found.entries == {"a": Entry(b"a")}
    reasons = {item.path: (item.reason, item.size) for item in found.left_out}
    assert reasons == {
        ".git/": ("ignored folder", 0),
        "node_modules/": ("ignored folder", 0),
        "deep/__pycache__/": ("ignored folder", 0),
        "big": (f"too large, more than {ROOM.file} bytes", ROOM.file + 1),
        "pipe": ("special file", 0),
        "né\\xff": ("a name that is not printable text", 0),
        "line\\nbreak": ("a name that is not printable text", 0),
    }
    assert (root / "big").exists() and (root / "node_modules" / "x").exists()


def test_a_known_file_that_grew_too_large_is_said_to_be_gone_and_why(sandbox: Sandbox, root: Path) -> None:
    (root / "a").write_bytes(b"x" * (ROOM.file + 1))
    found = look(sandbox, {"a": Entry(b"x")})
    assert found.entries == {"a": None}
    event = workspace.file_event("a", None, True, found.reasons["a"])
    assert event == ("file-deleted", {"path": "a", "reason": f"too large, more than {ROOM.file} bytes"})


def test_new_files_never_push_known_ones_over_the_cap(sandbox: Sandbox, root: Path) -> None:
    """FINDINGS D2: what was over 500 files vanished without a word."""
    known = {"zz-known": Entry(b"1")}
    sandbox.write(known, nothing)
    for number in range(ROOM.files + 40):
        (root / f"{number:04}").write_text("1")
    found = look(sandbox, known)
    assert len(found.entries) == ROOM.files - 1 and "zz-known" not in found.entries
    assert sum(item.count for item in found.left_out) == 41
    assert {item.reason for item in found.left_out} == {f"more than {ROOM.files} files"}
    assert len(found.left_out) < 20 and sum(item.size for item in found.left_out) == 41


def test_more_than_fits_in_all_is_named(sandbox: Sandbox, root: Path) -> None:
    """FINDINGS D2: what was over 8 MB in all vanished without a word."""
    for number in range(10):
        (root / f"{number}").write_bytes(bytes([number]) * 900_000)
    found = look(sandbox)
    assert list(found.entries) == [str(number) for number in range(8)]
    assert {item.path: item.size for item in found.left_out} == {"8": 900_000, "9": 900_000}


def test_a_named_pipe_is_neither_read_nor_written(sandbox: Sandbox, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert sandbox.read([Span("pipe", 10)], nothing) == [Unreadable("Not a regular file")]
    assert sandbox.write({"pipe": Entry(b"x")}, nothing).keys() == {"pipe"}


def test_parts_of_a_file_can_be_had(sandbox: Sandbox) -> None:
    sandbox.write({"a": Entry(b"one\ntwo\nthree\nfour")}, nothing)
    spans = [Span("a", 100), Span("a", 5), Span("a", 100, 2, 2), Span("a", 100, 4, 9), Span("a", 100, 9)]
    assert sandbox.read(spans, nothing) == [
        Piece(b"one\ntwo\nthree\nfour", 18, more=False),
        Piece(b"one\nt", 18, more=True),
        Piece(b"two\nthree\n", 18, more=True),
        Piece(b"four", 18, more=False),
        Piece(b"", 18, more=False),
    ]
