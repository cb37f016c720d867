"""What the user says while the run goes on reaches the model once, in its place, and is never shortened."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.compaction import compacted, tokens
from agent.conversation import with_words
from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import Limits, Message, ModelReply, RunRequest, RunResult, ToolSpec
from agent.protocols import Emit, Sandbox
from agent.user import Silent
from tests.agent.fakes import AtOnce, ScriptedModel, StepByStep, says, writes
from tests.agent.test_compaction import conversation, turn

PAGE = {"index__html": "<title>x</title>"}


class Talkative(Silent):
    """A ``User`` of whom a test says when they speak."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.is_gone = False

    def say(self, words: str) -> None:
        assert not self.is_gone, "the run hears nothing more"
        self.said.append(words)

    def messages(self, heard: int, *, last: bool) -> list[str]:
        self.is_gone |= last
        return self.said[heard:]

    def leave(self, heard: int) -> bool:
        self.is_gone |= len(self.said) <= heard
        return self.is_gone


class Interrupting(ScriptedModel):
    """A model during whose replies the user speaks: turn → words."""

    def __init__(self, user: Talkative, words: dict[int, str], *replies: ModelReply) -> None:
        super().__init__(*replies)
        self._user, self._words = user, words

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        answer = super().reply(messages, tools, emit)
        if (words := self._words.get(len(self.asked))) is not None:
            self._user.say(words)
        return answer


def run(request: RunRequest, model: ScriptedModel, sandbox: Sandbox, user: Talkative, step: StepByStep) -> RunResult:
    store = MemoryStore()
    step._store = store
    return step.drive(
        lambda step: run_code_agent(
            request, step, model=model, sandbox=sandbox, store=store, user=user, limits=Limits(max_turns=5)
        )
    )


@pytest.mark.parametrize("step", [StepByStep(MemoryStore()), AtOnce(MemoryStore())], ids=["replayed", "at once"])
def test_words_come_before_the_next_call_and_once(request_: RunRequest, no_jail: Sandbox, step: StepByStep) -> None:
    user = Talkative()
    model = Interrupting(
        user, {1: "in blue"}, says("First", writes(**PAGE)), says("More", writes(a="a")), says("Done.")
    )
    result = run(request_, model, no_jail, user, step)
    assert result.outcome == "done"
    told = [[message.content.count("The user says meanwhile: in blue") for message in asked] for asked in model.asked]
    assert [sum(counts) for counts in told] == [0, 1, 1]
    assert told[1][-1] == 1, "it stands where the model has not read yet"
    assert model.asked[2][: len(model.asked[1])] == model.asked[1], "the beginning stays the same for caches"


def test_a_word_at_the_very_end_opens_the_work_again(request_: RunRequest, no_jail: Sandbox) -> None:
    """Without `leave` it was said to nobody."""
    user, step = Talkative(), StepByStep(MemoryStore())
    model = Interrupting(
        user, {2: "and a footer"}, says("First", writes(**PAGE)), says("Done."), says("With a footer.")
    )
    result = run(request_, model, no_jail, user, step)
    assert result.summary == "With a footer."
    assert model.asked[2][-1].content.endswith("The user says meanwhile: and a footer")
    assert step.ran[-5:] == ["check-1", "finish", "model-3", "check-2", "finish-2"]


def test_in_its_last_turn_the_run_takes_no_more(request_: RunRequest, no_jail: Sandbox) -> None:
    """Else a word would be taken that no call can hear."""
    user, step = Talkative(), StepByStep(MemoryStore())
    model = Interrupting(user, {4: "hurry"}, *[says(f"{n}", writes(a=str(n))) for n in range(5)])
    run(request_, model, no_jail, user, step)
    assert user.is_gone
    assert "hurry" in model.asked[4][-1].content


@pytest.mark.parametrize("target", [16_000, 4_000, 700])
def test_a_compaction_keeps_what_the_user_said(target: int) -> None:
    """In old results it is the first that would go."""
    words = "Never touch the folder `old`. " + "x" * 600
    messages = [*with_words(conversation(3), [words]), *(m for n in range(3, 60) for m in turn(n))]
    short = compacted(messages, target)
    assert "".join(message.whole.content for message in short).count(words) == 1
    assert tokens(short) <= max(target, 900)
    again = compacted([*short, *(m for n in range(60, 90) for m in turn(n))], target)
    assert "".join(message.whole.content for message in again).count(words) == 1
