"""A run as it was before any of its steps, and what is laid out for the run that takes it over."""

import random

import pytest

from orchestrator.events import RunRequested
from orchestrator.runlog import RunMissing
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.past import PastForgotten, StepNotDone, UnknownStep
from orchestrator.runlog.staging import STAGED_MS, Branch
from tests.orchestrator.conftest import NewRun, Writer

MB = 1_000_000


def files(writer: Writer, step: str) -> dict[str, bytes]:
    past = writer.log.pasts.before(writer.log.record(writer.run_id), step)
    return {path.decode(): content for path, content in past.files.items()}


def test_the_files_before_every_step_can_be_had_again(run: Writer) -> None:
    """Against a model of it: writes, overwrites and deletions of odd names, in no order."""
    dice = random.Random(12)  # an example that stays the same
    names = ("a", "b c", "d\ne", "7 f", "/")
    states, current = [], dict[str, bytes]()
    for number in range(40):
        states.append(dict(current))
        changes: dict[str, bytes | None] = {}
        for name in dice.sample(names, dice.randrange(4)):
            changes[name] = dice.choice([None, b"", b"-", dice.randbytes(9)])
        for name, content in changes.items():
            current.pop(name, None) if content is None else current.update({name: content})
        run.begin(f"s{number}")
        run.log.commit(run.run_id, f"s{number}", 0, number, 1, [], changes)
    for number, state in enumerate(states):
        assert files(run, f"s{number}") == state
    assert run.log.pasts.now(run.log.record(run.run_id)).files == {
        name.encode(): content for name, content in current.items()
    }


def test_what_is_too_much_to_keep_is_refused_in_words_and_the_rest_is_right(run: Writer) -> None:
    for number in range(6):
        run.begin(f"s{number}")
        run.commit(f"s{number}", 0, number, big=bytes([number]) * 3 * MB)
    with pytest.raises(PastForgotten, match="fork from a later step"):
        files(run, "s2")
    assert files(run, "s5") == {"big": bytes([4]) * 3 * MB}
    assert files(run, "s0") == {}
    assert run.client.memory_usage(RunKeys(run.run_id).undo) < 9 * MB


def test_steps_that_are_not_done_or_not_there_are_told_apart(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, 1)
    run.begin("b")
    record = run.log.record(run.run_id)
    with pytest.raises(StepNotDone) as not_done:
        run.log.pasts.before(record, "b")
    with pytest.raises(UnknownStep) as unknown:
        run.log.pasts.before(record, "c")
    assert (type(unknown.value), unknown.value.steps, not_done.value.steps) == (UnknownStep, ["a"], ["a"])
    assert run.log.pasts.now(record).next_step == "b"


def test_a_run_that_is_removed_while_it_is_forked_is_not_there_rather_than_without_that_step(run: Writer) -> None:
    run.begin("s0")
    run.commit("s0", 0, 0)
    run.log.fail(run.run_id, "over", "failed")
    record = run.log.record(run.run_id)
    run.log.remove(run.run_id)
    with pytest.raises(RunMissing):
        run.log.pasts.before(record, "s0")


def test_only_what_stands_is_taken_over(run: Writer) -> None:
    run.begin("a")
    run.append("a", 0, 1, "void")
    run.log.retry(run.run_id, "a", 0, "busy", "again in 1 s", 0)
    run.begin("a")
    run.commit("a", 1, 1, 1, "stands")
    run.begin("b")
    run.append("b", 0, 1, "not finished")
    told = [event["data"] for event in run.log.pasts.now(run.log.record(run.run_id)).events]
    assert told == ["busy; again in 1 s", "stands"]


def stage(run: Writer, run_id: str) -> tuple[RunRequested, Branch]:
    branch = Branch("fork", run.log.pasts.before(run.log.record(run.run_id), "b"))
    return RunRequested(run_id=run_id, project_id="p", value="v"), branch


def test_a_run_is_not_there_until_it_is_whole_and_what_nobody_adopts_expires(new_run: NewRun) -> None:
    """Whoever dies while copying leaves names that expire, and no run."""
    run = new_run()
    run.log.projects.pin("p", run.run_id, 1)
    for step in ("a", "b"):
        run.begin(step)
        run.commit(step, 0, 1, 1, step, file=step.encode())
    run_id = f"{run.run_id}_fork"
    request, branch = stage(run, run_id)
    left = run.log.staging.stage(run_id, branch)  # by one that died
    names = [key.decode() for key in run.client.keys(f"*{run_id}*")]
    assert sorted(names) == sorted(name for name in left.keys if run.client.exists(name))
    assert all(0 < run.client.pttl(name) <= STAGED_MS for name in names)
    with pytest.raises(RunMissing):
        run.log.record(run_id)

    staged = run.log.staging.stage(run_id, branch)
    assert run.log.adopt(staged, request, "direct", "Accepted", "local")
    assert not run.log.adopt(left, request, "direct", "Accepted", "local"), "the same request came twice"
    fork = Writer(run.log, run_id, run.client)
    assert [event["data"] for event in fork.events()][1:] == ["a", "Accepted"]
    assert [event["id"] for event in fork.events()] == [1, 2, 3]
    assert run.log.files(run_id) == {"file": b"a"}
    assert run.log.results(run_id) == {"a": 1}
    assert not any(run.client.exists(name) for name in staged.keys)
    assert all(run.client.pttl(key) > STAGED_MS for key in RunKeys(run_id).all if run.client.exists(key))


def test_what_has_expired_before_its_adoption_is_no_run(run: Writer) -> None:
    for step in ("a", "b"):
        run.begin(step)
        run.commit(step, 0, 1, 1, step)
    run.log.projects.pin("p", run.run_id, 1)
    request, branch = stage(run, f"{run.run_id}_fork")
    staged = run.log.staging.stage(request.run_id, branch)
    run.client.delete(*staged.keys)
    with pytest.raises(Exception, match="could not be stored in time"):
        run.log.adopt(staged, request, "direct", "Accepted", "local")
    assert not run.log.exists(request.run_id)
