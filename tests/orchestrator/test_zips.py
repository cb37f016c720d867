"""An archive of a project can be unpacked anywhere: nothing in it leads out of its folder."""

from __future__ import annotations

import io
import zipfile

from agent.entries import Entry, marked
from orchestrator.runlog.views import FilesView
from orchestrator.zips import zip_of


def names(files: dict[str, Entry]) -> list[str]:
    return zipped(files).namelist()


def zipped(files: dict[str, Entry]) -> zipfile.ZipFile:
    contents = {entry.mark.hash: entry.content for entry in files.values()}
    view = FilesView(
        marked(files), frozenset(), lambda paths: {}, lambda hashes: {each: contents[each] for each in hashes}
    )
    return zipfile.ZipFile(io.BytesIO(b"".join(zip_of(view))))


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


def test_names_that_would_be_one_without_their_backslashes_stay_apart() -> None:
    """Of two such files an archive unpacked to one."""
    files = {"a\\b": Entry(b"1"), "a_b": Entry(b"2"), "c\\d/e": Entry(b"3"), "c_d": Entry(b"4")}
    first, second, third, fourth = unpacked = names(files)
    assert (second, fourth) == ("a_b", "c_d")
    assert first != second and third.split("/")[0] != fourth and not any("\\" in name for name in unpacked)


def test_a_link_to_a_name_with_a_backslash_leads_to_what_that_is_called_in_the_archive() -> None:
    """Before, it led nowhere; and on Windows it could lead out."""
    archive = zipped({"a\\b": Entry(b"1"), "to": Entry(b"a\\b", "link"), "out": Entry(b"..\\..\\x", "link")})
    assert {name: archive.read(name) for name in archive.namelist()} == {"a_b": b"1", "to": b"a_b", "out": b".._.._x"}
