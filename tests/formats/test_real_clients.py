"""What npm's own clients end with is the fold of the log, whatever was rolled back and wherever they joined."""

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import ag_ui.core
import pytest
from ag_ui.core import BaseEvent, RunAgentInput
from ag_ui.encoder import EventEncoder
from pydantic import TypeAdapter

from lab.client_checks import check_ag_ui, check_ui_message
from lab.run_logs import random_log
from orchestrator.formats import Event
from orchestrator.formats.ag_ui import AgUiStream
from orchestrator.formats.ai_sdk import UIMessageStream
from orchestrator.formats.translated import Mapping
from tools.clients import run_node

pytestmark = pytest.mark.program

LOGS = [random_log(seed) for seed in range(50)]
ASKING_LOGS = [random_log(seed, asks=True) for seed in range(30)]
ASKED = {
    "threadId": "t1",
    "runId": "r1",
    "state": {},
    "tools": [],
    "context": [],
    "forwardedProps": {},
    "messages": [{"id": "u1", "role": "user", "content": "a page"}],
}


def body(mapping: Mapping, events: list[Event], seed: int) -> str:
    """The response, with the events arriving in batches of any size."""
    chance, said = random.Random(seed), mapping.begin()
    left = list(events)
    while left and not mapping.done:
        size = chance.randint(1, 6)
        said += mapping.batch(left[:size])
        left = left[size:]
    return said.decode()


def read(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(run_node(["read.mjs"], json.dumps(cases)))
    return answers


@pytest.mark.parametrize(("client", "version"), [("ai7", 7), ("ai7", 6), ("ai6", 6), ("ai6", 5)])
def test_a_ui_message_is_the_fold_of_the_log(client: str, version: int) -> None:
    cases = [
        {
            "client": client,
            "chunk": 50 + seed,
            "body": body(UIMessageStream(log[0]["runId"], version=version, last=len(log)), log, seed),
        }
        for seed, log in enumerate(LOGS + ASKING_LOGS)
    ]
    for log, answer in zip(LOGS + ASKING_LOGS, read(cases), strict=True):
        check_ui_message(answer, log, can_deny=version > 5)


def asked_and_answered(log: list[Event], make: Callable[..., Mapping], seed: int) -> dict[str, Any]:
    """What a client gets that answers each approval in a request of its own, and what it says."""
    shown, last, bodies, answers = None, 0, [], []
    for event in log:
        if event["type"] == "approval-answer":
            bodies.append(body(make(last=last, shown=shown), log, seed))
            answers.append({"approved": event["data"]["allow"], "reason": event["data"]["reason"]})
            shown, last = event["data"]["approvalId"], event["id"]
    bodies.append(body(make(last=last, shown=shown), log, seed))
    return {"chunk": 300 + seed, "bodies": bodies, "answers": answers}


@pytest.mark.parametrize(("client", "version"), [("ai7", 7), ("ai7", 6), ("ai6", 6)])
def test_a_chat_that_answers_approvals_ends_with_one_message_that_is_the_fold_of_the_log(
    client: str, version: int
) -> None:
    cases = []
    for seed, log in enumerate(ASKING_LOGS):
        make = partial(UIMessageStream, log[0]["runId"], version=version)
        case = asked_and_answered(log, make, seed)
        cases.append({"client": client, **case})
    for log, case, answer in zip(ASKING_LOGS, cases, read(cases), strict=True):
        check_ui_message(answer, log)
        assert len(answer["sent"]) == len(case["bodies"])
        assert answer["messages"] == 2


def test_an_ag_ui_client_that_answers_interrupts_ends_with_the_fold_of_the_log() -> None:
    def make(run_id: str, *, last: int, shown: str | None) -> Mapping:
        return AgUiStream(RunAgentInput.model_validate(ASKED), run_id, last)

    cases = []
    for seed, log in enumerate(ASKING_LOGS):
        cases.append({"client": "ag-ui", **asked_and_answered(log, partial(make, log[0]["runId"]), seed)})
    for log, answer in zip(ASKING_LOGS, read(cases), strict=True):
        check_ag_ui(answer, log)


@pytest.mark.parametrize("joins", ["from the start", "late", "after the end"])
def test_ag_uis_messages_are_the_fold_of_the_log(joins: str) -> None:
    cases = []
    for seed, log in enumerate(LOGS):
        last = {"from the start": 0, "late": 1 + seed * 7 % len(log), "after the end": len(log)}[joins]
        asked = RunAgentInput.model_validate(ASKED)
        cases.append(
            {"client": "ag-ui", "chunk": 90 + seed, "body": body(AgUiStream(asked, log[0]["runId"], last), log, seed)}
        )
    for log, answer in zip(LOGS, read(cases), strict=True):
        check_ag_ui(answer, log)


def test_every_ag_ui_event_is_as_the_protocols_own_package_writes_it() -> None:
    package, encode = TypeAdapter[BaseEvent](ag_ui.core.Event), EventEncoder().encode
    asked = RunAgentInput.model_validate(ASKED)
    for seed, log in enumerate(ASKING_LOGS):
        for last in (0, len(log)):
            *frames, end = body(AgUiStream(asked, log[0]["runId"], last), log, seed).split("\n\n")
            assert end == ""
            for frame in frames:
                said = frame.removeprefix("data: ")
                assert json.loads(encode(package.validate_json(said)).removeprefix("data: ")) == json.loads(said)


def test_a_client_that_was_cut_off_and_asks_again_keeps_nothing_of_what_was_discarded() -> None:
    """It sends what it shows of the run back to us, discarded words among it."""
    cuts = [1 + seed * 11 % len(log) for seed, log in enumerate(LOGS)]
    asked = RunAgentInput.model_validate(ASKED)
    halves = [
        {"client": "ag-ui", "chunk": 80, "body": body(AgUiStream(asked, log[0]["runId"], 0), log[:cut], cut)}
        for log, cut in zip(LOGS, cuts, strict=True)
    ]
    again = []
    for log, cut, answer in zip(LOGS, cuts, read(halves), strict=True):
        asked = RunAgentInput.model_validate({**ASKED, "messages": answer["messages"]})
        last = min(cut + 3, len(log))
        text = body(AgUiStream(asked, log[0]["runId"], last), log, cut)
        again.append({"client": "ag-ui", "chunk": 80, "body": text, "messages": answer["messages"]})
    for log, answer in zip(LOGS, read(again), strict=True):
        check_ag_ui(answer, log)
