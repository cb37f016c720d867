"""What is too large for one event is cut, and says so."""

import json
from typing import Any

import pytest

from orchestrator.events import dumps
from orchestrator.steps.clip import clip, clip_event

LIMIT = 1024


def size(data: Any) -> int:
    return len(dumps(data).encode())


@pytest.mark.parametrize(
    "data", ["short", {"path": "a", "content": "b"}, ["x"], None, 7, True, {}, "x" * (LIMIT - 2), "é" * 511]
)
def test_what_fits_is_not_touched(data: Any) -> None:
    assert clip(data, LIMIT) is data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("x" * 5000, id="text"),
        pytest.param("é" * 1000, id="two-byte-characters"),
        pytest.param("😀" * 1000, id="four-byte-characters"),
        pytest.param('"' * 1000, id="escaped-characters"),
        pytest.param("\x00" * 1000, id="control-characters"),
        pytest.param({"path": "a.txt", "content": "x" * 5000, "size": 5000}, id="file"),
        pytest.param({"tool": "t", "args": {"files": [{"path": "a", "content": "x" * 5000}]}}, id="nested"),
        pytest.param({str(n): "x" * 100 for n in range(100)}, id="many-values"),
        pytest.param({"x" * 5000: 1}, id="long-name"),
        pytest.param([1] * 5000, id="long-list"),
        pytest.param("\ud800" * 1000, id="lone-surrogates"),
    ],
)
def test_what_is_too_large_is_cut_to_fit(data: Any) -> None:
    cut = clip(data, LIMIT)
    assert size(cut) <= LIMIT
    if not isinstance(data, str):
        assert cut["truncated"] is True


def test_a_cut_file_keeps_its_path_size_and_beginning() -> None:
    cut = clip({"path": "a.txt", "content": "abc" * 2000, "size": 6000}, LIMIT)
    assert (cut["path"], cut["size"], cut["truncated"]) == ("a.txt", 6000, True)
    assert cut["content"].startswith("abcabc") and cut["content"].endswith("…")


def test_cutting_does_not_change_the_original() -> None:
    data = {"content": "x" * 5000}
    before = json.dumps(data)
    clip(data, LIMIT)
    assert json.dumps(data) == before


def test_a_cut_file_map_gets_no_key_that_would_look_like_a_file() -> None:
    data, beside = clip_event("files", {"a.txt": "x" * 5000}, LIMIT)
    assert list(data) == ["a.txt"]
    assert beside == {"truncated": True}


def test_a_cut_text_says_so_beside_its_data() -> None:
    data, beside = clip_event("text", "x" * 5000, LIMIT)
    assert isinstance(data, str) and size(data) <= LIMIT
    assert beside == {"truncated": True}


def test_an_object_that_was_cut_says_so_itself() -> None:
    data, beside = clip_event("file-created", {"path": "a", "content": "x" * 5000, "size": 5000}, LIMIT)
    assert (data["truncated"], data["size"], beside) == (True, 5000, {})


def test_what_fits_says_nothing() -> None:
    assert clip_event("text", "short", LIMIT) == ("short", {})
