"""The table that `make escape` prints."""

from __future__ import annotations

from collections.abc import Sequence

from tests.escape.attempt import Outcome, Verdict

NAME, CELL = 72, 18
LATE_SECONDS = 2.0
"""A budget has to hit within this time of being passed."""


def table(outcomes: Sequence[Outcome], users: Sequence[str]) -> str:
    """One line for each attempt: what came of it for each user, in how many seconds, and what stopped it."""
    head = "".join(f"{user:<{CELL}}" for user in users)
    lines = [f"{'attempt':<{NAME}}{head}stopped by"]
    kind = ""
    for name in dict.fromkeys(outcome.attempt for outcome in outcomes):
        of_name = {outcome.user: outcome for outcome in outcomes if outcome.attempt == name}
        some = next(iter(of_name.values()))
        if some.kind != kind:
            kind = some.kind
            lines.append(f"-- {kind}")
        cells = "".join(f"{_cell(of_name.get(user)):<{CELL}}" for user in users)
        lines.append(f"{_cut(name, NAME - 1):<{NAME}}{cells}{_cut(_why(list(of_name.values())), 90)}")
    return "\n".join(lines)


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many of each verdict, and how late budgets hit."""
    count = {verdict: sum(outcome.verdict is verdict for outcome in outcomes) for verdict in Verdict}
    late = [outcome for outcome in outcomes if outcome.late is not None]
    lines = [
        f"{len({outcome.attempt for outcome in outcomes})} attempts, played {len(outcomes)} times: "
        f"{count[Verdict.HELD]} held, {count[Verdict.ESCAPED]} escapes, {count[Verdict.LEFTOVER]} leftovers, "
        f"{count[Verdict.UNTRIED]} could not be tried"
    ]
    if late:
        latest = max(late, key=lambda outcome: outcome.late or 0)
        lines.append(
            f"{len(late)} jails were killed for passing a budget, the latest {latest.late:.2f} s after passing it "
            f"({latest.attempt}, {latest.user}; at most {LATE_SECONDS:g} s)"
        )
    return "\n".join(lines)


def has_failed(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.verdict is not Verdict.HELD or (outcome.late or 0) > LATE_SECONDS for outcome in outcomes)


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    late = "" if outcome.late is None else f" +{outcome.late:.1f}"
    word = "no try" if outcome.verdict is Verdict.UNTRIED else outcome.verdict
    return f"{word} {outcome.seconds:.1f}{late}"


def _why(outcomes: Sequence[Outcome]) -> str:
    """Of the user with whom it went worst."""
    worst = [outcome for outcome in outcomes if outcome.verdict is not Verdict.HELD] or outcomes
    return worst[0].why


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
