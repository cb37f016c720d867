"""Chooses a run's engine, hands the run to it, and to another one when that one has lost it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError

from orchestrator import metrics
from orchestrator.engines.protocol import Engine, EngineAway, EngineRefused
from orchestrator.events import RunRequested
from orchestrator.logs import get_logger, start_soon
from orchestrator.patience import patiently
from orchestrator.runlog import NOBODY, Beat, LogUnavailable, Refused, RunLog
from orchestrator.runlog.approvals import WAITING
from orchestrator.runlog.causes import cause
from orchestrator.settings import Settings

RESERVED_SECONDS: Final = 2.0
"""From the reservation of a run's place to its being stored; one that is not by then is forgotten."""

HELD: Final = "held"
"""In place of an engine's name: the run waits for its turn among the runs of its project."""

MOST_MOVES: Final = 10
"""A run that every engine loses again is not moved for ever."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Choice:
    engine: str
    why: str
    """A sentence for people; the run's first status."""


def hold(before: int) -> Choice:
    runs = "another run" if before == 1 else f"{before} other runs"
    return Choice(HELD, f"Accepted; waits for {runs} of this project to end")


class Dispatcher:
    """``engines`` by name, the preferred one first."""

    def __init__(self, settings: Settings, run_log: RunLog, engines: Mapping[str, Engine]) -> None:
        self._settings, self._log, self._engines = settings, run_log, engines

    def choose(self, project_id: str = "") -> Choice:
        """The engine of a new run."""
        wanted, percent = self._settings.agent_engine, self._settings.agent_inngest_percent
        if wanted != "auto":
            return self._choice(wanted, f" (AGENT_ENGINE={wanted})")
        why = ""
        for name, engine in self._engines.items():
            if name == "inngest" and _share(project_id) >= percent:
                why = f" (AGENT_INNGEST_PERCENT={percent})"
            elif engine.available():
                return self._choice(name, why)
            else:
                why = f", as {engine.title} does not answer, or does not know it yet"
        return self._choice("direct", why)

    def _choice(self, engine: str, why: str) -> Choice:
        return Choice(engine, f"Accepted; {self._engines[engine].title} runs the steps{why}")

    def reserve(self, pipe: Any, run_id: str, choice: Choice) -> None:
        """Add a command to ``pipe`` that announces a run, which is stored next: it is found should this process die."""
        self._log.queue.reserve(choice.engine, run_id, RESERVED_SECONDS, pipe)

    def unfinished(self) -> dict[str, int]:
        """The numbers of unfinished runs, by the queue that they stand in."""
        return self._log.queue.count([*self._engines, HELD, WAITING])

    def ask_unfinished(self, pipe: Any) -> None:
        """Add commands to ``pipe`` whose replies are the numbers of unfinished runs."""
        self._log.queue.ask_count(pipe, [*self._engines, HELD])

    def release(self, beat: Beat, why: str) -> None:
        """Give a run that was held, or waited for its user, to the engine of its project. Raises Refused."""
        choice = self.choose(beat.project_id)
        title = self._engines[choice.engine].title
        if self._log.move(beat, choice.engine, f"{why}; {title} runs the steps"):
            self.start(self._log.record(beat.run_id).request, choice.engine)

    def start(self, request: RunRequested, engine: str) -> None:
        """Hand in a run that is stored; nobody waits for the engine. May be repeated."""
        self._in_background(self._hand_in, request, engine)

    def start_again(self, beat: Beat) -> None:
        """Hand in a run that its engine has not acknowledged, by the same request: it starts once, and was not lost.

        Raises Refused.
        """
        self._log.rest(beat.run_id, NOBODY, 0)  # not again before this one has had its time
        self.start(self._log.record(beat.run_id).request, beat.engine)

    def cancel(self, run_id: str, engine: str) -> None:
        """Tell the engine of a run that was cancelled; nobody waits for it."""
        if engine in self._engines:
            self._in_background(self._engines[engine].cancel, run_id)

    def move(self, beat: Beat, why: str, *, answers: bool) -> None:
        """Give a run that stands still since ``beat`` to the next engine, at its first unfinished step.

        ``why`` is the first half of the sentence that viewers read; ``answers``: whether the run's engine still does.
        """
        record = self._log.record(beat.run_id)
        if record.moves >= MOST_MOVES:
            self._log.fail(beat.run_id, f"{why}; no engine kept the run", "lost", receipt=True)
            return
        engine = self._next(beat.engine, answers)
        if engine == beat.engine and not (answers and self._engines[engine].available()):
            self._wait(beat, why)
            return
        next_title = "it" if engine == beat.engine else self._engines[engine].title
        if self._log.move(beat, engine, f"{why}; {next_title} goes on with the run{_where(beat)}"):
            metrics.FAILOVERS.labels(beat.engine, engine).inc()
            log.warning("run.moved", run_id=beat.run_id, engine=beat.engine, next_engine=engine, why=why)
            self.start(self._log.record(beat.run_id).request, engine)

    def _next(self, engine: str, answers: bool) -> str:
        """The engine after ``engine``: another allowed one, unless it has no room and the present one lives."""
        wanted = self._settings.agent_engine
        allowed = [name for name in self._engines if wanted in ("auto", name)]
        others = [name for name in allowed if name != engine and self._engines[name].available()]
        ready = [name for name in others if self._engines[name].has_room() or not answers or engine not in allowed]
        return ready[0] if ready else engine

    def _wait(self, beat: Beat, why: str) -> None:
        at, _, said = beat.noted.partition(" ")
        # One that nobody has is handed in again and again, which is no news.
        if said != "away" or (at != str(beat.at) and beat.claimed is not None):
            self._log.note(beat, f"{why}; the run goes on when it does", "away")

    def _hand_in(self, request: RunRequested, engine: str) -> None:
        try:
            ticket = self._engines[engine].submit(request)
        except EngineAway:
            self._go_without(request.run_id, engine, f"{self._engines[engine].title} does not answer", answers=False)
        except EngineRefused as error:
            self._refused(request.run_id, engine, error)
        else:
            if ticket is not None:
                with suppress(RedisError, LogUnavailable):  # the watch moves a run that it finds without
                    patiently(self._log.keep_ticket, request.run_id, request.generation, ticket)

    def _refused(self, run_id: str, engine: str, error: EngineRefused) -> None:
        sentence = f"{self._engines[engine].title} did not accept the run"
        if self._next(engine, answers=False) != engine:
            self._go_without(run_id, engine, sentence, answers=False)
            return
        with suppress(Refused, RedisError, LogUnavailable):
            patiently(self._log.fail, run_id, f"{sentence}: {error}", "failed")

    def _go_without(self, run_id: str, engine: str, why: str, *, answers: bool) -> None:
        """The engine may or may not have got the run: it is moved only where nobody has claimed it meanwhile."""
        try:
            beat = patiently(self._log.beat, run_id)
            if beat is not None and beat.claimed is None and beat.engine == engine:
                patiently(self.move, beat, why, answers=answers)
        except Refused:
            pass  # it has ended
        except (RedisError, LogUnavailable) as error:
            log.warning("dispatch.redis_away", run_id=run_id, reason=cause(error))  # the watch comes to it

    def _in_background(self, work: Callable[..., None], *args: object) -> None:
        start_soon(work, *args)


def _share(project_id: str) -> int:
    """A number from 0 to 99 that stays the same for a project."""
    return int.from_bytes(hashlib.sha256(project_id.encode()).digest()[:4]) % 100


def _where(beat: Beat) -> str:
    if beat.step:
        return f" at step {beat.step}"
    return f" after step {beat.done_step}" if beat.done_step else ""
