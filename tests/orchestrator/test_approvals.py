"""A run that waits for its user is nobody's, and in no moment of its way back in no queue."""

from unittest.mock import MagicMock

import pytest

from agent.messages import Approval, ApprovalRequest
from orchestrator.drain import Drain
from orchestrator.engines.approvals import WaitingRuns
from orchestrator.engines.direct import DirectEngine
from orchestrator.runlog import RunEnded, RunMoved, RunWaits
from orchestrator.runlog.approvals import WAITING, AnsweredBefore, UnknownApproval
from tests.orchestrator.conftest import Writer
from tests.orchestrator.test_dispatch import make
from tools.processes import wait_until

ASKED = ApprovalRequest(id="approval-1-1", call_id="call-1-1", tool="terminal", args={"command": "rm x"})
DAY = 86_400
YES = Approval(allow=True)


@pytest.fixture
def parked(run: Writer) -> Writer:
    run.log.queue.reserve("direct", run.run_id, 0)
    assert run.log.claim(run.run_id, "direct:one", lease=60)
    attempt = run.log.begin(run.run_id, ASKED.id, 0, "n", "direct:one").attempt
    for _ in range(2):  # a reply that was lost
        with pytest.raises(RunWaits):
            run.log.approvals.ask(run.run_id, attempt, ASKED, 7 * DAY)
    return run


def test_it_is_asked_once_and_the_run_is_nobodys(parked: Writer) -> None:
    assert [event["type"] for event in parked.events()] == ["status", "tool-call", "approval-request"]
    record = parked.log.record(parked.run_id)
    assert (record.status, record.fields["engine"], record.fields["waitsFor"]) == ("waiting", WAITING, ASKED.id)
    assert not {"claimed", "leaseUntil", "step"} & record.fields.keys()
    assert not [name for name in record.fields if name.endswith(":" + ASKED.id)]
    with pytest.raises(RunMoved):
        parked.log.begin(parked.run_id, ASKED.id, 1, "n2", "direct:one")
    with pytest.raises(RunMoved):
        parked.log.claim(parked.run_id, "direct:one", lease=60)


def test_an_answer_counts_once(parked: Writer) -> None:
    with pytest.raises(UnknownApproval):
        parked.log.approvals.answer(parked.run_id, "approval-1-2", YES)
    parked.log.approvals.answer(parked.run_id, ASKED.id, YES)
    with pytest.raises(AnsweredBefore) as second:
        parked.log.approvals.answer(parked.run_id, ASKED.id, Approval(allow=False))
    assert second.value.first == YES
    assert [event["type"] for event in parked.events()].count("approval-answer") == 1
    parked.log.fail(parked.run_id, "Cancelled", "cancelled")
    with pytest.raises(RunEnded):
        parked.log.approvals.answer(parked.run_id, ASKED.id, YES)


def test_two_that_see_the_answer_give_the_run_to_one_engine(parked: Writer) -> None:
    """With `move` taking the run out of queues, the second one took it out of its new engine's."""
    dispatcher, _, direct = make(parked, agent_engine="direct")
    parked.log.approvals.answer(parked.run_id, ASKED.id, YES)
    beat = parked.log.beat(parked.run_id)
    assert beat is not None
    for _ in range(2):
        dispatcher.release(beat, "Its user has answered")
    assert parked.log.queue.all("direct") == [parked.run_id]
    WaitingRuns(parked.log, dispatcher, 7 * DAY).look()
    assert (parked.log.queue.all("direct"), parked.log.queue.all(WAITING)) == ([parked.run_id], [])
    record = parked.log.record(parked.run_id)
    assert (record.status, record.generation, record.moves) == ("queued", 1, 0)
    wait_until(lambda: direct.taken == [1], 5, "the engine to be told")
    assert record.began == (record.time("createdAt") or 0) + (record.time("waited") or 0)
    assert parked.log.claim(parked.run_id, "direct:two", lease=60)
    attempt = parked.log.begin(parked.run_id, ASKED.id, 0, "n3", "direct:two").attempt
    assert parked.log.approvals.ask(parked.run_id, attempt, ASKED, 7 * DAY) == YES


def test_a_process_that_finds_the_run_waiting_leaves_it_to_the_watch(parked: Writer) -> None:
    """It may be on its way back: taken out here it could be in no queue at all."""
    drain = Drain(0)
    engine = DirectEngine(parked.log, MagicMock(), MagicMock(), drain, places=1, owner="two")
    engine._take([parked.run_id])
    assert parked.log.queue.all("direct") == [parked.run_id]
    parked.log.fail(parked.run_id, "Cancelled", "cancelled")
    engine._take([parked.run_id])
    assert parked.log.queue.all("direct") == []


def test_without_an_answer_it_waits(parked: Writer) -> None:
    dispatcher, _, direct = make(parked, agent_engine="direct")
    waiting = WaitingRuns(parked.log, dispatcher, 7 * DAY)
    waiting.look()
    waiting.go_on(parked.run_id)
    assert parked.log.record(parked.run_id).status == "waiting"
    assert direct.taken == []
    WaitingRuns(parked.log, dispatcher, -1).look()
    assert parked.log.record(parked.run_id).status == "timeout"
