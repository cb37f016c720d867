"""`python -m bench.chaos.frontends`: other protocols' real clients in the same storm; prints a table.

`ai` 7, `ai` 6 and AG-UI's HttpAgent in Node, React's useChat in Chromium. What each of them shows in the end is held
against the fold of the log. Ends with 1 when any differs. With `--engine failover` INNGEST_CLI may name a real server.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import redis

from bench.chaos.deaths import AWAY_SECONDS, mortal_scene
from bench.chaos.faults import Breaker, Injections
from bench.chaos.ledger import stored_events
from bench.chaos.lines import Lines
from bench.chaos.scene import Engine, Scene, scene
from lab.browser import Browser
from lab.client_checks import check_ag_ui, check_ui_message
from lab.inngest import InngestServer
from tools.clients import CLIENTS, build, node
from tools.examples import APP
from tools.processes import bound_to_parent, wait_until

CLIENT_NAMES: Final = ("ai7", "ai6", "ag-ui", "useChat")
LONGEST_SHARE: Final = 6.0
"""The last runs begin after the time that was asked for: only so many of each client go on at once."""
NOTES_SHOWN: Final = 10


@dataclass
class Outcome:
    engine: Engine
    faults: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    rollbacks: int = 0
    reconnects: int = 0
    notes: list[str] = field(default_factory=list)


def storm(engine: Engine, runs: int, seconds: float, pause: float, calm: float, folder: Path) -> Outcome:
    """``runs`` of each client begin within ``seconds`` or so, while something breaks every ``pause`` seconds.

    ``calm``: seconds for the last of them to end, after that.
    """
    outcome = Outcome(engine)
    with ExitStack() as stack:
        stage, faults = stack.enter_context(_scene(engine, folder))
        lines = stack.enter_context(Lines(stage.service.port))
        faults |= {"clients' connections cut": (6, lambda _: lines.cut())}
        page = stack.enter_context(Browser(folder / "browser"))
        driver = stack.enter_context(_driver(lines.url, runs, seconds, folder / "shown.json"))
        page.open(f"{lines.url}/chaos/index.html?runs={runs}&seconds={seconds}")

        def is_over() -> bool:
            return driver.poll() is not None and bool(page.evaluate("results.over"))

        outcome.faults = _break(seconds, pause, Breaker(stage, faults), is_over)
        with suppress(TimeoutError):  # the table tells how many have not ended
            wait_until(is_over, calm, "every chat to end")
        driver.terminate()
        driver.wait()
        for results in (json.loads((folder / "shown.json").read_text()), page.evaluate("results")):
            outcome.reconnects += results["reconnects"]
            for shown in results["shown"]:
                _compare(shown, stage, outcome)
    return outcome


@contextmanager
def _scene(engine: Engine, folder: Path) -> Iterator[tuple[Scene, Injections]]:
    """Everything started, and what can break there beside the common faults."""
    if engine != "failover":
        with scene(engine, folder, app=APP) as stage:
            yield stage, {}
        return
    with mortal_scene(folder, app=APP) as (stage, inngest):
        yield stage, {"Inngest killed and restarted": (3, lambda _: _restart(inngest))}


def _restart(inngest: InngestServer) -> bool:
    inngest.die()
    time.sleep(random.uniform(0.0, AWAY_SECONDS))
    inngest.come_back(remembers=True)
    return True


@contextmanager
def _driver(url: str, runs: int, seconds: float, shown: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The clients in Node, which write what they show in the end to ``shown``."""
    with shown.open("wb") as file:
        drive = [node(), "chaos/drive.mjs", url, str(runs), str(seconds)]
        driver = subprocess.Popen(bound_to_parent(drive), cwd=CLIENTS, stdout=file)
    try:
        yield driver
    finally:
        driver.kill()
        driver.wait()


def _break(seconds: float, pause: float, breaker: Breaker, is_over: Callable[[], bool]) -> Counter[str]:
    """Break something now and then until ``is_over``, on a slow machine for LONGEST_SHARE of ``seconds``."""
    until = time.monotonic() + LONGEST_SHARE * seconds
    try:
        while time.monotonic() < until and not is_over():
            breaker.break_something()
            time.sleep(pause)
    finally:
        breaker.close()
    return breaker.total()


def _compare(shown: dict[str, Any], stage: Scene, outcome: Outcome) -> None:
    with redis.Redis.from_url(stage.redis.url) as client:
        log = [json.loads(event) for _, event in stored_events(client, shown["runId"])]
    name = shown["client"]
    outcome.shown[name] += 1
    outcome.ends[log[-1].get("code", log[-1]["type"])] += 1
    outcome.rollbacks += sum(event["type"] == "rollback" for event in log)
    try:
        (check_ag_ui if name == "ag-ui" else check_ui_message)(shown, log)
    except AssertionError as error:
        outcome.different[name] += 1
        outcome.notes.append(f"{name} {shown['runId']}: {error}"[:600])


def table(outcome: Outcome) -> str:
    lines = [f"Frontends in a storm, engine {outcome.engine}: {outcome.faults.total()} faults"]
    lines += [f"  {count:4} {kind}" for kind, count in sorted(outcome.faults.items())]
    lines += [f"{outcome.reconnects} reconnects, {outcome.rollbacks} rollbacks, ends: {dict(outcome.ends)}"]
    lines += [f"{name:8} {outcome.shown[name]:4} runs, {outcome.different[name]} differences" for name in CLIENT_NAMES]
    return "\n".join([*lines, *(f"! {note}" for note in outcome.notes[:NOTES_SHOWN])])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos.frontends", description=__doc__)
    parser.add_argument("--engine", choices=get_args(Engine), default="inngest")
    parser.add_argument("--runs", type=int, default=100, help="of each client (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--pause", type=float, default=1.5, help="seconds between two faults")
    parser.add_argument("--calm", type=float, default=600.0, help="seconds for the last runs to end")
    options = parser.parse_args()
    build()
    with tempfile.TemporaryDirectory(prefix="runwire-frontends-", ignore_cleanup_errors=True) as name:
        outcome = storm(options.engine, options.runs, options.seconds, options.pause, options.calm, Path(name))
    print(table(outcome))
    return 1 if outcome.different.total() or outcome.shown.total() < options.runs * len(CLIENT_NAMES) else 0


if __name__ == "__main__":
    sys.exit(main())
