"""What callers accept, and what they send as a cursor: read from a request without a server."""

import flask
import pytest

from orchestrator.web import inputs
from orchestrator.web.errors import Problem

app = flask.Flask(__name__)


@pytest.mark.parametrize(
    ("accept", "wants_json", "wants_ids"),
    [
        (None, False, False),
        ("*/*", False, False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False, False),
        ("application/json", True, False),
        ("text/event-stream", False, True),
        ("text/event-stream, */*", False, True),
        ("application/json, text/event-stream;q=0.9", True, False),
        ("application/json;q=0.1, text/event-stream", False, True),
        ("APPLICATION/JSON", True, False),
    ],
)
def test_the_accept_header_chooses_the_answer(accept: str | None, wants_json: bool, wants_ids: bool) -> None:
    with app.test_request_context(headers={"Accept": accept} if accept else {}):
        assert (inputs.wants_json(), inputs.wants_ids()) == (wants_json, wants_ids)


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "", 0),
        ({"Last-Event-ID": "7"}, "", 7),
        ({}, "after=8", 8),
        ({"Last-Event-ID": "7"}, "after=8", 7),
        ({"Last-Event-ID": ""}, "after=8", 8),
        ({"Last-Event-ID": "007"}, "", 7),
    ],
)
def test_the_cursor_comes_from_the_header_or_the_query(headers: dict[str, str], query: str, expected: int) -> None:
    with app.test_request_context(f"/?{query}", headers=headers):
        assert inputs.cursor() == expected


@pytest.mark.parametrize("given", ["x", "-1", "+1", "1.0", "١", "1" * 16])
def test_a_cursor_that_is_no_number_is_a_problem(given: str) -> None:
    with app.test_request_context("/", query_string={"after": given}), pytest.raises(Problem) as problem:
        inputs.cursor()
    assert problem.value.status == 400


@pytest.mark.parametrize("given", ["run_1", "a-b_C9", "x" * 64])
def test_a_plain_run_id_is_taken(given: str) -> None:
    assert inputs.run_id(given) == given


@pytest.mark.parametrize("given", ["", "a.b", "a/b", "x" * 65, "run\n", "é"])
def test_any_other_run_id_is_unknown(given: str) -> None:
    with pytest.raises(Problem) as problem:
        inputs.run_id(given)
    assert problem.value.status == 404
