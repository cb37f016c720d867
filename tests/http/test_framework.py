"""`framework` in a request: the template that an empty project begins with; the result says what was built."""

from collections.abc import Callable

import pytest

from lab.llm import says, writes
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import run_to_end


@pytest.mark.parametrize("given", ["cobol", "", 7, ["static"]])
@pytest.mark.parametrize("path", ["/agent/run", "/api/chat"])
def test_an_unknown_template_is_refused_with_those_that_are_known(service: Service, path: str, given: object) -> None:
    messages = [{"id": "u1", "role": "user", "parts": [{"type": "text", "text": "x"}]}]
    body = {"projectId": "p", "value": "x", "id": "c", "messages": messages, "framework": given}
    answer = service.http.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "framework must be one of nextjs, python, static"
    assert answer.json()["details"] == {"frameworks": ["nextjs", "python", "static"]}


def test_the_result_says_what_was_built_whatever_was_asked_for(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("framework"), writes("a page"), says("Done."))
    events = run_to_end(scripted_service, value=prompt, framework="python")
    created = [event["data"]["path"] for event in events if event["type"] == "file-created"]
    assert created == ["main.py", "test_main.py", "index.html"]
    assert events[-1]["data"]["framework"] == "static"
