"""Files of the workspace, and that no link in it leads outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent import confined, workspace
from agent.protocols import Sandbox
from agent.tools import Context, answer
from tests.agent.fakes import Events, call, writes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "", ".", "a\0b", "a\nb", "/"])
def test_a_path_that_is_not_plainly_inside_is_refused(path: str) -> None:
    with pytest.raises(confined.InvalidPath, match="expected a"):
        confined.checked(path)


@pytest.mark.parametrize(("path", "plain"), [("./a//b", "a/b"), ("a/./b", "a/b"), ("Ä b.txt", "Ä b.txt")])
def test_a_path_inside_is_put_in_its_plain_form(path: str, plain: str) -> None:
    assert confined.checked(path) == plain


def test_what_was_synced_is_read_back(root: Path) -> None:
    files = {"a.txt": b"a", "deep/er/b.bin": b"\0\xff", "empty": b""}
    workspace.sync(root, files)
    assert workspace.snapshot(root) == files


def test_diff_leads_from_one_state_to_the_other(root: Path) -> None:
    before, after = {"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2", "d": b"1"}
    assert workspace.diff(before, after) == {"b": b"2", "c": None, "d": b"1"}


def test_links_are_neither_read_nor_followed(root: Path) -> None:
    (root / "file").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "folder").symlink_to(root.parent / "outside")
    assert workspace.snapshot(root) == {}
    for path in ("file", "folder/secret.txt"):
        with pytest.raises(OSError):
            confined.read(root, path, 1000)


def test_writing_through_a_link_is_refused(root: Path) -> None:
    (root / "file").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "folder").symlink_to(root.parent / "outside")
    for path in ("file", "folder/secret.txt", "folder/new/file.txt"):
        with pytest.raises(OSError):
            confined.write(root, path, b"changed")
    assert (root.parent / "outside" / "secret.txt").read_text() == "secret"
    assert os.listdir(root.parent / "outside") == ["secret.txt"]


def test_sync_replaces_links_and_folders_that_are_in_the_way(root: Path) -> None:
    (root / "file").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "folder").symlink_to(root.parent / "outside")
    (root / "other" / "inner").mkdir(parents=True)
    os.mkfifo(root / "pipe")
    files = {"file": b"1", "folder/secret.txt": b"2", "other": b"3", "pipe": b"4"}
    workspace.sync(root, files)
    assert workspace.snapshot(root) == files
    assert (root.parent / "outside" / "secret.txt").read_text() == "secret"


def test_deleting_a_file_behind_a_link_leaves_the_target(root: Path) -> None:
    (root / "folder").symlink_to(root.parent / "outside")
    confined.delete(root, "folder/secret.txt")
    assert (root.parent / "outside" / "secret.txt").exists()


def test_a_command_cannot_make_the_tools_read_a_host_file(jail: Sandbox) -> None:
    context = Context(jail, Events(), "call-1", 10.0)
    answer(call("terminal", command="ln -s /etc/passwd x; ln -s /etc d; ls -la"), context)
    assert (jail.root / "x").is_symlink()
    assert "root:" not in answer(call("readFiles", files=["x", "d/passwd"]), context)
    assert "Could not write" in answer(writes(x="changed"), context)


def test_what_is_not_stored_is_left_alone(root: Path) -> None:
    for folder in (".git", "node_modules", "deep/__pycache__"):
        (root / folder).mkdir(parents=True)
        (root / folder / "x").write_text("x")
    (root / "big").write_bytes(b"x" * (workspace.MAX_FILE + 1))
    workspace.sync(root, {"a": b"a"})
    assert workspace.snapshot(root) == {"a": b"a"}
    assert (root / "big").exists() and (root / "node_modules" / "x").exists()


def test_new_files_never_push_known_ones_over_the_cap(root: Path) -> None:
    workspace.sync(root, {"zz-known": b"1"})
    for number in range(workspace.MAX_FILES):
        (root / f"{number}").write_text("")
    kept = workspace.snapshot(root, known={"zz-known"})
    assert len(kept) == workspace.MAX_FILES
    assert "zz-known" in kept


def test_reading_a_named_pipe_does_not_wait(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert workspace.snapshot(root) == {}
    with pytest.raises(OSError):
        confined.read(root, "pipe", 10)
    with pytest.raises(OSError):
        confined.write(root, "pipe", b"x")
