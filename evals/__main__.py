"""`make eval`: let a model work on the tasks, and say what its work and its word are worth.

`EVAL_KILL=1` kills worker processes (-9) at random steps of every run: the score must stay the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from evals.players import PLAYERS, playing
from evals.runner import Runner
from evals.score import HEAD, Score, line, passes_in_a_jail, score, summary
from evals.tasks import Task, all_tasks
from tests.support.service import Service
from tools.redis_server import RedisServer
from tools.stack import environment

GIVEN = ("OPENAI_", "ANTHROPIC_", "AGENT_")
"""Settings of the developer's that reach the service: models, keys and limits."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    tasks = [task for task in all_tasks() if not options.only or task.name in options.only]
    if not tasks:
        sys.exit(f"no such task; there are: {', '.join(task.name for task in all_tasks())}")
    scores = evaluate(tasks, options.model, kill=os.environ.get("EVAL_KILL") == "1", seed=options.seed)
    print(f"\n{summary(scores)}")
    return 0


def evaluate(tasks: list[Task], model: str, *, kill: bool, seed: int = 0, sandbox: str = "auto") -> list[Score]:
    """Run ``tasks`` one after another; prints a line each."""
    print(HEAD)
    scores = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runwire-eval-")))
        env = {name: value for name, value in environment().items() if name.startswith(GIVEN)}
        if model in PLAYERS:
            server = stack.enter_context(playing(model, tasks))
            env, model = server.environment(), "auto"
        redis = stack.enter_context(RedisServer())
        env |= {"AGENT_ENGINE": "direct", "AGENT_SANDBOX": sandbox, "AGENT_SANDBOX_DIR": str(folder / "sandboxes")}
        service = stack.enter_context(Service(redis.url, folder / "service", workers=2, env=env))
        runner, passes = Runner(service, model, kill=kill, seed=seed), passes_in_a_jail(sandbox, folder / "checks")
        for task in tasks:
            scores.append(score(task, runner.run(task), passes))
            print(line(scores[-1]), flush=True)
    return scores


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("--only", nargs="+", help="names of tasks")
    parser.add_argument("--model", default="auto", help=f"a model's name, or {' or '.join(PLAYERS)} (default: auto)")
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    return parser


if __name__ == "__main__":
    sys.exit(main())
