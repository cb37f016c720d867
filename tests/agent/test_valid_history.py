"""What the next model call is sent is taken by real endpoints, whatever the model has said before."""

from __future__ import annotations

from agent import tools
from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import Message, ModelReply, RunRequest, ToolCall
from agent.protocols import Sandbox
from lab import llm
from lab.llm import serving
from tests.agent.endpoints import HELLO, ask
from tests.agent.fakes import AtOnce, Events, ScriptedModel, call, says, writes


def run(request: RunRequest, sandbox: Sandbox, model: ScriptedModel) -> None:
    store = MemoryStore()
    run_code_agent(request, AtOnce(store), model=model, sandbox=sandbox, store=store)


def test_no_id_comes_twice_in_a_conversation(request_: RunRequest, no_jail: Sandbox) -> None:
    """Endpoints that give none, or count anew in each reply, would be refused by themselves or by the fallback."""
    page = writes(index__html="<title>x</title>")
    model = ScriptedModel(says("", page, page), says("", page), says("", page), says("Done"))
    run(request_, no_jail, model)
    asked = model.asked[-1]
    ids = [call.id for message in asked for call in message.tool_calls]
    assert ids == ["same", "same_2", "same_3", "same_4"]
    assert [message.tool_call_id for message in asked if message.role == "tool"] == ids


def test_an_answer_of_white_space_is_an_empty_one(request_: RunRequest, no_jail: Sandbox) -> None:
    """Anthropic's endpoint refuses a turn in which nothing is said."""
    model = ScriptedModel(says("\n\n"), says("", writes(index__html="<title>x</title>")), says("Done"))
    run(request_, no_jail, model)
    assert all(message.content.strip() or message.tool_calls for message in model.asked[-1])


def test_a_thought_without_its_signature_is_not_sent_back() -> None:
    thought = {"type": "thinking", "thinking": "Hm", "signature": ""}
    said = Message(role="assistant", content="Hi", blocks=[thought, {**thought, "signature": "s"}])
    with serving(llm.says("ok")) as server:
        ask(server, "anthropic", messages=[*HELLO, said, Message(role="user", content="Go on")])
    [request] = server.requests
    assert request["messages"][1]["content"] == [{**thought, "signature": "s"}, {"type": "text", "text": "Hi"}]


def answered(call: ToolCall, sandbox: Sandbox) -> str:
    return tools.answer(call, tools.Context(sandbox, Events(), "call-1-1", 1.0))


def test_what_is_wrong_with_arguments_is_told_in_a_few_words(no_jail: Sandbox) -> None:
    """A list of a million numbers is wrong a million times; the model would be sent a hundred megabytes."""
    for args in ({"files": [1] * 100_000}, {"files": [{"path": "a", "content": "", "x" * 100_000: 1}]}):
        assert len(answered(call("createOrUpdateFiles", **args), no_jail)) < 5_000


def test_a_path_that_no_system_takes_is_not_repeated(no_jail: Sandbox) -> None:
    for name, args in (("editFile", {"old": "a", "new": "b"}), ("createOrUpdateFiles", None)):
        path = {"path": "a/" * 50_000}
        given = {**path, **args} if args else {"files": [{**path, "content": ""}]}
        found = answered(call(name, **given), no_jail)
        assert "at most 4000 bytes" in found
        assert len(found) < 1_000


def test_a_reply_of_nothing_but_thoughts_is_an_empty_one(request_: RunRequest, no_jail: Sandbox) -> None:
    only = ModelReply(blocks=[{"type": "thinking", "thinking": "Hm", "signature": "s"}])
    model = ScriptedModel(only, says("", writes(index__html="<title>x</title>")), says("Done"))
    run(request_, no_jail, model)
    assert model.asked[1][-2].content == "(no answer)"
