"""The description holds every route there is, and what it says about answers is so."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from app import create_app
from lab.browser import Browser
from lab.service import Service
from lab.sse import run_to_end, start_run
from orchestrator.event_types import EVENT_TYPES
from orchestrator.settings import Settings
from orchestrator.web import answers

UNDESCRIBED = {"/api/inngest", "/openapi.json", "/docs", "/", "/console/<name>", "/console/session"}
"""Inngest's own protocol, the description itself, and the page for people."""


@pytest.fixture(scope="module")
def api(service: Service) -> dict[str, Any]:
    description: dict[str, Any] = service.http.get("/openapi.json").json()
    return description


def test_every_route_is_described_and_nothing_else(api: dict[str, Any]) -> None:
    settings = Settings(inngest_dev="1")
    rules = [rule for rule in create_app(settings).url_map.iter_rules() if rule.rule not in UNDESCRIBED]
    routes = {
        (re.sub(r"<(?:path:|project:)?(\w+)>", lambda match: "{" + _camel(match[1]) + "}", rule.rule), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/api/agent")  # the same calls where existing frontends make them
    }
    assert routes == {(path, method) for path, calls in api["paths"].items() for method in calls}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_every_reference_leads_somewhere(api: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/([^'\"]+)", repr(api)))
    assert named <= api["components"]["schemas"].keys()
    assert {kind.name for kind in EVENT_TYPES} < {
        one["title"] for one in api["components"]["schemas"]["Event"]["oneOf"]
    }


def test_real_answers_have_the_described_shapes(service: Service, unique: Callable[[str], str]) -> None:
    run_id = run_to_end(service, projectId=unique("shapes"), model="offline")[-1]["runId"]
    accept = {"Accept": "application/json"}
    body = {"projectId": unique("shapes"), "value": "a timer", "model": "offline"}
    started = service.http.post("/agent/run", json=body, headers=accept)
    chat = unique("chat")
    messages = [{"id": "u1", "role": "user", "parts": [{"type": "text", "text": "a timer"}]}]
    service.http.post("/api/chat", json={"id": chat, "messages": messages})
    real: list[tuple[type[BaseModel], httpx.Response]] = [
        (answers.StartedAnswer, started),
        (answers.RunAnswer, service.http.get(f"/agent/run/{run_id}")),
        (answers.RunAnswer, service.http.post(f"/agent/run/{start_run(service, model='offline')}/cancel")),
        (answers.PageAnswer, service.http.get(f"/agent/run/{run_id}/poll")),
        (answers.ModelsAnswer, service.http.get("/agent/models")),
        (answers.ChatCancelAnswer, service.http.post(f"/api/chat/{chat}/cancel")),
        (answers.TokenAnswer, service.http.post("/agent/tokens", json={"runId": run_id, "can": ["read"]})),
        (answers.LiveAnswer, service.http.get("/healthz")),
        (answers.ReadyAnswer, service.http.get("/readyz")),
        (answers.ErrorAnswer, service.http.get("/agent/run/unknown")),
    ]
    for model, response in real:
        model.model_validate_json(response.content)


@pytest.mark.browser
def test_the_page_for_people_lists_every_call_without_a_script(
    service: Service, browser: Browser, api: dict[str, Any]
) -> None:
    browser.open(f"{service.url}/docs")
    calls = sum(len(operations) for operations in api["paths"].values())
    assert browser.evaluate("document.querySelectorAll('h2 .method').length") == calls
    assert browser.evaluate("document.scripts.length") == 0
    broken = "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.querySelector(a.hash)).length"
    assert browser.evaluate(broken) == 0
