"""What a run is worth: its files against the hidden check, its word against its files."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.entries import Entry
from agent.sandbox import open_sandbox
from evals.tasks import CHECK, Task

CHECK_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Run:
    """How the last of a task's runs ended, and what all of them took."""

    outcome: str
    """``complete``'s outcome, or an ``error``'s code."""
    files: Mapping[str, bytes]
    turns: int
    tokens: int
    cost: float
    seconds: float
    kills: int = 0


@dataclass(frozen=True)
class Score:
    task: Task
    run: Run
    passes: bool
    """Whether the files pass the check."""

    @property
    def solved(self) -> bool:
        return self.passes and (self.task.can_be_done or self.run.outcome != "done")

    @property
    def false_done(self) -> bool:
        """It said that it was done, and was not."""
        return self.run.outcome == "done" and not self.solved


def score(task: Task, run: Run, passes: Callable[[Task, Mapping[str, bytes]], bool]) -> Score:
    return Score(task, run, passes(task, run.files))


def passes_in_a_jail(kind: str, folder: Path) -> Callable[[Task, Mapping[str, bytes]], bool]:
    """Checks what a model wrote where it can do no harm; ``kind`` as AGENT_SANDBOX."""

    def passes(task: Task, files: Mapping[str, bytes]) -> bool:
        sandbox = open_sandbox(kind, folder, f"check_{secrets.token_hex(6)}")
        with sandbox.hold(_nothing):
            sandbox.write({path: Entry(content) for path, content in {**files, CHECK: task.check}.items()}, _nothing)
            done = sandbox.run(f"python3 {CHECK}", timeout=CHECK_SECONDS, on_output=_ignore, check=_nothing)
        return done.exit_code == 0

    return passes


def _nothing() -> None:
    """Nobody cancels a check."""


def _ignore(source: str, chunk: str) -> None:
    pass


HEAD: Final = f"{'task':<22} {'':<9} {'outcome':<14} {'turns':>5} {'tokens':>9} {'cost':>8} {'seconds':>8} {'kills':>5}"


def line(score: Score) -> str:
    run = score.run
    word = "solved" if score.solved else "FALSE" if score.false_done else "not"
    return (
        f"{score.task.name:<22} {word:<9} {run.outcome:<14} {run.turns:>5} {run.tokens:>9,} {run.cost:>8.4f} "
        f"{run.seconds:>8.1f} {run.kills:>5}"
    )


def summary(scores: Iterable[Score]) -> str:
    every = list(scores)
    runs = [score.run for score in every]
    return (
        f"{sum(score.solved for score in every)} of {len(every)} solved, "
        f"{sum(score.false_done for score in every)} false `done`, {sum(run.turns for run in runs)} turns, "
        f"{sum(run.tokens for run in runs):,} tokens, cost {sum(run.cost for run in runs):.4f}, "
        f"{sum(run.seconds for run in runs):.0f} s, {sum(run.kills for run in runs)} kills"
    )
