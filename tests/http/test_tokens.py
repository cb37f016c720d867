"""A token opens the run or the project that it names, for what it says, until it expires, and nothing else."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.service import Service
from lab.sse import EVENT_STREAM, assert_whole, sse_events
from tests.conftest import StartService, next_database
from tests.http.callers import CI, JSON, KEYS, PROMPT, WEB, ask, bearer, calls_on, start, token
from tools.processes import wait_until
from tools.redis_server import RedisServer

CALLS = {"show": 0, "events": 1, "poll": 2, "cancel": 3}


@pytest.fixture(scope="module")
def guarded(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {
        "AGENT_ENGINE": "direct",
        "AGENT_API_KEYS": KEYS,
        "AGENT_OFFLINE_DELAY": "0.1",
        "GUNICORN_CMD_ARGS": "--access-logfile -",
        "LOG_LEVEL": "DEBUG",
    }
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        yield running


def status_of(service: Service, call: tuple[str, str], given: str) -> int:
    """By header and by query, which must be answered alike."""
    method, path = call
    by_query = ask(service, (method, f"{path}?token={given}")).status_code
    assert ask(service, call, bearer(given)).status_code == by_query
    return by_query


@pytest.mark.parametrize("what", ["runId", "projectId"])
def test_a_token_opens_what_it_names_as_far_as_it_can(
    guarded: Service, what: str, unique: Callable[[str], str]
) -> None:
    project, other_project = unique("p"), unique("p")
    run_id, other = start(guarded, WEB, projectId=project), start(guarded, WEB, projectId=other_project)
    named = {what: run_id if what == "runId" else project}
    reads, cancels = token(guarded, WEB, can=["read"], **named), token(guarded, WEB, can=["cancel"], **named)
    run, others = calls_on(run_id), calls_on(other)
    assert [status_of(guarded, call, reads) for call in run[:3]] == [200] * 3
    assert status_of(guarded, run[3], reads) == 403
    assert [status_of(guarded, call, cancels) for call in run[:3]] == [403] * 3
    assert status_of(guarded, run[3], cancels) == 202
    assert {status_of(guarded, call, given) for call in others for given in (reads, cancels)} == {404}
    steers, message = token(guarded, WEB, can=["steer"], **named), ("POST", f"/agent/run/{run_id}/messages")
    assert status_of(guarded, message, steers) == 400  # without a body
    assert {status_of(guarded, call, steers) for call in run} == {403}
    assert status_of(guarded, ("POST", f"/agent/run/{other}/messages"), steers) in (400, 404)
    allows, question = token(guarded, WEB, can=["approve"], **named), f"/agent/run/{run_id}/approvals/approval-1-1"
    assert status_of(guarded, ("POST", question), allows) == 400
    answers = [guarded.http.post(question, json={"allow": True}, headers=bearer(given)) for given in (allows, steers)]
    assert [answer.status_code for answer in answers] == [409, 403]  # the run is cancelled
    assert {status_of(guarded, ("GET", "/agent/models"), given) for given in (reads, cancels)} == {403}


def test_only_a_projects_start_token_starts_runs_there(guarded: Service, unique: Callable[[str], str]) -> None:
    project = unique("p")
    run_id = start(guarded, WEB, projectId=project)
    starts = token(guarded, WEB, projectId=project, can=["start"])
    assert start(guarded, starts, projectId=project).startswith("run_")
    elsewhere = guarded.http.post("/agent/run", json=PROMPT | {"projectId": unique("p")}, headers=bearer(starts))
    assert (elsewhere.status_code, elsewhere.json()) == (404, {"error": "Unknown project"})
    for given in (
        token(guarded, WEB, projectId=project, can=["read"]),
        token(guarded, WEB, runId=run_id, can=["read"]),
    ):
        refused = guarded.http.post("/agent/run", json=PROMPT | {"projectId": project}, headers=bearer(given))
        assert refused.status_code in (403, 404)
    assert [status_of(guarded, call, starts) for call in calls_on(run_id)] == [403] * 4


def test_who_may_only_start_runs_replaces_none_with_one(guarded: Service, unique: Callable[[str], str]) -> None:
    """`onConflict: "cancel"` cancelled whatever else of the project was unfinished."""
    project = unique("p")
    run_id = start(guarded, WEB, projectId=project)
    body = PROMPT | {"projectId": project, "onConflict": "cancel"}
    starts = token(guarded, WEB, projectId=project, can=["start"])
    message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "a tip calculator"}]}
    chat = {"id": project, "messages": [message], "onConflict": "cancel"}
    for path, asked in (("/agent/run", body), ("/api/chat", chat)):
        refused = guarded.http.post(path, json=asked, headers=bearer(starts))
        assert refused.status_code == 403 and "does not allow to cancel" in refused.text
    assert guarded.http.get(f"/agent/run/{run_id}", headers=bearer(WEB)).json()["status"] != "cancelled"
    both = token(guarded, WEB, projectId=project, can=["start", "cancel"])
    assert guarded.http.post("/agent/run", json=body, headers=bearer(both) | JSON).status_code == 202
    wait_until(
        lambda: guarded.http.get(f"/agent/run/{run_id}", headers=bearer(WEB)).json()["status"] == "cancelled",
        10,
        "the run to be replaced",
    )


def test_a_streamed_post_answers_a_token_that_reads_and_cancels_its_run(
    guarded: Service, unique: Callable[[str], str]
) -> None:
    starts = token(guarded, WEB, projectId=(project := unique("p")), can=["start"])
    body = PROMPT | {"projectId": project}
    with guarded.http.stream("POST", f"/agent/run?token={starts}", json=body, headers=EVENT_STREAM) as response:
        run_id, given = response.headers["x-run-id"], response.headers["x-stream-token"]
    assert [status_of(guarded, call, given) for call in calls_on(run_id)] == [200, 200, 200, 202]
    with guarded.http.stream("GET", f"/agent/run/{run_id}/events?token={given}", headers=EVENT_STREAM) as response:
        assert_whole(list(sse_events(response)))
    assert guarded.http.post("/agent/run", json=body, headers=bearer(given)).status_code == 403


def test_a_token_ends_by_itself(guarded: Service, unique: Callable[[str], str]) -> None:
    run_id = start(guarded, WEB, projectId=unique("p"))
    answer = guarded.http.post(
        "/agent/tokens", json={"runId": run_id, "can": ["read", "read"], "expiresIn": 1}, headers=bearer(WEB)
    ).json()
    assert answer.keys() == {"token", "expiresAt", "can", "runId"} and answer["can"] == ["read"]
    assert time.time() * 1000 < answer["expiresAt"] + 1000 <= time.time() * 1000 + 2000
    given, show = answer["token"], calls_on(run_id)[0]
    wait_until(lambda: ask(guarded, show, bearer(given)).status_code == 401, 5, "the token to expire")
    refused = ask(guarded, show, bearer(given))
    assert refused.json() == {"error": "This token has expired: ask for a new one"}
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert status_of(guarded, show, given) == 401


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda given: given[:-1] + ("A" if given[-1] != "A" else "B"), id="signature"),
        pytest.param(lambda given: given[:4] + "x" + given[5:], id="content"),
        pytest.param(lambda given: given.partition(".")[0], id="no-signature"),
        pytest.param(lambda given: "rwt_", id="prefix-only"),
        pytest.param(lambda given: "rwt_W10.AAAA", id="made-up"),
        pytest.param(lambda given: given.removeprefix("rwt_"), id="no-prefix"),
    ],
)
def test_a_token_that_was_changed_opens_nothing(
    guarded: Service, change: Callable[[str], str], unique: Callable[[str], str]
) -> None:
    run_id = start(guarded, WEB, projectId=unique("p"))
    given = change(token(guarded, WEB, runId=run_id, can=["read", "cancel"]))
    for call in calls_on(run_id):
        assert ask(guarded, call, bearer(given)).status_code in (401, 403)
        if given.startswith("rwt_"):
            assert ask(guarded, (call[0], f"{call[1]}?token={given}")).status_code == 401


def test_an_api_key_in_the_address_is_not_taken(guarded: Service) -> None:
    """Addresses are kept in histories and logs; a token ends by itself, a key does not."""
    answer = ask(guarded, ("GET", f"/agent/models?token={WEB}"))
    assert (answer.status_code, answer.json()) == (401, {"error": "This token is not valid"})


def test_a_token_makes_no_token(guarded: Service, unique: Callable[[str], str]) -> None:
    given = token(guarded, WEB, projectId=(project := unique("p")), can=["start", "read", "cancel"])
    body = {"projectId": project, "can": ["read"]}
    assert guarded.http.post("/agent/tokens", json=body, headers=bearer(given)).status_code == 403
    assert guarded.http.post(f"/agent/tokens?token={given}", json=body).status_code == 403


def test_nobody_gets_a_token_for_what_is_not_theirs(guarded: Service, unique: Callable[[str], str]) -> None:
    run_id = start(guarded, WEB, projectId=(project := unique("p")))
    for named, error in (({"runId": run_id}, "Unknown or expired run"), ({"projectId": project}, "Unknown project")):
        answer = guarded.http.post("/agent/tokens", json={**named, "can": ["read"]}, headers=bearer(CI))
        assert (answer.status_code, answer.json()) == (404, {"error": error})


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        pytest.param(
            {"can": ["read"]}, {"body": "Value error, expected either projectId or runId"}, id="names-nothing"
        ),
        pytest.param(
            {"projectId": "p", "runId": "r", "can": ["read"]}, {"body": "Value error, expected either"}, id="both"
        ),
        pytest.param(
            {"runId": "r", "can": ["start"]}, {"body": "Value error, a token for a run cannot start"}, id="start"
        ),
        pytest.param({"projectId": "p"}, {"can": "Field required"}, id="no-can"),
        pytest.param({"projectId": "p", "can": []}, {"can": "List should have at least 1 item"}, id="can-nothing"),
        pytest.param(
            {"projectId": "p", "can": ["write"]}, {"can.0": "Input should be 'start', 'read', "}, id="can-else"
        ),
        pytest.param(
            {"projectId": "p", "can": ["read"], "expiresIn": 0}, {"expiresIn": "Input should be gre"}, id="0-s"
        ),
        pytest.param(
            {"projectId": "p", "can": ["read"], "expiresIn": 86_401}, {"expiresIn": "Input should be"}, id="day"
        ),
        pytest.param(
            {"projectId": "p", "can": ["read"], "expiresIn": "9"}, {"expiresIn": "Input should be"}, id="text"
        ),
        pytest.param({"projectId": "p", "can": ["read"], "admin": True}, {"admin": "Extra inputs are not"}, id="more"),
    ],
)
def test_a_wrong_request_for_a_token_is_told_what_is_wrong(
    guarded: Service, body: dict[str, Any], wrong: dict[str, str]
) -> None:
    answer = guarded.http.post("/agent/tokens", json=body, headers=bearer(WEB))
    assert (answer.status_code, answer.json()["error"]) == (400, "The body is not as expected")
    details = answer.json()["details"]
    assert details.keys() == wrong.keys() and all(details[name].startswith(said) for name, said in wrong.items())


def test_no_log_line_redirect_or_error_shows_a_token(guarded: Service, unique: Callable[[str], str]) -> None:
    """gunicorn's access log, with the whole address in it, is on here."""
    run_id = start(guarded, WEB, projectId=unique("p"))
    given = token(guarded, WEB, runId=run_id, can=["read"])
    for path in (f"/agent/run/{run_id}", f"//agent//run/{run_id}", f"/agent/run/{run_id}/", "/agent/run", "/nowhere"):
        answer = guarded.http.get(f"{path}?token={given}", follow_redirects=False)
        shown = answer.text + str(answer.headers)
        assert given not in shown and answer.headers["referrer-policy"] == "no-referrer"
        assert "location" not in answer.headers
    refused = _raw(guarded, f"GET /agent/run/{run_id}?token={given} not HTTP\r\n\r\n")
    assert refused.startswith("HTTP/1.1 400") and given not in refused and '{"error": ' in refused
    assert "GET /agent/run" in guarded.log()
    assert not re.search("rwt_[A-Za-z0-9.]", guarded.log())


def test_without_keys_tokens_are_the_same_for_all_workers_and_after_a_restart(
    start_service: StartService, unique: Callable[[str], str]
) -> None:
    service = start_service(workers=2, AGENT_OFFLINE_DELAY="0")
    answer = service.http.post("/agent/run", json=PROMPT | {"projectId": unique("p")}, headers=JSON)
    run_id, given = answer.json()["runId"], answer.headers["x-stream-token"]
    show, elsewhere = calls_on(run_id)[0], calls_on("run_1")[0]
    assert {ask(service, show, bearer(given)).status_code for _ in range(20)} == {200}
    service.stop()
    service.restart()
    assert {ask(service, show, bearer(given)).status_code for _ in range(20)} == {200}
    assert ask(service, elsewhere, bearer(given)).status_code == 404
    assert ask(service, show, bearer(given + "x")).status_code == 401


def test_a_token_ends_with_its_key(start_service: StartService, unique: Callable[[str], str]) -> None:
    secret = "the-same-secret-for-both-0123456789"
    before = start_service(AGENT_API_KEYS=KEYS, SECRET_KEY=secret)
    run_id = start(before, WEB, projectId=unique("p"))
    given, show = token(before, WEB, runId=run_id, can=["read"]), calls_on(run_id)[0]
    after = start_service(AGENT_API_KEYS=f"web:another-{WEB},ci:{CI}", SECRET_KEY=secret)
    assert ask(before, show, bearer(given)).status_code == 200
    assert ask(after, show, bearer(given)).status_code == 401
    assert ask(after, show, bearer(f"another-{WEB}")).status_code == 200


def _raw(service: Service, request: str) -> str:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer.decode()
