"""How a run ends, and what the model is told before: FINDINGS D1 and D7, seen from the model's side."""

from __future__ import annotations

import time

import pytest

from agent.errors import ContextOverflow, PermanentError, TransientError
from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import Limits, ModelReply, RunRequest, RunResult, ToolCall, Usage
from agent.protocols import Emit, Sandbox, Tries
from tests.agent.fakes import AtOnce, ScriptedModel, call, plain, says, writes

PAGE = {"index__html": "<title>x</title>"}


def run(
    request: RunRequest, sandbox: Sandbox, model: ScriptedModel, store: MemoryStore | None = None, **limits: object
) -> tuple[RunResult, AtOnce]:
    step = AtOnce(store := store or MemoryStore())
    given = Limits.model_validate(limits)
    return run_code_agent(request, step, model=model, sandbox=sandbox, store=store, limits=given), step


def cut(text: str, *calls: ToolCall) -> ModelReply:
    return ModelReply(text=text, tool_calls=list(calls), stop="length")


def test_work_that_was_done_is_done(request_: RunRequest, no_jail: Sandbox) -> None:
    result, _ = run(request_, no_jail, ScriptedModel(says("", writes(**PAGE)), says("Here it is.")))
    assert (result.outcome, result.missing, result.summary) == ("done", None, "Here it is.")


def test_a_cut_answer_goes_on_and_is_one_summary(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(says("", writes(**PAGE)), cut("Here it "), says("is."))
    result, _ = run(request_, no_jail, model)
    assert (result.outcome, result.summary) == ("done", "Here it is.")
    assert "cut at its longest size" in model.asked[-1][-1].content


def test_cut_arguments_are_answered_with_how_to_split_them(request_: RunRequest, no_jail: Sandbox) -> None:
    """FINDINGS D1: they were answered with "Expected a JSON object"."""
    half = ToolCall(id="1", name="createOrUpdateFiles", malformed='{"files": [{', was_cut=True)
    model = ScriptedModel(cut("", half), says("", writes(**PAGE)), says("Done"))
    result, _ = run(request_, no_jail, model)
    assert result.outcome == "done"
    assert "Split the work: one file a call" in model.asked[1][-1].content


def test_a_model_that_did_nothing_is_asked_once_what_is_missing(request_: RunRequest, no_jail: Sandbox) -> None:
    """FINDINGS D1: a first answer without a call ended the run after one nudge, with no files, as `complete`."""
    model = ScriptedModel(says("I will make a page."), says("", writes(**PAGE)), says("Done"))
    result, _ = run(request_, no_jail, model)
    assert result.outcome == "done"
    assert "No file was made or changed" in model.asked[1][-1].content


def test_a_follow_up_that_changed_nothing_is_not_done(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(says("Done!"))
    result, _ = run(request_, no_jail, model, MemoryStore(plain({"a.txt": b"a"})))
    assert (result.outcome, result.missing) == ("partial", "No file was made or changed.")


def test_a_file_written_as_it_was_is_no_change(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(says("", writes(a__txt="a")), says("Done!"))
    result, _ = run(request_, no_jail, model, MemoryStore(plain({"a.txt": b"a"})))
    assert result.outcome == "partial"


def test_an_empty_answer_is_asked_about_once(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(says("", writes(**PAGE)), says(""), says("Done"))
    result, _ = run(request_, no_jail, model)
    assert (result.outcome, result.summary) == ("done", "Done")
    assert "Your answer was empty" in model.asked[2][-1].content


def test_a_refusal_ends_the_run_with_its_own_code(request_: RunRequest, no_jail: Sandbox) -> None:
    with pytest.raises(PermanentError, match=r"^Never\.$") as caught:
        run(request_, no_jail, ScriptedModel(ModelReply(text="Never.", stop="refused")))
    assert caught.value.code == "refused"


def test_problems_that_stay_make_the_outcome_partial(request_: RunRequest, jail: Sandbox) -> None:
    broken = says("", writes(a__json="{"))
    model = ScriptedModel(broken, says("Done"), broken, says("Really done"))
    result, step = run(request_, jail, model)
    assert result.outcome == "partial"
    assert "a.json: not well-formed JSON" in (result.missing or "")
    assert any("Not everything is done" in status for status in step.events.of("status"))


def test_calls_beyond_the_limit_are_answered_but_not_carried_out(request_: RunRequest, no_jail: Sandbox) -> None:
    """FINDINGS B7, D7: nothing limited the calls of one reply."""
    calls = [call("createOrUpdateFiles", files=[{"path": f"{n}.txt", "content": "x"}]) for n in range(5)]
    model = ScriptedModel(says("", *calls), says("Done"))
    result, step = run(request_, no_jail, model, max_calls=2)
    assert sorted(result.files) == ["0.txt", "1.txt"]
    answers = [message.content for message in model.asked[1] if message.role == "tool"]
    assert len(answers) == 5
    assert sum("at most" in answer for answer in answers) == 3
    assert [name for name in step.ran if name.startswith("tool")] == ["tool-1-1", "tool-1-2"]


def test_a_few_turns_before_the_end_the_model_is_told(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(says("", writes(**PAGE)))
    run(request_, no_jail, model, max_turns=5)
    told = [asked[-1].content for asked in model.asked]
    assert ["3 turns are left" in text for text in told] == [False, False, True, False, False]
    assert ["This is your last turn" in text for text in told] == [False] * 4 + [True]


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"max_tokens": 3_000}, id="tokens"),
        pytest.param({"max_cost": 0.1}, id="cost"),
        pytest.param({"deadline": time.time() + 3_000, "wind_down": 6_000}, id="time"),
    ],
)
def test_near_a_limit_the_model_gets_a_last_turn(
    request_: RunRequest, no_jail: Sandbox, limits: dict[str, float]
) -> None:
    spends = says("", writes(**PAGE)).model_copy(
        update={"usage": Usage(input_tokens=1_000, output_tokens=100, cost=0.04)}
    )
    model = ScriptedModel(spends)
    result, _ = run(request_, no_jail, model, None, **limits)
    assert len(model.asked) <= 3
    assert "This is your last turn" in model.asked[-1][-1].content
    assert result.outcome == "partial"
    assert list(result.files) == ["index.html"]


def test_the_last_turn_may_still_end_well(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(says("", writes(**PAGE)), says("Done"))
    result, _ = run(request_, no_jail, model, max_turns=2)
    assert result.outcome == "done"


def test_a_command_leaves_the_last_turn_its_time(request_: RunRequest, jail: Sandbox) -> None:
    """A command that would last until the deadline is stopped before, and the model leaves things working."""
    model = ScriptedModel(says("", call("terminal", command="sleep 600")), says("", writes(**PAGE)))
    result, _ = run(request_, jail, model, deadline=time.time() + 31, wind_down=30)
    assert "This is your last turn" in model.asked[1][-1].content
    assert (result.outcome, list(result.files)) == ("partial", ["index.html"])


class Overflowing(ScriptedModel):
    """Takes ``most`` messages and no more."""

    def __init__(self, most: int, *replies: ModelReply) -> None:
        super().__init__(*replies)
        self.refused = 0
        self._most = most

    def reply(self, messages, tools, emit):  # type: ignore[no-untyped-def]
        if sum(len(message.content) for message in messages) > self._most:
            self.refused += 1
            raise ContextOverflow("Too long.")
        return super().reply(messages, tools, emit)


def test_a_conversation_that_is_too_long_is_shortened_and_goes_on(request_: RunRequest, jail: Sandbox) -> None:
    """FINDINGS D7: a context overflow killed the run without a last turn."""
    noisy = says("", call("terminal", command="head -c 9000 /dev/zero | tr '\\0' x"))
    model = Overflowing(30_000, says("", writes(**PAGE)), *[noisy] * 6, says("Done"))
    result, step = run(request_, jail, model)
    assert (result.outcome, result.summary) == ("done", "Done")
    assert model.refused >= 1
    assert "compact-1" in step.ran


class Failing(ScriptedModel):
    """Raises ``error`` instead of its first answer."""

    def __init__(self, error: Exception, *replies: ModelReply) -> None:
        super().__init__(*replies)
        self._error: Exception | None = error

    def reply(self, messages, tools, emit: Emit):  # type: ignore[no-untyped-def]
        self.asked.append(messages)
        assert self._error is not None
        raise self._error


def test_the_fallback_goes_on_where_a_model_fails_for_good(request_: RunRequest, no_jail: Sandbox) -> None:
    model = Failing(PermanentError("No such model."))
    model.fallback = fallback = ScriptedModel(says("", writes(**PAGE)), says("Done"))
    fallback.name = "second"
    result, step = run(request_, no_jail, model)
    assert (result.outcome, result.summary) == ("done", "Done")
    assert "No such model. Going on with second" in step.events.of("status")
    assert len(model.asked) == 1, "the failed model was asked again"


def test_the_fallback_takes_the_last_attempt(request_: RunRequest, no_jail: Sandbox) -> None:
    model = Failing(TransientError("busy"))
    model.fallback = fallback = ScriptedModel(says("", writes(**PAGE)), says("Done"))
    fallback.name = "second"
    step = AtOnce(store := MemoryStore())
    step.events.tries = Tries(failed=3, is_last=True)
    result = run_code_agent(request_, step, model=model, sandbox=no_jail, store=store)
    assert result.outcome == "done"
    assert model.asked == []
    assert "scripted has failed 3 times. Going on with second" in step.events.of("status")


def test_a_refusal_is_not_asked_of_the_fallback(request_: RunRequest, no_jail: Sandbox) -> None:
    model = ScriptedModel(ModelReply(text="Never.", stop="refused"))
    model.fallback = fallback = ScriptedModel(says("Yes"))
    with pytest.raises(PermanentError, match="Never"):
        run(request_, no_jail, model)
    assert fallback.asked == []


def test_what_abandoned_attempts_used_up_is_counted(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    step.events.tries = Tries(failed=1, spent=50, interrupted=2)
    model = ScriptedModel(says("", writes(**PAGE)), says("Done"))
    result = run_code_agent(request_, step, model=model, sandbox=no_jail, store=store)
    assert result.usage == Usage(input_tokens=20, output_tokens=10, abandoned=2 * (50 + 2 * 10))


def test_no_endpoint_makes_a_run_wait_beyond_its_deadline(request_: RunRequest, no_jail: Sandbox) -> None:
    """Told to come again in five minutes, a run of which seconds were left stood there for two."""

    class Limited(ScriptedModel):
        def reply(self, *_: object) -> ModelReply:
            raise TransientError("Rate limited", delay=300.0, spent=7)

    with pytest.raises(TransientError, match="Rate limited") as caught:
        run(request_, no_jail, Limited(), deadline=time.time() + 50)
    assert caught.value.delay is not None
    assert 0 <= caught.value.delay <= 50
    assert caught.value.spent == 7
