"""`python -m tests.escape`: prints the table; ends with 1 if anything got out, was left, was late or was not tried."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.escape import cost, player, report
from tests.escape.attempt import Outcome, Verdict
from tests.escape.health import SERVICE, runs_through_service

HEALTHZ_SECONDS = 0.25


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.escape", description=__doc__)
    parser.add_argument("--only", default="", help="only attempts with this in their name")
    parser.add_argument("--user", choices=[*player.users(), SERVICE], action="append", help="play as this user only")
    options = parser.parse_args(arguments)
    wanted = [name for name in player.names() if options.only in name]
    users = options.user or [*player.users(), SERVICE]
    if "root" not in player.users():
        print("Not started by root: only the half of an ordinary user is played.", file=sys.stderr)

    outcomes: list[Outcome] = []
    for user in users:
        if user != SERVICE:
            outcomes += _told(player.play(user, wanted))
    slow, has_failed = "", False
    if SERVICE in users:
        with (
            tempfile.TemporaryDirectory(prefix="escape-service-") as name,
            runs_through_service(Path(name)) as runs,
        ):
            outcomes += _told(runs.play(wanted))
            left, health = runs.left(), runs.health
        slow = (
            f"/healthz was asked {health.asked:,} times meanwhile; the slowest answer took "
            f"{health.slowest * 1000:.0f} ms, during: {health.worst} (at most {HEALTHZ_SECONDS * 1000:.0f} ms)\n"
            f"{len(left)} leftovers of the service{': ' if left else ''}{', '.join(left[:3])}"
        )
        has_failed = health.slowest > HEALTHZ_SECONDS or bool(left)
    jailed, bare = cost.milliseconds()
    print(report.table(outcomes, users))
    print(f"\n{report.summary(outcomes)}")
    if slow:
        print(slow)
    print(f"A jailed `true` takes {jailed:.0f} ms, bubblewrap alone {bare:.0f} ms: {jailed - bare:.0f} ms more")
    return 1 if has_failed or report.has_failed(outcomes) else 0


def _told(outcomes: Iterable[Outcome]) -> Iterable[Outcome]:
    """Say at once what went wrong; the table comes at the end."""
    for outcome in outcomes:
        if outcome.verdict is not Verdict.HELD:
            print(f"{outcome.user}: {outcome.attempt}: {outcome.verdict}: {outcome.why}", file=sys.stderr, flush=True)
        yield outcome


if __name__ == "__main__":
    sys.exit(main())
