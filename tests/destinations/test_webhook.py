"""The webhook: what is sent, how it is signed, and what answers mean. Verified with the standard's own library."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from agent.errors import PermanentError, TransientError
from lab.receiver import Answer, Receiver, answers, drips, hangs, hangs_up
from orchestrator.destinations import http
from orchestrator.destinations.protocol import Letter
from orchestrator.destinations.webhook import WebhookDestination
from tests.destinations.conftest import OTHER_SECRET, RESULT, SECRET


def test_a_letter_is_signed_and_says_how_the_run_ended(receiver: Receiver, letter: Letter) -> None:
    WebhookDestination(f"{receiver.url}/hook?to=me", [SECRET]).send(letter)
    [request] = receiver.requests
    assert request.path == "/hook?to=me" and request.headers["content-type"] == "application/json"
    said = Webhook(SECRET).verify(request.body, request.headers)
    assert said["type"] == "run.complete" and said["data"] == {"runId": "run_1", "projectId": "shop", **RESULT}
    assert request.headers["webhook-id"] == "run_1-webhook"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"done", b"dune"), request.headers)

    signed = f"run_1-webhook.{request.headers['webhook-timestamp']}.".encode() + request.body
    digest = hmac.digest(b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256)
    assert request.headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"


def test_while_secrets_are_exchanged_each_of_them_verifies(receiver: Receiver, letter: Letter) -> None:
    WebhookDestination(receiver.url, [SECRET, OTHER_SECRET]).send(letter)
    [request] = receiver.requests
    for secret in (SECRET, OTHER_SECRET):
        assert Webhook(secret).verify(request.body, request.headers)


def test_the_key_is_the_same_whoever_sends_it(receiver: Receiver, letter: Letter) -> None:
    for _ in range(2):
        WebhookDestination(receiver.url, [SECRET]).send(letter)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {"run_1-webhook"}


@pytest.mark.parametrize(
    ("answer", "delay", "words"),
    [
        pytest.param(answers(500), None, "it answered 500", id="server error"),
        pytest.param(answers(429, Retry_After="7"), 7.0, "it answered 429", id="too many"),
        pytest.param(answers(503, Retry_After="900"), 30.0, "it answered 503", id="asks for too long"),
        pytest.param(hangs_up, None, "the connection broke off", id="hangs up"),
        pytest.param(hangs, None, "it did not answer in time", id="hangs"),
        pytest.param(drips, None, "it did not answer in time", id="drips"),
    ],
)
def test_what_may_pass_is_worth_another_try(
    answer: Answer, delay: float | None, words: str, receiver: Receiver, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "post", quickly)
    receiver.script(answer)
    with pytest.raises(TransientError, match=words) as error:
        WebhookDestination(receiver.url, [SECRET]).send(letter)
    assert error.value.delay == delay


def test_nobody_there_is_worth_another_try(letter: Letter) -> None:
    with pytest.raises(TransientError, match="it cannot be reached"):
        WebhookDestination("http://127.0.0.1:1/hook", [SECRET]).send(letter)


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_final(status: int, receiver: Receiver, letter: Letter) -> None:
    receiver.script(answers(status))
    with pytest.raises(PermanentError, match=f"it answered {status}"):
        WebhookDestination(receiver.url, [SECRET]).send(letter)


def test_a_redirect_is_not_followed(receiver: Receiver, letter: Letter) -> None:
    receiver.script(answers(307, Location=f"{receiver.url}/elsewhere"))
    with pytest.raises(PermanentError, match="redirects are not followed"):
        WebhookDestination(receiver.url, [SECRET]).send(letter)
    assert len(receiver.requests) == 1


def test_an_answer_is_not_unpacked(receiver: Receiver, letter: Letter) -> None:
    """4 MB of it were 1 GB in the service, and what could not be unpacked was sent again, though it was taken."""
    receiver.script(answers(200, "no gzip", Content_Encoding="gzip"))
    WebhookDestination(receiver.url, [SECRET]).send(letter)
    [request] = receiver.requests
    assert request.headers["accept-encoding"] == "identity"


real_post = http.post


def quickly(url: str, body: bytes, headers: dict[str, str]) -> http.Reply:
    return real_post(url, body, headers, silence=0.5, whole=1.0)
