"""Events: what is encoded is decoded again, whatever a model or a command has produced."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.errors import PermanentError
from orchestrator.events import (
    RunCancelled,
    RunComplete,
    RunError,
    RunProgress,
    RunRequested,
    dumps,
    encode_body,
    end_code,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def encode(number: int, type: str, data: Any, **extra: Any) -> bytes:
    return f'{{"id":{number},{encode_body("run_1", type, data, "model-1", 2, extra)}'.encode()


@given(JSON)
def test_any_data_survives(data: Any) -> None:
    event = RunProgress.model_validate_json(encode(7, "text", data))
    assert (event.id, event.run_id, event.type, event.step, event.attempt) == (7, "run_1", "text", "model-1", 2)
    assert event.data == data


@given(st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF) | st.characters(), min_size=1))
def test_any_text_can_be_sent_even_half_a_character(text: str) -> None:
    raw = encode(1, "text", text)
    assert b"\n" not in raw and b"\r" not in raw
    assert isinstance(json.loads(raw)["data"], str)


def test_an_error_event_carries_its_code_and_receipt() -> None:
    receipt = {"stepsDone": ["prepare"], "stepInterrupted": None, "filesWritten": []}
    event = RunProgress.model_validate_json(encode(3, "error", "no", code="cancelled", receipt=receipt))
    assert (event.code, event.receipt) == ("cancelled", receipt)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b'{"id":1}', b"[]", encode(1, "text", "x").replace(b"runId", b"run_"), encode(1, "x", 1, more=1)],
    ids=["empty", "nothing", "only-id", "list", "misspelt", "more"],
)
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        RunProgress.model_validate_json(raw)


def test_compact_json_keeps_characters() -> None:
    assert dumps({"a": [1, "é😀"]}) == '{"a":[1,"é😀"]}'


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (
            RunRequested,
            {"runId": "run_1", "projectId": "p", "value": "v", "model": "auto", "generation": 0, "framework": None},
        ),
        (
            RunComplete,
            {
                **{"runId": "run_1", "projectId": "p", "title": "t", "summary": "s"},
                **{"outcome": "partial", "missing": "the rest"},
            },
        ),
        (RunError, {"runId": "run_1", "projectId": "p", "error": "e", "code": "failed"}),
        (RunCancelled, {"runId": "run_1"}),
        (
            RunProgress,
            {
                **{"id": 1, "runId": "run_1", "type": "text", "data": "x", "timestamp": 1},
                **{"step": "s", "attempt": 0, "code": None, "receipt": None, "truncated": None},
            },
        ),
    ],
)
def test_inngest_events_are_camel_case_and_take_nothing_else(model: Any, data: dict[str, Any]) -> None:
    assert model.model_validate(data).model_dump(by_alias=True) == data
    with pytest.raises(ValidationError):
        model.model_validate({**data, "extra": 1})


@pytest.mark.parametrize("run_id", ["", "a b", "../up", "x" * 65, "é", "a\n", "{run}"])
def test_a_run_id_is_a_plain_name(run_id: str) -> None:
    with pytest.raises(ValidationError):
        RunRequested(run_id=run_id, project_id="p", value="v")


@pytest.mark.parametrize(("code", "expected"), [("timeout", "timeout"), ("failed", "failed"), ("other", "failed")])
def test_a_permanent_error_becomes_one_of_the_known_codes(code: str, expected: str) -> None:
    assert end_code(PermanentError("no", code=code)) == expected
