"""What differs between two states, in the words of `diff -u`, however much there is to compare."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.entries import Entry, marked, sha256
from orchestrator import differences
from orchestrator.runlog.views import FilesView


def view(files: Mapping[str, bytes]) -> FilesView:
    by_hash = {sha256(content): content for content in files.values()}
    marks = marked({path: Entry(content) for path, content in files.items()})
    return FilesView(marks, frozenset(), lambda paths: {}, lambda hashes: {each: by_hash[each] for each in hashes})


@pytest.mark.parametrize("content", [b"a\n", b"a", b"a\nb\n", b"a\n\nb", b"\n", b"\n\n", b"\r\n\x0c\x0b\n", b""])
def test_a_file_that_is_new_or_gone_is_shown_as_diff_shows_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)

    def unified(*sides: str) -> str:
        labels = [part for side in sides for part in ("--label", side)]
        files = [str(tmp_path / "f") if side != "/dev/null" else side for side in sides]
        return subprocess.run(["diff", "-u", *labels, *files], capture_output=True, check=False).stdout.decode()

    [new] = differences.differences(view({}), view({"f": content}))
    assert (new.change, new.diff) == ("added", unified("/dev/null", "b/f"))
    [gone] = differences.differences(view({"f": content}), view({}))
    assert (gone.change, gone.diff) == ("deleted", unified("a/f", "/dev/null"))


def test_all_that_is_compared_has_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred files could take five seconds each."""
    monkeypatch.setattr(differences, "ALL_SECONDS", 0.0)
    [found] = differences.differences(view({"f": b"a"}), view({"f": b"b"}))
    assert (found.change, found.diff, found.omitted) == ("changed", None, "it took too long to compare")
