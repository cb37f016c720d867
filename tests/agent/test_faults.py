"""Forty faults of a provider, in both protocols: a run ends with the right outcome, and none of them is `done`.

FINDINGS D1: a refusal, a content filter, an empty answer and an answer cut by its length all ended as `complete`.
"""

from __future__ import annotations

from typing import Any

import pytest

from agent import local
from agent.local import Event, LocalRun, run_locally
from agent.messages import Limits, RunRequest
from agent.protocols import Sandbox
from lab import llm
from lab.llm import PROTOCOLS, Answer, ProtocolName, fails, fails_inside, says, serving, writes
from tests.agent.endpoints import model_at

LISTS = (("listFiles", "{}"),)
CUT = (("createOrUpdateFiles", '{"files": [{"path": "index.html", "content": "<title>'),)
SOON = {"retry_after_ms": "1"}

FAULTS: dict[str, tuple[tuple[Answer, ...], str]] = {
    # -- what will not pass
    "400": ((fails(400, "Invalid value: 'x'"),), "failed"),
    "401 wrong key": ((fails(401, "Incorrect API key provided"),), "failed"),
    "402 payment": ((fails(402, "Payment required"),), "failed"),
    "403 region": ((fails(403, "Country not supported"),), "failed"),
    "404 no such model": ((fails(404, "The model `m` does not exist"),), "failed"),
    "405": ((fails(405, "Method not allowed"),), "failed"),
    "410 gone": ((fails(410, "This model was retired"),), "failed"),
    "422": ((fails(422, "Unprocessable"),), "failed"),
    "501": ((fails(501, "Not here"),), "failed"),
    "quota used up": ((fails(429, "You exceeded your current quota", "insufficient_quota"),), "failed"),
    "no credit": ((fails(400, "Your credit balance is too low"),), "failed"),
    "later wrong key": ((writes(), fails(401, "Key revoked")), "failed"),
    # -- what may pass, and never does
    "408": ((fails(408, **SOON),), "failed"),
    "409": ((fails(409, **SOON),), "failed"),
    "429": ((fails(429, **SOON),), "failed"),
    "500": ((fails(500, **SOON),), "failed"),
    "502 html": ((lambda handler: handler.send_body(502, b"<h1>Bad gateway</h1>", "text/html", **SOON),), "failed"),
    "503": ((fails(503, **SOON),), "failed"),
    "504": ((fails(504, **SOON),), "failed"),
    "529 overloaded": ((fails(529, "Overloaded", "overloaded_error", **SOON),), "failed"),
    "overloaded inside": ((fails_inside("overloaded_error"),), "failed"),
    "server error inside": ((fails_inside("server_error"),), "failed"),
    "breaks off": ((llm.breaks_off,), "failed"),
    "hangs up": ((llm.hangs_up_at_once,), "failed"),
    "nonsense": ((llm.talks_nonsense,), "failed"),
    "200 html": ((lambda handler: handler.send_body(200, b"<h1>Sign in</h1>", "text/html"),), "failed"),
    "200 empty object": ((lambda handler: handler.send_body(200, b"{}"),), "failed"),
    "200 error object": ((lambda handler: handler.send_body(200, b'{"error": {"message": "no"}}'),), "failed"),
    "200 no json": ((lambda handler: handler.send_body(200, b"{oops"),), "failed"),
    # -- refusals
    "refusal": ((says("I will not help with that.", stop="refusal"),), "refused"),
    "refusal without a word": ((says(stop="refusal"),), "refused"),
    "later refusal": ((writes(), says("No further.", stop="refusal")), "refused"),
    "filtered prompt": ((fails(400, "Filtered", "content_filter"),), "refused"),
    # -- answers that are none
    "empty": ((says(),), "partial"),
    "empty after work": ((writes(), says()), "partial"),
    "only thoughts": ((says(reasoning=("hmm",)),), "partial"),
    "claims to be done": ((says("Done! I made index.html."),), "partial"),
    "says what is not needed": ((says("Which colour?"), says("Nothing to do: it is a question.")), "nothing-to-do"),
    "only looks": ((says(calls=LISTS), says("I looked.")), "partial"),
    # -- answers that are cut
    "cut for ever": ((says("and so on ", stop="length"),), "partial"),
    "cut arguments for ever": ((says(calls=CUT, stop="length"),), "partial"),
    # -- calls that lead nowhere
    "unknown tool for ever": ((says(calls=(("teleport", "{}"),)),), "partial"),
    "no JSON for ever": ((says(calls=(("listFiles", "{oops"),)),), "partial"),
    "never ends": ((writes(),), "partial"),
    # -- too much
    "too long for ever": ((fails(400, "maximum context length is 10 tokens"),), "partial"),
    "413 for ever": ((fails(413, "Request too large"),), "partial"),
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "RETRY_DELAYS", (0.0, 0.0, 0.0))


def end_of(request: RunRequest, answers: tuple[Answer, ...], protocol: ProtocolName, sandbox: Sandbox) -> Event:
    events: list[Event] = []
    run = LocalRun(request.run_id, {}, events.append)
    with serving(*answers) as server:
        model = model_at(server, protocol)
        run_locally(request, run, model=model, sandbox=sandbox, limits=Limits(max_turns=6))
    [end] = [event for event in events if event["type"] in ("complete", "error")]
    assert end is events[-1]
    return end


def outcome(end: Event) -> Any:
    return end["code"] if end["type"] == "error" else end["data"]["outcome"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_with_the_right_outcome(
    request_: RunRequest, no_jail: Sandbox, fault: str, protocol: ProtocolName
) -> None:
    answers, expected = FAULTS[fault]
    end = end_of(request_, answers, protocol, no_jail)
    assert outcome(end) == expected, end
    if expected == "partial":
        assert end["data"]["missing"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refusal_is_told_in_the_models_words(request_: RunRequest, no_jail: Sandbox, protocol: ProtocolName) -> None:
    end = end_of(request_, (says("I will not help with that.", stop="refusal"),), protocol, no_jail)
    assert (end["type"], end["data"], end["code"]) == ("error", "I will not help with that.", "refused")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_passes_leaves_no_trace_but_a_status_and_a_rollback(
    request_: RunRequest, no_jail: Sandbox, protocol: ProtocolName
) -> None:
    """One of each kind, and then the work is done: the same figure from the other side."""
    answers = (
        fails(429, "Slow down", retry_after_ms="1"),
        llm.breaks_off,
        writes(),
        fails_inside("overloaded_error"),
        says("Done"),
    )
    assert outcome(end_of(request_, answers, protocol, no_jail)) == "done"
