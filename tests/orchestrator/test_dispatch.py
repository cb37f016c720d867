"""Which engine a run gets, and which one next."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from orchestrator.engines.dispatch import MOST_MOVES, Dispatcher
from orchestrator.engines.protocol import Standing
from orchestrator.events import RunRequested
from orchestrator.runlog import RunRecord
from orchestrator.settings import load_settings
from tests.orchestrator.conftest import NewRun, Writer
from tools.processes import wait_until


@dataclass
class FakeEngine:
    name: str
    is_available: bool = True
    room: bool = True
    title: str = "an engine"
    places: int = 1
    watched: bool = True
    taken: list[int] = field(default_factory=list)

    def available(self) -> bool:
        return self.is_available

    def has_room(self) -> bool:
        return self.room

    def submit(self, request: RunRequested) -> str:
        self.taken.append(request.generation)
        return f"ticket {request.generation}"

    def standing(self, record: RunRecord) -> Standing:
        return "active"

    def cancel(self, run_id: str) -> None: ...

    def start(self) -> None: ...

    def join(self) -> None: ...


def make(run: Writer, **settings: str) -> tuple[Dispatcher, FakeEngine, FakeEngine]:
    inngest, direct = FakeEngine("inngest"), FakeEngine("direct")
    chosen = load_settings(inngest_dev="1", **settings)
    return Dispatcher(chosen, run.log, {"inngest": inngest, "direct": direct}), inngest, direct


def test_a_share_of_the_projects_goes_to_inngest(run: Writer) -> None:
    names = [f"project {number}" for number in range(400)]

    def chosen(percent: int) -> list[str]:
        dispatcher, _, _ = make(run, agent_inngest_percent=str(percent))
        return [dispatcher.choose(name).engine for name in names]

    assert set(chosen(0)) == {"direct"}
    assert set(chosen(100)) == {"inngest"}
    quarter = chosen(25)
    assert 60 < quarter.count("inngest") < 140
    assert chosen(25) == quarter  # a project stays where it is
    moved_on = [name for name, before, after in zip(names, quarter, chosen(50), strict=True) if before > after]
    assert not moved_on, "a project left Inngest although the share grew"


@pytest.mark.parametrize(
    ("setting", "answers", "room", "expected"),
    [
        ("auto", False, False, "inngest"),  # what is alive, though full, is better than what is dead
        ("auto", True, True, "inngest"),
        ("auto", True, False, "direct"),
        ("direct", True, True, "direct"),
        ("inngest", True, True, "inngest"),
    ],
)
def test_where_a_run_of_the_direct_engine_is_moved(
    run: Writer, setting: str, answers: bool, room: bool, expected: str
) -> None:
    dispatcher, inngest, direct = make(run, agent_engine=setting)
    inngest.room = room
    beat = run.log.beat(run.run_id)
    assert beat
    dispatcher.move(beat, "It fell silent", answers=answers)
    engine = {"inngest": inngest, "direct": direct}[expected]
    wait_until(lambda: engine.taken == [1], 10, "the engine to be given the run")
    record = run.log.record(run.run_id)
    assert (record.fields["engine"], record.generation) == (expected, 1)
    wait_until(lambda: run.log.record(run.run_id).ticket == "ticket 1", 10, "its ticket")
    assert run.events()[-1]["data"].startswith("It fell silent; ")


def test_a_run_stays_with_an_engine_that_does_not_answer_where_no_other_is_allowed(new_run: NewRun) -> None:
    """Told once. Seen failing without the test for `away`: a status every second."""
    run = new_run()
    dispatcher, _, direct = make(run, agent_engine="direct")
    for _ in range(3):
        beat = run.log.beat(run.run_id)
        assert beat
        dispatcher.move(beat, "It is dead", answers=False)
    assert [event["data"] for event in run.events()] == ["Accepted", "It is dead; the run goes on when it does"]
    assert direct.taken == []


def test_a_run_that_no_engine_keeps_is_lost_in_the_end(run: Writer, unique: Callable[[str], str]) -> None:
    dispatcher, _, _ = make(run)
    for _ in range(MOST_MOVES + 1):
        beat = run.log.beat(run.run_id)
        assert beat
        dispatcher.move(beat, "It fell silent", answers=True)
    end = run.events()[-1]
    assert (end["type"], end["code"]) == ("error", "lost")


def test_a_run_that_its_engine_never_took_is_not_lost(run: Writer) -> None:
    """However often it is handed in again; and always by the same request, which starts it once."""
    dispatcher, _, direct = make(run)
    for _ in range(MOST_MOVES + 1):
        beat = run.log.beat(run.run_id)
        assert beat
        dispatcher.start_again(beat)
    wait_until(lambda: len(direct.taken) == MOST_MOVES + 1, 10, "the engine to be given the run")
    assert set(direct.taken) == {0}
    record = run.log.record(run.run_id)
    assert (record.ended, record.moves, record.generation) == (False, 0, 0)
