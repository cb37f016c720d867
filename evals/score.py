"""What a run is worth: its files against the hidden check, its word against its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.errors import AgentError
from agent.messages import Usage
from evals.project import opened
from evals.tasks import Task

ADMITS: Final = re.compile(
    r"\b(can( ?not|['’]t)|could(n['’]t| not)|unable to|impossible|not (possible|able|reachable|available)|unreachable"
    r"|contradicts?|contradiction|contradictory|no such (function|file|host|list)|fail(s|ed)? to)\b",
    re.IGNORECASE,
)
"""How one says that something cannot be done."""

Passes = Callable[[Task, Mapping[str, bytes]], bool]


@dataclass(frozen=True)
class Run:
    """How the last of a task's runs ended, and what all of them took."""

    outcome: str
    """``complete``'s outcome, or an ``error``'s code."""
    words: str
    """What the model said at the end; nothing where the run ended in an error."""
    files: Mapping[str, bytes]
    turns: int
    usage: Usage
    seconds: float
    kills: int = 0

    @property
    def admits(self) -> bool:
        """Whether it says itself that it could not do what was asked."""
        return self.outcome in ("partial", "nothing-to-do") and ADMITS.search(self.words) is not None


@dataclass(frozen=True)
class Score:
    task: Task
    run: Run
    passes: bool
    """Whether the files pass the check."""

    @property
    def solved(self) -> bool:
        return self.passes and (self.task.can_be_done or self.run.admits)

    @property
    def false_done(self) -> bool:
        """It said that it was done, and was not."""
        return self.run.outcome == "done" and not self.solved


def score(task: Task, run: Run, passes: Passes) -> Score:
    return Score(task, run, passes(task, run.files))


def passes_in(kind: str, folder: Path) -> Passes:
    """Whether files are a task's solution; what has to be run for that runs in a sandbox (``kind`` as AGENT_SANDBOX).

    Raises ``AgentError`` where no sandbox can be had.
    """

    def passes(task: Task, files: Mapping[str, bytes]) -> bool:
        with opened(kind, folder, files, task.before) as project:
            try:
                task.check(project)
            except AgentError:
                raise
            except Exception:  # a check reads what a model wrote, which can be wrong in any way
                return False
        return True

    return passes


HEAD: Final = f"{'task':<22} {'':<9} {'outcome':<14} {'turns':>5} {'tokens':>9} {'cost':>8} {'seconds':>8} {'kills':>5}"


def line(score: Score) -> str:
    run, used = score.run, score.run.usage
    word = "solved" if score.solved else "FALSE" if score.false_done else "not"
    return (
        f"{score.task.name:<22} {word:<9} {run.outcome:<14} {run.turns:>5} {used.tokens:>9,} {used.cost:>8.4f} "
        f"{run.seconds:>8.1f} {run.kills:>5}"
    )


def summary(scores: Iterable[Score]) -> str:
    every = list(scores)
    runs = [score.run for score in every]
    return (
        f"{sum(score.solved for score in every)} of {len(every)} solved, "
        f"{sum(score.false_done for score in every)} false `done`, {sum(run.turns for run in runs)} turns, "
        f"{sum(run.usage.tokens for run in runs):,} tokens, cost {sum(run.usage.cost for run in runs):.4f}, "
        f"{sum(run.seconds for run in runs):.0f} s, {sum(run.kills for run in runs)} kills"
    )
