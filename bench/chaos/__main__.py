"""`python -m bench.chaos`: prints a table for each engine, and for a third storm in which Inngest itself dies.

Ends with 1 when anything was lost, doubled, stuck, or took longer than it may. INNGEST_CLI names a real server for the
third storm.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

from bench.chaos.deaths import DEATHS, QUICK_DEATHS, storm_of_deaths
from bench.chaos.report import over_limits, table
from bench.chaos.scene import Engine
from bench.chaos.storm import Outcome, Plan, storm

FULL_SECONDS, FULL_CALM = 150.0, 60.0
ROUND_SECONDS = 15.0  # of the third storm: about a run's own length, so that most are under way when Inngest dies
QUICK_SECONDS, QUICK_CALM, QUICK_RUNS, QUICK_FAULTS = 12.0, 25.0, 4, 14


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    plans = [_plan(engine, options) for engine in get_args(Engine) if options.engine in (engine, "all")]
    with tempfile.TemporaryDirectory(prefix="runwire-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(options.keep or name)
        outcomes = _all(plans, folder, at_once=options.quick)
    print("\n\n".join(map(table, outcomes)), flush=True)
    return 1 if any(outcome.losses.total or over_limits(outcome) for outcome in outcomes) else 0


def _all(plans: list[Plan], folder: Path, *, at_once: bool) -> list[Outcome]:
    # Each storm stays in one thread: the processes that it starts die with the thread that started them.
    with ThreadPoolExecutor(max_workers=len(plans) if at_once else 1) as pool:
        return list(pool.map(lambda plan: _storm(plan, folder / plan.engine, quick=at_once), plans))


def _storm(plan: Plan, folder: Path, *, quick: bool) -> Outcome:
    if plan.engine == "failover":
        return storm_of_deaths(plan, folder, _say, QUICK_DEATHS if quick else tuple(DEATHS))
    return storm(plan, folder, _say)


def _plan(engine: Engine, options: argparse.Namespace) -> Plan:
    if engine == "failover":
        runs = QUICK_RUNS if options.quick else options.runs
        return Plan(engine, runs, 1, ROUND_SECONDS, FULL_CALM)
    if options.quick:
        return Plan(engine, QUICK_RUNS, QUICK_FAULTS, QUICK_SECONDS, QUICK_CALM)
    return Plan(engine, options.runs, options.faults, options.seconds, FULL_CALM)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--engine", choices=[*get_args(Engine), "all"], default="all")
    parser.add_argument("--runs", type=int, default=50, help="runs per engine (default: %(default)s)")
    parser.add_argument("--faults", type=int, default=200, help="faults per engine (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=FULL_SECONDS, help="time for all of them, per engine")
    parser.add_argument("--quick", action="store_true", help="short storms, all at once")
    parser.add_argument("--keep", help="folder that keeps the logs and Redis' data")
    return parser


if __name__ == "__main__":
    sys.exit(main())
