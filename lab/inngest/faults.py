"""Faults that tests inject into the executor's calls."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from lab.inngest.model import Call, Predicate


@dataclass
class Rule:
    """Do something to the calls that match, at most `times` times."""

    matches: Predicate
    times: int
    seconds: float = 0.0
    status: int = 0


class Faults:
    """Predicates see the `Call`: before it is made `known` and `attempt`, for lost answers also `answered`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, list[Rule]] = {}
        self.cut_seconds: float | None = None
        self.no_events = False  # its event API, which the cloud has on a host of its own, is behind a broken gateway
        self.events_refused = 0

    def drop_answer(self, matches: Predicate, times: int = 1) -> None:
        """Deliver the request, throw its answer away, and go on as after a lost connection: the step is tried again."""
        self._add("drop", Rule(matches, times))

    def delay(self, matches: Predicate, seconds: float, times: int = 1) -> None:
        """Hold the request back before it is delivered."""
        self._add("delay", Rule(matches, times, seconds))

    def delay_answer(self, matches: Predicate, seconds: float, times: int = 1) -> None:
        """Hold the answer back after the app has given it."""
        self._add("delay_answer", Rule(matches, times, seconds))

    def duplicate(self, matches: Predicate, after: float = 0.1, times: int = 1) -> None:
        """Call again after `after` seconds while the first call goes on, as a server does whose proxy gave up."""
        self._add("duplicate", Rule(matches, times, after))

    def refuse(self, matches: Predicate, status: int, times: int = 1) -> None:
        """Answer in the app's place, with a page, as a router does that cannot reach it."""
        self._add("refuse", Rule(matches, times, status=status))

    def cut_after(self, seconds: float | None) -> None:
        """Put a proxy before the app that gives up on calls without a byte for `seconds`; None takes it away."""
        self.cut_seconds = seconds

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
        self.cut_seconds = None

    def take(self, kind: str, call: Call) -> Rule | None:
        """The rule of this kind that applies to the call, used up by one."""
        with self._lock:
            for rule in self._rules.get(kind, []):
                if rule.times > 0 and rule.matches(call):
                    rule.times -= 1
                    return rule
        return None

    def _add(self, kind: str, rule: Rule) -> None:
        with self._lock:
            self._rules.setdefault(kind, []).append(rule)


def after_step(name: str) -> Callable[[Call], bool]:
    """Calls in which the step `name` has just been run (for `drop_answer` and `delay_answer`)."""
    return lambda call: name in call.steps_run


def first_call(call: Call) -> bool:
    """The first call of a run, on its first attempt."""
    return not call.known and call.attempt == 0
