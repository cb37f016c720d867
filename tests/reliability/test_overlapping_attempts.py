"""Inngest calls again while the first call still works: only one of the two attempts leaves anything behind."""

from collections.abc import Callable

from lab.inngest import Call, InngestExecutor
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.reliability.scripts import DONE, Marks, is_running, runs
from tools.processes import wait_until

OVERLAP_SECONDS = 1.5  # the first attempt has surely started its command by then


def test_the_older_attempt_is_killed_and_its_output_rolled_back(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    """The first attempt's command would write for ever; the second one's ends at once.

    With the fence off (append.lua and commit.lua without `refusal`) the first command went on writing and both
    attempts' output stood in the log. Without agent/exclusive.py the second attempt stored lines of the first.
    """
    first = f"echo $$ >> {marks.folder}/pid; (while :; do echo first; echo first >> out.txt; sleep 0.02; done)"
    command = f"if [ -e {marks.folder}/pid ]; then echo second; echo second >> out.txt; else {first}; fi"
    prompt = model_server.script(unique("overlap"), runs(command), DONE)
    rough_executor.faults.duplicate(lambda call: _is_before_tool(prompt, call), after=OVERLAP_SECONDS)

    events = events_of(rough_inngest_service, start_run(rough_inngest_service, projectId=prompt, value=prompt))

    assert_whole(events)
    assert events[-1]["data"]["files"] == {"out.txt": "second\n"}
    wait_until(lambda: not any(map(is_running, marks.pids("pid"))), 10, "the first command to be killed")
    rollback = next(event for event in events if event["type"] == "rollback")["data"]
    discarded = range(rollback["fromId"], rollback["toId"] + 1)
    output = [event for event in events if event["type"] == "tool-output"]
    assert {event["attempt"] for event in output if event["id"] in discarded} == {0}
    assert [event["data"]["chunk"] for event in output if event["id"] not in discarded] == ["second\n"]


def _is_before_tool(prompt: str, call: Call) -> bool:
    is_ours = call.event["data"].get("value") == prompt
    return is_ours and "model-1" in call.known and "tool-1-1" not in call.known
