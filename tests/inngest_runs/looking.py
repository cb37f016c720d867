"""What these scenarios look at."""

from typing import Any

import httpx
import redis

from lab.inngest import InngestExecutor, InngestServer, Run
from lab.service import Service
from lab.sse import Event
from tools.processes import wait_until

FUNCTION = "runwire-code-agent-run"


def kept(events: list[Event]) -> list[Event]:
    """What a viewer shows in the end: without what rollbacks discard, and without the rollbacks themselves."""
    discarded = {
        number
        for event in events
        if event["type"] == "rollback"
        for number in range(event["data"]["fromId"], event["data"]["toId"] + 1)
    }
    return [event for event in events if event["id"] not in discarded and event["type"] != "rollback"]


def text_of(events: list[Event]) -> str:
    return "".join(event["data"] for event in events if event["type"] == "text")


def stored_ids(service: Service, run_id: str) -> list[str]:
    """The stream ids of the stored events, in order."""
    with redis.Redis.from_url(service.env["REDIS_URL"], decode_responses=True) as client:
        return [entry for entry, _ in client.xrange(f"agent:{{{run_id}}}:log")]


def run_at(executor: InngestExecutor, run_id: str) -> Run:
    """The executor's one run of the function for our run, once it has ended."""
    wait_until(lambda: executor.runs_for(FUNCTION, runId=run_id), 20, f"{run_id} to get to Inngest")
    (run,) = executor.runs_for(FUNCTION, runId=run_id)
    wait_until(lambda: run.status != "Running", 20, f"{run_id} to end at Inngest")
    return run


def status_at(server: InngestServer, inngest_run_id: str) -> str:
    """How a run stands at Inngest. (The list of an event's runs may say "Completed" of a cancelled one.)"""
    answer = httpx.get(f"{server.base_url}/v1/runs/{inngest_run_id}", trust_env=False).raise_for_status()
    return str(answer.json()["data"]["status"])


def sent_events(executor: InngestExecutor, name: str, run_id: str) -> list[dict[str, Any]]:
    """The data of the events of this name that the service has sent for our run."""
    return [
        event["data"] for event in executor.events if event["name"] == name and event["data"].get("runId") == run_id
    ]
