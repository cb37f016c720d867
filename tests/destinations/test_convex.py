"""Convex, as its HTTP API is documented: what a mutation is called with, and what its answers mean."""

from __future__ import annotations

import pytest

from agent.errors import AgentError, PermanentError, TransientError
from lab.receiver import Answer, Receiver, answers
from orchestrator.destinations.convex import ConvexDestination
from orchestrator.destinations.protocol import Letter
from tests.destinations.conftest import RESULT

KEY = "prod:happy-animal-123|abcdef0123456789"
SUCCESS = answers(200, {"status": "success", "value": "k17", "logLines": []})


def send(receiver: Receiver, letter: Letter) -> None:
    ConvexDestination(f"{receiver.url}/", KEY, "messages:saveResult").send(letter)


def test_the_mutation_gets_the_message_and_the_files(receiver: Receiver, letter: Letter) -> None:
    receiver.script(SUCCESS)
    send(receiver, letter)
    [request] = receiver.requests
    assert request.path == "/api/mutation" and request.headers["authorization"] == f"Convex {KEY}"
    body = request.json
    assert (body["path"], body["format"]) == ("messages:saveResult", "json")
    assert body["args"] == {
        **{"idempotencyKey": "run_1-convex", "runId": "run_1", "projectId": "shop"},
        **{"role": "assistant", "content": "Wrote a page."},
        **{name: RESULT[name] for name in ("outcome", "missing", "title", "framework", "url", "usage")},
        "files": [{"path": "index.html", "content": "<p>ä</p>"}, {"path": "_app/$x.js", "content": "1"}],
    }


@pytest.mark.parametrize(
    ("answer", "meaning", "words"),
    [
        pytest.param(
            answers(200, {"status": "error", "errorMessage": "No such project", "logLines": []}),
            PermanentError,
            "messages:saveResult failed: No such project",
            id="the function threw",
        ),
        pytest.param(
            answers(560, {"status": "error", "errorMessage": "No such project"}),
            PermanentError,
            "messages:saveResult failed: No such project",
            id="the function threw, by status",
        ),
        pytest.param(answers(200, {"hello": 1}), PermanentError, "did not answer as Convex does", id="another service"),
        pytest.param(answers(200, "x"), PermanentError, "did not answer as Convex does", id="no object"),
        pytest.param(answers(401, {"code": "BadDeployKey"}), PermanentError, "it answered 401", id="wrong key"),
        pytest.param(answers(503, {"code": "Overloaded"}), TransientError, "it answered 503", id="overloaded"),
    ],
)
def test_what_its_answers_mean(
    answer: Answer, meaning: type[AgentError], words: str, receiver: Receiver, letter: Letter
) -> None:
    receiver.script(answer)
    with pytest.raises(meaning, match=words):
        send(receiver, letter)
