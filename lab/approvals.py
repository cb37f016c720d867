"""Runs that wait until somebody allows a command: services here ask about whatever says `ask-me`."""

from typing import Any

import httpx
import redis

from lab.service import Service
from tools.processes import wait_until

APPROVE = {"AGENT_APPROVE": "*ask-me*"}
ID = "approval-1-1"


def answer(service: Service, run_id: str, approval_id: str = ID, **body: Any) -> httpx.Response:
    return service.http.post(f"/agent/run/{run_id}/approvals/{approval_id}", json=body)


def wait_until_asked(service: Service, run_id: str) -> dict[str, Any]:
    """The run as it waits."""
    wait_until(lambda: _show(service, run_id)["status"] == "waiting", 20, "the run to wait for its user")
    return _show(service, run_id)


def made_older(service: Service, run_id: str, ms: int) -> None:
    """As if the run had begun, and begun to wait, so much earlier."""
    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        run = f"agent:{{{run_id}}}:run"
        # Not `createdAt`: by that a project knows the run that has pinned its files.
        client.hset(run, "releasedAt", int(client.hget(run, "createdAt") or 0) - ms)
        client.hincrby(run, "beat", -ms)


def _show(service: Service, run_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = service.http.get(f"/agent/run/{run_id}").json()
    return shown
