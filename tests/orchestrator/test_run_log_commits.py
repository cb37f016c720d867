"""A commit stores a step's events, files and result together and once; the step is not begun again."""

import pytest

from orchestrator.runlog import AttemptStale
from tests.orchestrator.conftest import Writer


def test_a_commit_stores_events_files_and_result_at_once(run: Writer) -> None:
    run.begin("a")
    assert run.commit("a", 0, {"n": 1}, 1, "last", **{"a.txt": b"\x00\xff"}) == {"n": 1}
    assert run.events()[-1]["data"] == "last"
    assert run.log.files(run.run_id) == {"a.txt": b"\x00\xff"}
    assert run.log.results(run.run_id) == {"a": {"n": 1}}


def test_a_commit_deletes_files(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, None, 1, **{"a.txt": b"a", "b.txt": b"b"})
    run.begin("b")
    run.log.commit(run.run_id, "b", 0, None, 1, [], {"a.txt": None, "c.txt": b"c"})
    assert run.log.files(run.run_id) == {"b.txt": b"b", "c.txt": b"c"}


def test_a_repeated_commit_changes_nothing_and_gives_the_first_result(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, "first", 1, "one", file=b"1")
    before = run.state()
    assert run.commit("a", 0, "first", 1, "one", file=b"1") == "first"
    assert run.commit("a", 0, "another", 1, "two", file=b"2") == "first"
    assert run.state() == before


def test_a_finished_step_is_remembered_and_not_begun_again(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, {"n": 1})
    before = run.state()
    begun = run.log.begin(run.run_id, "a", 5, "later")
    assert (begun.done, begun.result) == (True, {"n": 1})
    assert run.state() == before
    with pytest.raises(AttemptStale):
        run.append("a", 0, 1, "too late")
