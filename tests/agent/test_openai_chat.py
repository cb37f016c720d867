"""The OpenAI-compatible model, over real HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import Cancelled, PermanentError, TransientError
from agent.loop import run_code_agent
from agent.messages import Message, ModelReply, RunRequest, ToolCall, Usage
from agent.models.openai_chat import OpenAIChat
from agent.protocols import Sandbox
from agent.tools import specs
from tests.agent import fake_openai
from tests.agent.fake_openai import Server, serving
from tests.agent.fakes import AtOnce, Events, MemoryStore

KEY = "sk-very-secret"
HELLO = [Message(role="user", content="Hello")]


def ask(server: Server, events: Events | None = None, messages: list[Message] = HELLO) -> ModelReply:
    return OpenAIChat("m", KEY, server.url).reply(messages, specs(), events or Events())


def test_text_is_streamed_as_it_comes_and_usage_is_counted() -> None:
    events = Events()
    with serving(fake_openai.says("Hel", "lo ", "Wörld")) as server:
        reply = ask(server, events)
    assert events.all == [("text", "Hel"), ("text", "lo "), ("text", "Wörld")]
    assert reply == ModelReply(text="Hello Wörld", usage=Usage(input_tokens=7, output_tokens=3))


def test_tool_calls_are_put_together_from_their_pieces() -> None:
    calls = (("terminal", '{"command": "ls"}'), ("readFiles", '{"files": ["a"]}'))
    with serving(fake_openai.says("Look", calls=calls)) as server:
        reply = ask(server)
    assert reply.tool_calls == [
        ToolCall(id="call_0", name="terminal", args={"command": "ls"}),
        ToolCall(id="call_1", name="readFiles", args={"files": ["a"]}),
    ]


@pytest.mark.parametrize("arguments", ['{"command": ', "[1]", '"ls"'], ids=["cut", "list", "string"])
def test_arguments_that_are_no_object_are_kept_as_malformed(arguments: str) -> None:
    with serving(fake_openai.says(calls=(("terminal", arguments),))) as server:
        assert ask(server).tool_calls == [ToolCall(id="call_0", name="terminal", malformed=arguments)]


def test_half_a_surrogate_pair_does_not_get_through() -> None:
    with serving(fake_openai.says("\ud83d", calls=(("terminal", '{"command": "\\ud83d"}'),))) as server:
        reply = ask(server)
    assert (reply.text, reply.tool_calls[0].args) == ("?", {"command": "?"})


def test_the_request_holds_tools_history_and_the_wish_for_usage() -> None:
    call = ToolCall(id="1", name="terminal", args={"command": "ls"})
    messages = [
        *HELLO,
        Message(role="assistant", content="x", tool_calls=[call]),
        Message(role="tool", content="y", tool_call_id="1"),
    ]
    with serving(fake_openai.says("ok")) as server:
        ask(server, messages=messages)
    [request] = server.requests
    assert request["key"] == f"Bearer {KEY}"
    assert request["stream_options"] == {"include_usage": True}
    assert [tool["function"]["name"] for tool in request["tools"]] == [tool.name for tool in specs()]
    assert json.loads(request["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"command": "ls"}
    assert request["messages"][2] == {"role": "tool", "content": "y", "tool_call_id": "1"}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_transient_and_asked_only_once(status: int) -> None:
    with serving(fake_openai.fails(status)) as server, pytest.raises(TransientError):
        ask(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("header", "delay"), [("7", 7.0), ("99999", 300.0), ("-5", 0.0), ("Wed, 21 Oct", None)])
def test_the_wished_delay_is_passed_on(header: str, delay: float | None) -> None:
    answer = fake_openai.fails(429, retry_after=header)
    with serving(answer) as server, pytest.raises(TransientError) as caught:
        ask(server)
    assert caught.value.delay == delay


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_will_not_pass_is_permanent_and_never_shows_the_key(status: int) -> None:
    answer = fake_openai.fails(status, f"Incorrect API key provided: {KEY}")
    with serving(answer) as server, pytest.raises(PermanentError) as caught:
        ask(server)
    assert "Incorrect API key" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("answer", [fake_openai.breaks_off, fake_openai.talks_nonsense])
def test_a_reply_that_breaks_off_is_transient(answer: fake_openai.Answer) -> None:
    with serving(answer) as server, pytest.raises(TransientError):
        ask(server)


def test_nobody_listening_is_transient() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(TransientError):
            OpenAIChat("m", KEY, url).reply(HELLO, [], Events())


def test_a_silent_model_can_be_cancelled_and_is_hung_up_on() -> None:
    with serving(fake_openai.hangs_in_the_middle) as server:

        def cancel_when_silent() -> None:
            if server.is_silent.is_set():
                raise Cancelled

        with pytest.raises(Cancelled):
            ask(server, Events(on_check=cancel_when_silent))
        assert server.was_hung_up.wait(10)


def test_a_model_that_does_not_even_begin_can_be_cancelled() -> None:
    with serving(fake_openai.hangs_at_once) as server:

        def cancel_when_silent() -> None:
            if server.is_silent.is_set():
                raise Cancelled

        with pytest.raises(Cancelled):
            ask(server, Events(on_check=cancel_when_silent))


def test_a_whole_run_over_http(request_: RunRequest, jail: Sandbox) -> None:
    write = json.dumps({"files": [{"path": "a.py", "content": "print('hi')"}]})
    step = AtOnce(store := MemoryStore())
    with serving(
        fake_openai.says("I write", calls=(("createOrUpdateFiles", write),)),
        fake_openai.says("I run", calls=(("terminal", '{"command": "python3 a.py"}'),)),
        fake_openai.says("It says hi."),
    ) as server:
        model = OpenAIChat("m", KEY, server.url)
        result = run_code_agent(request_, step, model=model, sandbox=jail, store=store)
    assert server.requests[2]["messages"][-1]["content"] == "exit code 0\nhi\n"
    assert (result.summary, result.framework) == ("It says hi.", "python")
    assert result.usage == Usage(input_tokens=21, output_tokens=9)
    assert KEY not in json.dumps(step.events.all)


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
