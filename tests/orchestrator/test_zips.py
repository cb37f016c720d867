"""An archive of a project can be unpacked anywhere: nothing in it leads out of its folder."""

from __future__ import annotations

import io
import zipfile

from agent.entries import Entry, marked
from orchestrator.runlog.views import FilesView
from orchestrator.zips import zip_of


def names(files: dict[str, Entry]) -> list[str]:
    contents = {entry.mark.hash: entry.content for entry in files.values()}
    view = FilesView(
        marked(files), frozenset(), lambda paths: {}, lambda hashes: {each: contents[each] for each in hashes}
    )
    return zipfile.ZipFile(io.BytesIO(b"".join(zip_of(view)))).namelist()


def test_a_backslash_parts_no_folders() -> None:
    assert names({"..\\..\\run.bat": Entry(b"x"), "\u00fc.txt": Entry(b"x")}) == [".._.._run.bat", "\u00fc.txt"]


def test_a_link_that_goes_up_behind_another_link_is_left_out() -> None:
    """By its words it stays inside; but `deep/er/up` is the folder at the top, and three above that is outside."""
    files = {
        "deep/er/up": Entry(b"../..", "link"),
        "also": Entry(b"deep/er/up/deep/..", "link"),
        "inside": Entry(b"deep/er/../a.txt", "link"),
        "out": Entry(b"deep/er/up/../../../etc", "link"),
        "deep/a.txt": Entry(b"x"),
    }
    assert names(files) == ["deep/er/up", "inside", "deep/a.txt"]
