"""`make eval`: let a model work on the tasks, and say what its work and its word are worth.

`EVAL_KILL=1` kills worker processes (-9) at random steps of every run: the score must stay the same. Exits with 1 where
fewer tasks are solved than `--at-least`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agent.models.catalog import AUTO, OFFLINE
from agent.sandbox.probe import why_no_jail
from evals.players import PLAYERS, playing
from evals.runner import Runner
from evals.score import HEAD, Score, line, passes_in, score, summary
from evals.tasks import Task, all_tasks
from lab.service import Service
from tools.redis_server import RedisServer
from tools.stack import environment

GIVEN = ("OPENAI_", "ANTHROPIC_", "AGENT_")
"""Settings of the developer's that reach the service: models, keys and limits."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    tasks = [task for task in all_tasks() if not options.only or task.name in options.only]
    if not tasks:
        sys.exit(f"no such task; there are: {', '.join(task.name for task in all_tasks())}")
    if (failure := why_no_jail()) is not None:
        sys.exit(f"what models write runs in a jail only, and none is possible here: {failure}")
    scores = evaluate(tasks, options.model, kill=os.environ.get("EVAL_KILL") == "1", seed=options.seed)
    print(f"\n{summary(scores)}")
    solved = sum(score.solved for score in scores)
    if solved < options.at_least:
        print(f"{options.at_least} were to be solved at least", file=sys.stderr)
    return int(solved < options.at_least)


def evaluate(tasks: list[Task], model: str, *, kill: bool, seed: int = 0, sandbox: str = "auto") -> list[Score]:
    """Run ``tasks`` one after another; prints a line each. Exits where ``model`` is none that can be asked."""
    scores = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runwire-eval-")))
        env = {name: value for name, value in environment().items() if name.startswith(GIVEN)}
        player = model if model in PLAYERS else None
        if player:
            server = stack.enter_context(playing(player, tasks))
            env, model = server.environment(), AUTO
        redis = stack.enter_context(RedisServer())
        env |= {"AGENT_ENGINE": "direct", "AGENT_SANDBOX": sandbox, "AGENT_SANDBOX_DIR": str(folder / "sandboxes")}
        service = stack.enter_context(Service(redis.url, folder / "service", workers=2, env=env))
        name = chosen(model, service.http.get("/agent/models").raise_for_status().json()["models"])
        print(f"{player or name}: {len(tasks)} tasks{', workers killed meanwhile' if kill else ''}\n{HEAD}")
        runner, passes = Runner(service, model, kill=kill, seed=seed), passes_in(sandbox, folder / "checks")
        for task in tasks:
            scores.append(score(task, runner.run(task), passes))
            print(line(scores[-1]), flush=True)
    return scores


def chosen(model: str, offered: list[dict[str, Any]]) -> str:
    """The name of the model that will be asked. What is scripted must be named, or nobody knows what was scored."""
    names = [each["id"] for each in offered if each["id"] != AUTO]
    if model not in (AUTO, *names):
        sys.exit(f"no such model {model!r}; there are: {', '.join([*names, *PLAYERS])}")
    name = names[0] if model == AUTO else model
    if name == OFFLINE and model != OFFLINE:
        sys.exit(
            "no language model is configured: set OPENAI_API_KEY, OPENAI_BASE_URL or ANTHROPIC_API_KEY (environment "
            "or .env). The scripted model, which solves next to nothing, is scored with --model offline"
        )
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("--only", nargs="+", help="names of tasks")
    parser.add_argument(
        "--model",
        default=AUTO,
        help=f"a model's name, or {' or '.join(PLAYERS)} (default: the best that is configured)",
    )
    parser.add_argument("--at-least", type=int, default=0, metavar="N", help="exit with 1 where fewer are solved")
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    return parser


if __name__ == "__main__":
    sys.exit(main())
