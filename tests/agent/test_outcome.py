"""What the end of a run tells of its files stays small, however many and large they are."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agent import outcome
from agent.entries import Entry, Tree, marked
from agent.messages import FileMark, RunRequest, Usage


def shown(tree: Tree) -> outcome.Shown:
    def read(paths: Sequence[str]) -> dict[str, bytes]:
        return {path: tree[path].content for path in paths}

    return outcome.shown(marked(tree), read)


def size(shown: outcome.Shown) -> int:
    marks = {path: mark.model_dump() for path, mark in shown.manifest.items()}
    return len(json.dumps({"files": shown.texts, "manifest": marks}))


def test_small_texts_are_shown_whole_and_the_rest_as_size_and_hash() -> None:
    tree = {"a.txt": Entry(b"a"), "logo.png": Entry(b"\0")}
    found = shown(tree)
    assert found.texts == {"a.txt": "a"}
    assert found.manifest == {"logo.png": FileMark(size=1, hash=tree["logo.png"].mark.hash)}
    assert found.unnamed == 0


def test_5000_files_stay_below_2_mb_and_are_all_named() -> None:
    tree = {f"src/component-{n % 50}/file-{n:04}.tsx": Entry(b"%d\n" % n * 1_000) for n in range(5_000)}
    found = shown(tree)
    assert size(found) < 2_000_000
    assert found.texts and found.texts.keys() | found.manifest.keys() == tree.keys() and not found.unnamed


def test_names_that_are_too_many_are_counted() -> None:
    tree = {f"{'long-name/' * 40}{n}": Entry(b"\0") for n in range(5_000)}
    found = shown(tree)
    assert size(found) < 2_000_000
    assert not found.texts and found.manifest and len(found.manifest) + found.unnamed == 5_000


def test_the_result_stays_below_2_mb_whatever_the_model_says_in_the_end() -> None:
    found = shown({"a.txt": Entry(b"x" * 1_790_000)})
    assert found.texts
    request = RunRequest(run_id="run_1", project_id="p", value="x" * 100_000, model="auto")
    words = "\1" * 1_000_000
    result = outcome.result(request, "partial", words, words, found, "run_1", Usage())
    assert len(result.model_dump_json(by_alias=True)) < 2_000_000
    assert result.summary.endswith("…") and result.files == found.texts
