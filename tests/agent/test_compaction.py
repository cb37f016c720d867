"""A context that does not grow with the square. FINDINGS D7."""

from __future__ import annotations

import itertools
import json

import pytest

from agent import compaction, prompts
from agent.compaction import compacted, tokens
from agent.conversation import Conversation
from agent.messages import Beginning, Limits, Message, RunRequest, ToolCall, Turn
from agent.tools import specs
from lab import llm
from lab.llm import PROTOCOLS, ProtocolName, serving
from tests.agent.endpoints import model_at
from tests.agent.fakes import Events

OPENING = [Message(role="system", content="Be good"), Message(role="user", content="Do it")]


def turn(number: int, size: int = 12_000) -> list[Message]:
    call = ToolCall(id=f"c{number}", name="terminal", args={"command": f"look {number}"})
    result = f"{number}: " + "x" * size
    return [
        Message(role="assistant", content=f"Turn {number}", tool_calls=[call]),
        Message(role="tool", content=result, tool_call_id=call.id),
    ]


def conversation(turns: int, size: int = 12_000) -> list[Message]:
    return [*OPENING, *itertools.chain.from_iterable(turn(number, size) for number in range(turns))]


def assert_paired(messages: list[Message]) -> None:
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            assert message.tool_call_id == waiting.pop(0)
        else:
            assert not waiting, "a call without its result"
            waiting = [call.id for call in message.tool_calls]
    assert not waiting


@pytest.mark.parametrize("target", [40_000, 16_000, 8_000, 2_000, 700])
@pytest.mark.parametrize("turns", [1, 2, 30, 200])
def test_it_fits_and_keeps_calls_and_results_together(turns: int, target: int) -> None:
    short = compacted(conversation(turns), target)
    assert_paired(short)
    assert short[:2] == OPENING
    assert tokens(short) <= target


def test_the_latest_turns_stay_whole_and_old_ones_lose_their_bulk() -> None:
    messages = conversation(10)
    short = compacted(messages, 20_000)
    assert short[-8:] == messages[-8:]
    assert all(len(message.content) < 600 for message in short[2:-8])
    assert "left out here" in short[3].content


def test_what_had_to_be_dropped_is_named() -> None:
    short = compacted(conversation(200), 4_000)
    assert '- terminal {"command": "look 170"}' in short[2].content
    again = compacted([*short, *turn(999)], 4_000)
    assert "look 190" in again[2].content, "dropped a second time it is forgotten"


def test_files_in_old_arguments_are_shortened_too() -> None:
    call = ToolCall(id="w", name="createOrUpdateFiles", args={"files": [{"path": "a", "content": "x" * 50_000}]})
    written = [Message(role="assistant", tool_calls=[call]), Message(role="tool", content="ok", tool_call_id="w")]
    short = compacted([*OPENING, *written, *conversation(6, 10)[2:]], 4_000)
    assert tokens(short) < 1_500
    assert_paired(short)


def test_shortening_what_is_short_changes_nothing() -> None:
    messages = conversation(3, 100)
    assert compacted(messages, 10_000) == messages
    short = compacted(conversation(10), 20_000)
    assert compacted(short, 20_000) == short


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_hundred_turns_send_less_than_15_mb(
    request_: RunRequest, protocol: ProtocolName, capsys: pytest.CaptureFixture[str]
) -> None:
    """12 kB a result, a context of 64k tokens: about 60 MB without compaction. Prints the curve."""
    with serving(llm.says("look", calls=(("terminal", '{"command": "look"}'),))) as server:
        model = model_at(server, protocol, context=64_000)
        talk = Conversation(prompts.opening(request_, Beginning()), Limits(max_turns=200), model.context)
        while talk.turn < 100:
            if talk.is_full:
                talk.compact(talk.target)
            reply = model.reply(talk.messages, specs(), Events())
            talk.add(Turn.model_validate(reply.model_dump()))
            talk.add_result(reply.tool_calls[0], "x" * 12_000)
    sizes = [request["bytes"] for request in server.requests]
    with capsys.disabled():
        print(f"\n{protocol}: {sum(sizes) / 1e6:.1f} MB in {len(sizes)} requests, kB each:")
        print(" ".join(f"{size // 1000}" for size in sizes))
    assert len(sizes) == 100
    assert sum(sizes) < 15_000_000
    assert max(sizes) < 64_000 * compaction.BYTES_PER_TOKEN

    rewritten = 0
    for earlier, later in itertools.pairwise(server.requests):
        before, after = (json.dumps(_unmarked(request["messages"]))[:-1] for request in (earlier, later))
        rewritten += not after.startswith(before)
    assert rewritten == talk.compactions, "the beginning changed without a compaction"
    assert 0 < rewritten < 20


def _unmarked(messages: list[object]) -> object:
    return json.loads(json.dumps(messages).replace(', "cache_control": {"type": "ephemeral"}', ""))
