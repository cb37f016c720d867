"""Chooses a new run's engine and hands the run to it."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from redis.exceptions import RedisError

from orchestrator.engines.direct import DirectEngine
from orchestrator.engines.inngest.engine import InngestEngine
from orchestrator.events import RunRequested, now_ms
from orchestrator.patience import patiently
from orchestrator.runlog import LogUnavailable, Refused, RunLog
from orchestrator.runlog.keys import DIRECT_RUNS, INNGEST_RUNS, RunKeys
from orchestrator.settings import Settings
from orchestrator.steps import DurableSteps

STORED_WITHIN_SECONDS: Final = 2.0
"""From the reservation of a run's place to its being stored; one that is not by then is forgotten."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    engine: Literal["inngest", "direct"]
    why: str
    """A sentence for people; the run's first status."""


class Dispatcher:
    def __init__(
        self, settings: Settings, run_log: RunLog, steps: DurableSteps, direct: DirectEngine, inngest: InngestEngine
    ) -> None:
        self._settings, self._log, self._steps = settings, run_log, steps
        self._direct, self._inngest = direct, inngest

    def choose(self) -> Choice:
        wanted = self._settings.agent_engine
        if wanted == "direct":
            return Choice("direct", "Accepted; the service runs the steps itself (AGENT_ENGINE=direct)")
        if wanted == "inngest" or not self._settings.dev:
            return Choice("inngest", "Accepted; Inngest runs the steps")
        if self._inngest.dev_functions() is not None:
            return Choice("inngest", f"Accepted; Inngest at {self._settings.inngest_url} runs the steps")
        url = self._settings.inngest_url
        return Choice("direct", f"Accepted; the service runs the steps itself, as no Inngest server answers at {url}")

    def due(self, choice: Choice) -> tuple[str, int]:
        """The sorted set in which a run is looked for should this process die, and from when on, in ms."""
        if choice.engine == "direct":
            return DIRECT_RUNS, now_ms() + int(STORED_WITHIN_SECONDS * 1000)
        return INNGEST_RUNS, now_ms() + int(self._settings.agent_pickup_timeout * 1000)

    def start(self, request: RunRequested, choice: Choice) -> None:
        """Hand in a run that is stored; nobody waits for Inngest. May be repeated."""
        if choice.engine == "direct":
            self._direct.submit(request.run_id)
        else:
            threading.Thread(target=self.send, args=(request,), name=f"send-{request.run_id}", daemon=True).start()

    def send(self, request: RunRequested) -> None:
        """Send the run's event to Inngest, or go without. Inngest drops a second one."""
        try:
            event = self._inngest.submit(request)
        except Exception as error:  # the SDK raises bare Exceptions too
            log.warning("inngest.send_failed run_id=%s error=%r", request.run_id, error)
            self._go_without(request.run_id)
            return
        with suppress(RedisError, LogUnavailable):  # the sweep sends it again, and Inngest drops it
            patiently(self._log.redis.hset, RunKeys(request.run_id).run, "inngestEvent", event)

    def _go_without(self, run_id: str) -> None:
        """Inngest may or may not have got the event; the claim keeps it from running twice."""
        try:
            if self._settings.agent_engine == "inngest":
                patiently(self._log.fail, run_id, "Inngest did not accept the run's event", "failed")
            elif patiently(self._log.claim, run_id, "direct"):
                sentence = "Inngest did not accept the run; the service runs the steps itself"
                self._steps.attempt(run_id, "fallback", lambda emit: emit("status", sentence))
                patiently(self._log.redis.zadd, DIRECT_RUNS, {run_id: now_ms()})
        except Refused:
            pass  # Inngest had got it after all
        except (RedisError, LogUnavailable) as error:
            log.warning("dispatch.redis_away run_id=%s error=%r", run_id, error)  # the sweep comes back to it
