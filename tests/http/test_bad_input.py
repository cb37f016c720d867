"""Bad input gets a clear JSON answer with the right status, and changes nothing."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lab.service import Service
from orchestrator.project_ids import UNFIT

MISSING = "Missing required fields: projectId and value"
GOOD = {"projectId": "p1", "value": "a tip calculator"}
MODELS = ["auto", "offline"]

pytestmark = pytest.mark.usefixtures("changes_nothing")


def assert_problem(response: httpx.Response, status: int, error: str) -> dict[str, Any]:
    body = response.json()
    assert (response.status_code, body["error"]) == (status, error)
    assert response.headers["content-type"] == "application/json"
    assert body.keys() <= {"error", "details"}
    return dict(body)


@pytest.mark.parametrize("path", ["/agent/run", "/api/agent/run"])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param({}, MISSING, id="nothing"),
        pytest.param({"value": "x"}, MISSING, id="no-project"),
        pytest.param({"projectId": "p1"}, MISSING, id="no-value"),
        pytest.param({"projectId": "", "value": "x"}, MISSING, id="empty-project"),
        pytest.param({"projectId": "p1", "value": ""}, MISSING, id="empty-value"),
        pytest.param({"projectId": "p1", "value": None}, MISSING, id="null-value"),
        pytest.param({"projectId": "p1", "value": " \n\t"}, MISSING, id="blank-value"),
        pytest.param({"projectId": 7, "value": "x"}, "Wrong types", id="number-as-project"),
        pytest.param({"projectId": "p1", "value": ["x"]}, "Wrong types", id="list-as-value"),
        pytest.param({"projectId": "p1", "value": {"a": 1}}, "Wrong types", id="object-as-value"),
        pytest.param({"projectId": "p1", "value": True}, "Wrong types", id="boolean-as-value"),
        pytest.param(
            {**GOOD, "onConflict": "wait"}, "onConflict must be one of queue, reject, cancel", id="unknown-conflict"
        ),
        pytest.param(
            {**GOOD, "onConflict": ["queue"]}, "onConflict must be one of queue, reject, cancel", id="list-as-conflict"
        ),
        pytest.param({**GOOD, "model": 4}, "Wrong types", id="number-as-model"),
        pytest.param({**GOOD, "model": "gpt-9"}, "Unknown model 'gpt-9'", id="unknown-model"),
        pytest.param({**GOOD, "model": ""}, "Unknown model ''", id="empty-model"),
        pytest.param({**GOOD, "value": "x" * 51}, "value is too long", id="over-long-value"),
        pytest.param(
            {**GOOD, "projectId": "p" * 201},
            "projectId must be printable and have at most 200 characters",
            id="over-long-project",
        ),
        pytest.param(
            {**GOOD, "projectId": "p\n1"},
            "projectId must be printable and have at most 200 characters",
            id="line-break-in-project",
        ),
        *(
            pytest.param({**GOOD, "projectId": given}, UNFIT, id=f"project-{given}")
            for given in ("/p", "..", "a/./b", "a/..", "p.zip", "p/files/a", "p/preview")
        ),
    ],
)
def test_a_wrong_request_is_refused_with_400(
    strict_service: Service, path: str, body: dict[str, Any], error: str
) -> None:
    assert_problem(strict_service.http.post(path, json=body), 400, error)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*"])
def test_a_refusal_is_json_whatever_the_caller_accepts(strict_service: Service, accept: str) -> None:
    assert_problem(strict_service.http.post("/agent/run", json={}, headers={"Accept": accept}), 400, MISSING)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"", "The body is not valid JSON", id="empty"),
        pytest.param(b"hello", "The body is not valid JSON", id="text"),
        pytest.param(b'{"projectId": "p1", "value": ', "The body is not valid JSON", id="cut-off"),
        pytest.param(b"projectId=p1&value=x", "The body is not valid JSON", id="form"),
        pytest.param(b'{"projectId": "p1", "value": "\xff"}', "The body is not valid JSON", id="not-utf-8"),
        pytest.param(b'{"projectId": "p1", "value": "\\ud800"}', "The body is not valid JSON", id="lone-surrogate"),
        pytest.param(b"[" * 1500, "The body is not valid JSON", id="nested-too-deep"),
        pytest.param(b"[]", "The body must be a JSON object, not list", id="list"),
        pytest.param(b'"text"', "The body must be a JSON object, not str", id="string"),
        pytest.param(b"null", "The body must be a JSON object, not NoneType", id="null"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_with_400(strict_service: Service, raw: bytes, error: str) -> None:
    response = strict_service.http.post("/agent/run", content=raw, headers={"Content-Type": "application/json"})
    assert_problem(response, 400, error)


def test_an_unknown_model_is_answered_with_the_known_ones(strict_service: Service) -> None:
    response = strict_service.http.post("/agent/run", json={**GOOD, "model": "gpt-9"})
    assert response.json()["details"] == {"models": MODELS}


def test_a_wrong_type_is_named_with_its_field(strict_service: Service) -> None:
    response = strict_service.http.post("/agent/run", json={"projectId": 7, "value": ["x"]})
    wrong = {"projectId": "expected a string, got int", "value": "expected a string, got list"}
    assert response.json()["details"] == wrong


def test_an_over_long_value_is_answered_with_the_limit(strict_service: Service) -> None:
    response = strict_service.http.post("/agent/run", json={**GOOD, "value": "x" * 51})
    assert response.json()["details"] == {"characters": 51, "allowed": 50}


@pytest.mark.parametrize("size", [2001, 5_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["with-length", "chunked"])
def test_a_body_that_is_too_large_is_refused_with_413(strict_service: Service, size: int, chunked: bool) -> None:
    body = b'{"projectId": "p1", "value": "' + b"x" * size + b'"}'
    content = iter([body[:1000], body[1000:]]) if chunked else body
    response = _post_and_tolerate_a_reset(strict_service, content)
    if response is not None:  # refused while it was still being sent: some clients see only the closed connection
        assert response.status_code == 413
        assert "error" in response.json()


def test_a_chunked_body_within_the_limit_is_read(strict_service: Service) -> None:
    response = strict_service.http.post("/agent/run", content=iter([b'{"projectId": "p1", ', b'"value": ""}']))
    assert_problem(response, 400, MISSING)


def _post_and_tolerate_a_reset(service: Service, content: Any) -> httpx.Response | None:
    try:
        return service.http.post("/agent/run", content=content)
    except (httpx.WriteError, httpx.ReadError):
        return None


@pytest.mark.parametrize(
    "key", [pytest.param("k" * 10_000, id="10-kB"), pytest.param("k" * 256, id="256"), pytest.param("", id="empty")]
)
def test_a_bad_idempotency_key_is_refused(strict_service: Service, key: str) -> None:
    response = strict_service.http.post("/agent/run", json=GOOD, headers={"Idempotency-Key": key})
    assert response.status_code in (400, 431)  # gunicorn itself refuses a header line above 8 kB
    if response.status_code == 400 and len(key) < 8000:
        assert_problem(response, 400, "Idempotency-Key must have 1 to 255 printable characters")


Call = Callable[[httpx.Client, str], httpx.Response]
ROUTES = [
    pytest.param(lambda http, run: http.get(run), id="show"),
    pytest.param(lambda http, run: http.get(f"{run}/events"), id="events"),
    pytest.param(lambda http, run: http.get(f"{run}/poll"), id="poll"),
    pytest.param(lambda http, run: http.post(f"{run}/cancel"), id="cancel"),
]


@pytest.mark.parametrize("base", ["/agent/run", "/api/agent/run"])
@pytest.mark.parametrize("call", ROUTES)
@pytest.mark.parametrize(
    "run_id",
    [
        pytest.param("run_unknown", id="never-seen"),
        pytest.param("x" * 65, id="too-long"),
        pytest.param("a%20b", id="space"),
        pytest.param("a%00b", id="nul"),
        pytest.param("r%C3%BCn", id="not-ascii"),
        pytest.param("%7Brun%7D:run", id="looks-like-a-key"),
        pytest.param("*", id="pattern"),
        pytest.param("a%0Ab", id="line-break"),
    ],
)
def test_an_unknown_run_is_404_on_every_route(strict_service: Service, base: str, call: Call, run_id: str) -> None:
    assert_problem(call(strict_service.http, f"{base}/{run_id}"), 404, "Unknown or expired run")


@pytest.mark.parametrize("route", ["events", "poll"])
@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
@pytest.mark.parametrize(
    "given",
    [
        pytest.param("abc", id="text"),
        pytest.param("-1", id="negative"),
        pytest.param("1.5", id="fraction"),
        pytest.param("1e3", id="exponent"),
        pytest.param("0x10", id="hex"),
        pytest.param("1 2", id="two-numbers"),
        pytest.param("9" * 16, id="too-many-digits"),
    ],
)
def test_a_cursor_that_is_no_event_id_is_refused(
    strict_service: Service, finished_run: tuple[str, int], route: str, by: str, given: str
) -> None:
    response = _read_after(strict_service, finished_run[0], route, by, given)
    assert_problem(response, 400, f"{by} must be the id of an event: a number from 0, got {given!r}")


@pytest.mark.parametrize("route", ["events", "poll"])
@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_a_cursor_beyond_the_end_is_refused_and_told_the_end(
    strict_service: Service, finished_run: tuple[str, int], route: str, by: str
) -> None:
    run_id, last = finished_run
    response = _read_after(strict_service, run_id, route, by, str(last + 1))
    body = assert_problem(response, 400, f"There is no event {last + 1} yet: the run's last one is {last}")
    assert body["details"] == {"last": last}


def _read_after(service: Service, run_id: str, route: str, by: str, given: str) -> httpx.Response:
    url = f"/agent/run/{run_id}/{route}"
    if by == "Last-Event-ID":
        return service.http.get(url, headers={by: given})
    return service.http.get(url, params={by: given})


@pytest.mark.parametrize("wait", ["-1", "61", "abc", "nan", "inf", "1e9"])
def test_a_wait_out_of_range_is_refused(strict_service: Service, finished_run: tuple[str, int], wait: str) -> None:
    response = strict_service.http.get(f"/agent/run/{finished_run[0]}/poll", params={"wait": wait})
    assert_problem(response, 400, f"wait must be a number of seconds from 0 to 60, got {wait!r}")


def test_a_post_with_a_cursor_that_is_no_number_starts_nothing(strict_service: Service) -> None:
    headers = {"Idempotency-Key": "a-new-key", "Last-Event-ID": "abc"}
    response = strict_service.http.post("/agent/run", json=GOOD, headers=headers)
    assert_problem(response, 400, "Last-Event-ID must be the id of an event: a number from 0, got 'abc'")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("GET", "/agent/run", {"POST", "OPTIONS"}, id="get-run"),
        pytest.param("DELETE", "/agent/run", {"POST", "OPTIONS"}, id="delete-run"),
        pytest.param("PUT", "/agent/run/run_1", {"GET", "HEAD", "OPTIONS", "DELETE"}, id="put-one"),
        pytest.param("POST", "/agent/run/run_1/events", {"GET", "HEAD", "OPTIONS"}, id="post-events"),
        pytest.param("GET", "/agent/run/run_1/cancel", {"POST", "OPTIONS"}, id="get-cancel"),
        pytest.param("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}, id="post-healthz"),
    ],
)
def test_a_wrong_method_is_405_and_told_the_right_ones(
    strict_service: Service, method: str, path: str, allowed: set[str]
) -> None:
    response = strict_service.http.request(method, path)
    assert_problem(response, 405, "The method is not allowed for the requested URL.")
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["/nothing", "/agent", "/agent/run/run_1/nothing", "/agent/run/a/b/events"])
def test_an_unknown_path_is_404_as_json(strict_service: Service, path: str) -> None:
    response = strict_service.http.get(path)
    assert response.status_code == 404
    assert response.json()["error"].startswith("The requested URL was not found")
