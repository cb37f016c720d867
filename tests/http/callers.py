"""A service with two callers, and requests as one of them."""

from collections.abc import Mapping
from typing import Any

import httpx
import redis

from lab.service import Service

WEB, CI = "web-key-0123456789abcdef", "ci-key-0123456789abcdefg"
KEYS = f"web:{WEB},ci:{CI}"
PROMPT = {"projectId": "p1", "value": "a tip calculator", "model": "offline"}
JSON = {"Accept": "application/json"}


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def start(service: Service, credential: str, **body: Any) -> str:
    """Start a run without watching it; its id."""
    answer = service.http.post("/agent/run", json=PROMPT | body, headers=JSON | bearer(credential))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["runId"])


def token(service: Service, key: str, **body: Any) -> str:
    answer = service.http.post("/agent/tokens", json=body, headers=bearer(key))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def ask(service: Service, call: tuple[str, str], headers: Mapping[str, str] | None = None) -> httpx.Response:
    method, path = call
    with service.http.stream(method, path, headers=headers, json=PROMPT if path.endswith("/run") else None) as response:
        if not response.headers["content-type"].startswith("text/event-stream"):
            response.read()
        return response


def runs_in(service: Service) -> int:
    """How many runs are stored."""
    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        return len(client.keys("agent:{*}:run"))


def calls_on(run_id: str) -> list[tuple[str, str]]:
    run = f"/agent/run/{run_id}"
    return [("GET", run), ("GET", f"{run}/events"), ("GET", f"{run}/poll"), ("POST", f"{run}/cancel")]
