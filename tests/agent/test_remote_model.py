"""A language model over real HTTP: what both protocols have in common."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import Cancelled, ContextOverflow, PermanentError, TransientError
from agent.messages import ModelReply, ToolCall, Usage
from agent.models.faults import LONGEST_MESSAGE
from agent.tools import specs
from lab import llm
from lab.llm import PROTOCOLS, ProtocolName, serving
from tests.agent.endpoints import HELLO, KEY, ask, model_at
from tests.agent.fakes import Events

both = pytest.mark.parametrize("protocol", PROTOCOLS)


@both
def test_text_is_streamed_as_it_comes_and_usage_is_counted(protocol: ProtocolName) -> None:
    events = Events()
    with serving(llm.says("Hel", "lo ", "Wörld")) as server:
        reply = ask(server, protocol, events)
    assert events.all == [("text", "Hel"), ("text", "lo "), ("text", "Wörld")]
    assert reply == ModelReply(text="Hello Wörld", usage=Usage(input_tokens=7, output_tokens=3))


@both
def test_tool_calls_are_put_together_from_their_pieces(protocol: ProtocolName) -> None:
    calls = (("terminal", '{"command": "ls"}'), ("readFiles", '{"files": ["a"]}'), ("listFiles", ""))
    with serving(llm.says("Look", calls=calls)) as server:
        reply = ask(server, protocol)
    assert reply.tool_calls == [
        ToolCall(id="call_0", name="terminal", args={"command": "ls"}),
        ToolCall(id="call_1", name="readFiles", args={"files": ["a"]}),
        ToolCall(id="call_2", name="listFiles"),
    ]


@both
@pytest.mark.parametrize("arguments", ['{"command": ', "[1]", '"ls"'], ids=["cut", "list", "string"])
def test_arguments_that_are_no_object_are_kept_as_malformed(protocol: ProtocolName, arguments: str) -> None:
    with serving(llm.says(calls=(("terminal", arguments),))) as server:
        assert ask(server, protocol).tool_calls == [ToolCall(id="call_0", name="terminal", malformed=arguments)]


@both
def test_half_a_surrogate_pair_does_not_get_through(protocol: ProtocolName) -> None:
    with serving(llm.says("\ud83d", calls=(("terminal", '{"command": "\\ud83d"}'),))) as server:
        reply = ask(server, protocol)
    assert (reply.text, reply.tool_calls[0].args) == ("?", {"command": "?"})


@both
@pytest.mark.parametrize(
    "pieces",
    [("<think>hm", "m</think>", "Hi"), ("<th", "ink>\nhmm</thi", "nk>\n\nHi"), ("<think>hmm</think>Hi",)],
    ids=["whole-tags", "cut-tags", "one-piece"],
)
def test_thoughts_in_tags_are_reasoning_and_never_text(protocol: ProtocolName, pieces: tuple[str, ...]) -> None:
    """FINDINGS D6: `<think>` tags landed in the text."""
    events = Events()
    with serving(llm.says(*pieces)) as server:
        reply = ask(server, protocol, events)
    assert (reply.text, events.text(), "".join(events.of("reasoning"))) == ("Hi", "Hi", "hmm")


@both
def test_a_tag_that_is_talked_about_is_text(protocol: ProtocolName) -> None:
    with serving(llm.says("It wraps thoughts in `<think>` and a < b")) as server:
        assert ask(server, protocol).text == "It wraps thoughts in `<think>` and a < b"


@both
def test_thoughts_in_a_field_of_their_own_are_reasoning(protocol: ProtocolName) -> None:
    """FINDINGS D6: reasoning deltas were dropped, so a minute of thinking showed nothing."""
    events = Events()
    with serving(llm.says("Hi", reasoning=("Let me ", "see"))) as server:
        reply = ask(server, protocol, events)
    assert events.all == [("reasoning", "Let me "), ("reasoning", "see"), ("text", "Hi")]
    assert reply.text == "Hi"


@both
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_what_may_pass_is_transient_and_asked_only_once(protocol: ProtocolName, status: int) -> None:
    with serving(llm.fails(status)) as server, pytest.raises(TransientError):
        ask(server, protocol)
    assert len(server.requests) == 1


@both
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_will_not_pass_is_permanent_and_never_shows_the_key(protocol: ProtocolName, status: int) -> None:
    answer = llm.fails(status, f"Incorrect key provided: {KEY}")
    with serving(answer) as server, pytest.raises(PermanentError) as caught:
        ask(server, protocol)
    assert "Incorrect key" in str(caught.value)
    assert KEY not in str(caught.value)


@both
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(llm.fails(429, "You exceeded your current quota", "insufficient_quota"), id="quota"),
        pytest.param(llm.fails(400, "Your credit balance is too low to access the API"), id="credit"),
        pytest.param(llm.fails(402, "Pay"), id="402"),
    ],
)
def test_nothing_left_to_pay_with_is_permanent(protocol: ProtocolName, answer: llm.Answer) -> None:
    """FINDINGS D5: `insufficient_quota` was tried four times."""
    with serving(answer) as server, pytest.raises(PermanentError, match="paid"):
        ask(server, protocol)
    assert len(server.requests) == 1


@both
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(llm.fails(400, "This model's maximum context length is 8192 tokens"), id="openai"),
        pytest.param(llm.fails(400, "prompt is too long: 210000 tokens > 200000 maximum"), id="anthropic"),
        pytest.param(llm.fails(413, "Request too large"), id="413"),
    ],
)
def test_messages_that_are_too_long_have_an_error_of_their_own(protocol: ProtocolName, answer: llm.Answer) -> None:
    with serving(answer) as server, pytest.raises(ContextOverflow):
        ask(server, protocol)


@both
@pytest.mark.parametrize("answer", [llm.breaks_off, llm.talks_nonsense, llm.hangs_up_at_once])
def test_a_reply_that_breaks_off_is_transient(protocol: ProtocolName, answer: llm.Answer) -> None:
    with serving(answer) as server, pytest.raises(TransientError):
        ask(server, protocol)


@both
def test_what_a_broken_reply_has_used_up_is_estimated(protocol: ProtocolName) -> None:
    with serving(llm.breaks_off) as server, pytest.raises(TransientError) as caught:
        ask(server, protocol)
    assert caught.value.spent > 0


@both
def test_nobody_listening_is_transient(protocol: ProtocolName) -> None:
    with serving(llm.says()) as server:
        model = model_at(server, protocol)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", server.server_port))
        with pytest.raises(TransientError, match="No connection"):
            model.reply(HELLO, [], Events())


@both
@pytest.mark.parametrize("answer", [llm.hangs_in_the_middle, llm.hangs_at_once])
def test_a_silent_model_can_be_cancelled(protocol: ProtocolName, answer: llm.Answer) -> None:
    with serving(answer) as server:

        def cancel_when_silent() -> None:
            if server.is_silent.is_set():
                raise Cancelled

        with pytest.raises(Cancelled):
            ask(server, protocol, Events(on_check=cancel_when_silent))
        if answer is llm.hangs_in_the_middle:
            assert server.was_hung_up.wait(10)


@both
def test_a_price_makes_a_cost(protocol: ProtocolName) -> None:
    price = {"input": 1.0, "output": 2.0}
    with serving(llm.says("Hi", usage=(7, 3))) as server:
        reply = model_at(server, protocol, price=price).reply(HELLO, specs(), Events())
    assert reply.usage.cost == pytest.approx((7 * 1.0 + 3 * 2.0) / 1_000_000)


@both
@pytest.mark.parametrize(
    ("stop", "meaning"),
    [("", "done"), ("length", "length"), ("refusal", "refused"), ("eos", "done")],
)
def test_every_reason_to_stop_has_a_meaning(protocol: ProtocolName, stop: str, meaning: str) -> None:
    """FINDINGS D1: `finish_reason` was not looked at."""
    with serving(llm.says("Hi", stop=stop)) as server:
        assert ask(server, protocol).stop == meaning


@both
def test_the_beginning_stays_the_same_from_request_to_request(protocol: ProtocolName) -> None:
    call = llm.says("Look", calls=(("terminal", '{"command": "ls"}'),))
    with serving(call) as server:
        model = model_at(server, protocol)
        messages = list(HELLO)
        for _ in range(3):
            reply = model.reply(messages, specs(), Events())
            messages.append(HELLO[1].model_copy(update={"role": "assistant", "tool_calls": reply.tool_calls}))
            messages.append(HELLO[1].model_copy(update={"role": "tool", "tool_call_id": reply.tool_calls[0].id}))
    sent = [json.dumps(_unmarked(request["messages"])) for request in server.requests]
    assert all(later.startswith(earlier[:-1]) for earlier, later in itertools.pairwise(sent))
    assert server.requests[0]["tools"] == server.requests[2]["tools"]


def _unmarked(messages: list[dict[str, object]]) -> object:
    """Without Anthropic's marks of what to cache, which move on and are no part of what is cached."""
    return json.loads(json.dumps(messages).replace(', "cache_control": {"type": "ephemeral"}', ""))


@pytest.mark.program
def test_model_and_sandbox_work_in_a_process_that_gevent_has_patched(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("under_gevent.py"), tmp_path],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": ".", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("talked\nran\nstopped\ncancelled\n", 0), done.stderr


@both
@pytest.mark.parametrize("before", [0, 195, LONGEST_MESSAGE - 5])
@pytest.mark.parametrize("answers", ["refusal", "error-as-reply", "something-else", "odd-type"])
def test_an_endpoints_own_words_are_short_and_hold_no_part_of_the_key(
    protocol: ProtocolName, answers: str, before: int
) -> None:
    """Cut first and masked then, half a key stayed."""
    words = "x" * before + KEY + "y" * 1000
    answer = {
        "refusal": llm.fails(400, words),
        "error-as-reply": lambda handler: handler.send_body(200, json.dumps({"error": {"message": words}}).encode()),
        "something-else": lambda handler: handler.send_body(200, json.dumps([words]).encode()),
        "odd-type": lambda handler: handler.send_body(200, b"", f"text/{words}"),
    }[answers]
    with serving(answer) as server, pytest.raises((PermanentError, TransientError)) as caught:
        ask(server, protocol)
    said = str(caught.value)
    assert len(said) < LONGEST_MESSAGE + 100
    assert KEY[:5] not in said
