"""A process dies at every moment of a run with steering, approvals and compactions, and nobody can tell afterwards.

A run of `crashing.py` is driven once undisturbed, which shows the moments of each step. In round N it dies at the N-th
moment of *every* step that has so many, once each; the rounds together die at all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import pytest

from agent import notes
from agent.messages import Message
from lab.sse import Event, assert_whole
from orchestrator.formats.fold import State, fold
from orchestrator.formats.history import History
from orchestrator.runlog.connection import connect
from orchestrator.steps import emitter
from tests.conftest import next_database
from tests.reliability.crashing import Died, Machine, Story, without_processes
from tests.reliability.deaths import Moment
from tools.redis_server import RedisServer

ROUNDS = 16
STEPS = (
    *("", "prepare", "model-1", "tool-1-1", "tool-1-2", "model-2", "approval-2-1", "tool-2-1", "tool-2-2", "compact-1"),
    *("model-3", "tool-3-1", "compact-2", "model-4", "approval-4-1", "tool-4-1", "tool-4-2", "model-5", "check-1"),
    *("model-6", "tool-6-1", "model-7", "check-2", "finish", "model-8", "tool-8-1", "model-9", "check-3", "finish-2"),
    "deliver-receiver",
)
COMMANDS = {"tool-1-2", "tool-2-1", "tool-6-1", "tool-8-1"}
NOTE = f"\n\n{notes.RETRIED}"


@pytest.fixture(scope="module")
def machine(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    client = connect(next_database(redis_server), 4)
    with without_processes(), pytest.MonkeyPatch.context() as patched:
        # What waits for more to come leaves by the clock, in one write or in two: here nothing waits.
        patched.setattr(emitter, "GATHERED", frozenset())
        yield Machine(client, tmp_path_factory.mktemp("crashes"))
    client.close()
    client.connection_pool.disconnect()


@pytest.fixture(scope="module")
def undisturbed(machine: Machine) -> Story:
    return machine.story("run_undisturbed")


def moments_by_step(story: Story) -> dict[str, list[Moment]]:
    found: dict[str, list[Moment]] = defaultdict(list)
    for moment in story.moments:
        found[moment.step].append(moment)
    return found


def test_the_rounds_die_in_every_step_before_and_after_each_of_its_writes(undisturbed: Story) -> None:
    moments = moments_by_step(undisturbed)
    assert tuple(moments) == STEPS
    assert max(map(len, moments.values())) == ROUNDS
    assert set(undisturbed.results) == {*STEPS[1:]}
    for step in STEPS[1:]:
        assert {"begin", "commit"} <= {moment.script for moment in moments[step]}
    assert undisturbed.events[-1]["data"]["outcome"] == "done"


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_run_that_dies_in_every_step_ends_like_one_that_never_did(
    number: int, machine: Machine, undisturbed: Story, unique: Callable[[str], str]
) -> None:
    dies_at = [moments[number] for moments in moments_by_step(undisturbed).values() if number < len(moments)]
    story = machine.story(unique("run"), dies_at)
    assert [died.moment for died in story.deaths] == dies_at
    unfinished = [died for died in story.deaths if died.has_begun and not died.is_stored]

    assert_messages_as_undisturbed(story, undisturbed, unfinished)
    assert_each_call_paid_once(story, undisturbed, unfinished)
    assert_commands_ran_once(story, unfinished)
    assert_result_sent_once(story, unfinished)

    assert_whole(story.events)
    assert shown(story.events) == shown(undisturbed.events)
    assert story.files == undisturbed.files
    types = [event["type"] for event in story.events]
    assert [types.count(type) for type in ("user-message", "approval-request", "approval-answer")] == [2, 2, 2]


def assert_messages_as_undisturbed(story: Story, undisturbed: Story, unfinished: list[Died]) -> None:
    """In every model call, asked again or not; only a command that may have run twice says so, in its own result."""
    assert story.asked.keys() == undisturbed.asked.keys()
    noted: set[str] = set()
    for turn, attempts in story.asked.items():
        for messages in attempts:
            assert without_notes(messages, noted) == undisturbed.asked[turn][0]
    interrupted = {died.moment.step for died in unfinished}
    assert noted == {f"call_{step.removeprefix('tool-').replace('-', '_')}" for step in COMMANDS & interrupted}


def without_notes(messages: Sequence[Message], noted: set[str]) -> list[Message]:
    """``messages`` without the notes about commands that were interrupted, whose calls are added to ``noted``."""
    noted |= {message.tool_call_id or "" for message in messages if NOTE in message.content}
    return [message.model_copy(update={"content": message.content.replace(NOTE, "", 1)}) for message in messages]


def assert_each_call_paid_once(story: Story, undisturbed: Story, unfinished: list[Died]) -> None:
    """A call is made again only where it died before its step was stored; then what it had read counts as abandoned."""
    for turn, attempts in story.asked.items():
        died = next((died for died in unfinished if died.moment.step == f"model-{turn}"), None)
        assert len(attempts) == 1 + (died.asked.get(turn, 0) if died else 0)
    paid, expected = (one.events[-1]["data"]["usage"] for one in (story, undisturbed))
    turns = [int(died.moment.step.removeprefix("model-")) for died in unfinished if "model" in died.moment.step]
    assert paid == expected | {"abandoned": sum(2**turn for turn in turns)}


def assert_commands_ran_once(story: Story, unfinished: list[Died]) -> None:
    """… when their step was stored; the one that was denied, never."""
    died = next((died for died in unfinished if died.moment.step == "tool-2-1"), None)
    assert story.approved == 1 + (died.approved if died else 0)
    assert story.denied == 0


def assert_result_sent_once(story: Story, unfinished: list[Died]) -> None:
    """… or again, the same under the same key, where its process died before it could store that it had been taken."""
    moments = [died.moment for died in unfinished if died.moment.step == "deliver-receiver"]
    repeats = sum(moment.script == "commit" for moment in moments)
    assert story.letters == [story.letters[0]] * (1 + repeats)
    assert story.letters[0].data["usage"] == story.events[-1]["data"]["usage"]


def shown(events: list[Event]) -> State:
    """What a frontend shows in the end, but for times, the sandbox's name, and what the deaths have cost."""
    history = History()
    for event in events:
        history.add(event)
    state = fold(history)
    for tool in state["tools"]:
        tool["elapsed"] = None
    state["end"] = {name: value for name, value in state["end"].items() if name not in ("usage", "sandboxId")}
    state["progress"] = {name: value for name, value in state["progress"].items() if name != "usage"}
    return state
