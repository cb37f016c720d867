"""The third storm: Inngest's server itself dies, in each of the ways that are known, while runs go on.

A round for each way: an Inngest, a service that may also run the steps itself (AGENT_ENGINE=auto), a share of the runs,
and one death at a random moment. Every run must complete, whatever became of its engine.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import redis

from bench.chaos.clients import WatchedRun
from bench.chaos.faults import Breaker
from bench.chaos.ledger import Stored, stored_events, timestamp
from bench.chaos.scene import FUNCTION_ID, INNGEST_RETRY_SECONDS, SETTINGS, WORKERS, Scene
from bench.chaos.storm import Outcome, Plan, count, make_starters, wait_for_all
from lab.inngest import InngestExecutor, InngestServer, RealInngest
from lab.service import Service
from tools.redis_server import RedisServer

AWAY_SECONDS = 5.0
FROZEN_SECONDS = 30.0


def killed(inngest: InngestServer) -> None:
    inngest.die()


def restarted(inngest: InngestServer) -> None:
    inngest.die()
    time.sleep(AWAY_SECONDS)
    inngest.come_back(remembers=True)


def forgot(inngest: InngestServer) -> None:
    inngest.die()
    time.sleep(AWAY_SECONDS)
    inngest.come_back(remembers=False)


def frozen(inngest: InngestServer) -> None:
    with inngest.frozen():
        time.sleep(FROZEN_SECONDS)


DEATHS: dict[str, Callable[[InngestServer], None]] = {
    "Inngest killed for good": killed,
    "Inngest killed, restarted with its state": restarted,
    "Inngest killed, restarted without it": forgot,
    "Inngest frozen for 30 s": frozen,
}
QUICK_DEATHS = ("Inngest killed for good",)


def storm_of_deaths(plan: Plan, folder: Path, say: Callable[[str], None], deaths: tuple[str, ...]) -> Outcome:
    """`plan.runs` are shared out among the rounds, each of which takes `plan.seconds` to start its runs."""
    outcome = Outcome(plan)
    shares = [plan.runs // len(deaths) + (number < plan.runs % len(deaths)) for number in range(len(deaths))]
    for number, (name, runs) in enumerate(zip(deaths, shares, strict=True)):
        _round(Plan(plan.engine, runs, 1, plan.seconds, plan.calm), folder / str(number), name, outcome)
        say(f"{name}: {sum(outcome.ends.values())} runs ended so far")
    return outcome


def _round(plan: Plan, folder: Path, name: str, outcome: Outcome) -> None:
    with mortal_scene(folder) as (stage, inngest):
        breaker = Breaker(stage)
        starters = make_starters(plan, stage, cancel=False)
        for starter in starters:
            starter.start()
        time.sleep(random.uniform(0.2, 0.8) * plan.seconds)
        died = time.time()
        DEATHS[name](inngest)  # in this thread, with which a real server that it starts would die
        watched = wait_for_all(starters, time.monotonic() + plan.seconds + plan.calm, outcome)
        outcome.faults[name] += 1
        before = outcome.ends["complete"]
        count(watched, stage, breaker, plan, outcome)
        outcome.losses.bad_runs += len(watched) - (outcome.ends["complete"] - before)
        outcome.silence += _silences(watched, stage, died)
        breaker.close()


def _silences(watched: list[WatchedRun], stage: Scene, died: float) -> list[float]:
    """The longest silence of each run that was unfinished at the death, from then on; in seconds."""
    with redis.Redis.from_url(stage.redis.url) as client:
        logs = [stored_events(client, run.run_id) for run in watched]
    return [longest for log in logs if (longest := _silence(log, died)) is not None]


def _silence(stored: Stored, died: float) -> float | None:
    times = [timestamp(event) for _, event in stored]
    if not times or times[0] > died or times[-1] < died:
        return None
    after = [died, *(at for at in times if at >= died)]
    return max(later - sooner for sooner, later in pairwise(after))


@contextmanager
def mortal_scene(folder: Path, app: str = "wsgi:app") -> Iterator[tuple[Scene, InngestServer]]:
    """A service that may run its steps at an Inngest that can die (the real one that INNGEST_CLI names) or itself."""
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder / "redis", aof=True, fsync="always"))
        inngest: InngestServer
        if os.environ.get("INNGEST_CLI"):
            inngest = stack.enter_context(RealInngest.from_environment(folder / "inngest"))
        else:
            inngest = stack.enter_context(
                InngestExecutor(retry_delay=INNGEST_RETRY_SECONDS, minimum_retry_after=INNGEST_RETRY_SECONDS)
            )
        env = SETTINGS | {"AGENT_ENGINE": "auto", "AGENT_SANDBOX_DIR": str(folder / "sandboxes")}
        env |= inngest.environment()
        service = stack.enter_context(Service(server.url, folder / "service", workers=WORKERS, env=env, app=app))
        inngest.wait_for_function(FUNCTION_ID)
        yield Scene("inngest", server, service, None), inngest
