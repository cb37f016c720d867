"""Every attempt is held, as root and as an ordinary user, and leaves nothing behind (`make escape` prints them all)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.escape import player
from tests.escape.attempt import Outcome, Verdict
from tests.escape.attempts import BY_KIND

CASES = [
    # As an ordinary user only in `make test-all` and `make escape`: the budgets and the filter are the same.
    pytest.param(user, attempt.name, id=f"{user.split()[0]}-{attempt.id}", marks=[pytest.mark.slow] * (number > 0))
    for number, user in enumerate(player.users())
    for attempts in BY_KIND.values()
    for attempt in attempts
]
OutcomeOf = Callable[[str, str], Outcome]


@pytest.fixture(scope="module")
def outcome_of(request: pytest.FixtureRequest) -> Iterator[OutcomeOf]:
    """Plays the selected attempts of each user in one go, both at a time, and hands out each when it is asked for."""
    wanted: dict[str, list[str]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.originalname == test_is_held.__name__:
            user, name = map(str, (item.callspec.params["user"], item.callspec.params["name"]))
            wanted.setdefault(user, []).append(name)
    with ThreadPoolExecutor() as pool:
        # Root's come first and are played here; the others in a process of their own, which stands before they begin.
        here = player.play(player.users()[0], wanted.get(player.users()[0], []))
        elsewhere = {
            user: _begun(pool, player.play(user, names)) for user, names in wanted.items() if user != player.users()[0]
        }

        def outcome_of(user: str, name: str) -> Outcome:
            outcomes = elsewhere[user].result() if user in elsewhere else here
            return next(outcome for outcome in outcomes if outcome.attempt == name)

        yield outcome_of
        here.close()


def _begun(pool: ThreadPoolExecutor, outcomes: Iterator[Outcome]) -> Future[list[Outcome]]:
    has_begun = threading.Event()

    def play() -> list[Outcome]:
        played = []
        try:
            for outcome in outcomes:
                played.append(outcome)
                has_begun.set()
        finally:
            has_begun.set()
        return played

    future = pool.submit(play)
    has_begun.wait()
    return future


@pytest.mark.parametrize(("user", "name"), CASES)
def test_is_held(outcome_of: OutcomeOf, user: str, name: str) -> None:
    outcome = outcome_of(user, name)
    assert outcome.verdict is Verdict.HELD, f"{outcome.verdict}: {outcome.why}"


def test_there_are_enough_attempts_and_none_twice() -> None:
    names = player.names()
    assert len(names) == len(set(names)) >= 60
