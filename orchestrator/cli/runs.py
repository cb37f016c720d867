"""List the runs of the key's caller, the newest first.

python -m orchestrator runs --project p1
python -m orchestrator runs --status failed,timeout --limit 100
python -m orchestrator runs --json | jq -r .runId
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, Final

from orchestrator.cli import api
from orchestrator.cli.output import ago, print_json, print_table, tokens

LIMIT: Final = 20
PAGE_MOST: Final = 200
HEAD: Final = ("RUN", "STATE", "CREATED", "PROJECT", "MODEL", "TOKENS", "TITLE")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", help="only this project's")
    parser.add_argument("--status", help="only these, with commas between them")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"how many at the most; {LIMIT} if not given")
    api.arguments(parser)


def run(given: argparse.Namespace) -> int:
    found = list(_runs(api.Api(given.url), given))
    if given.json:
        for each in found:
            print_json(each)
    else:
        print_table(HEAD, [_row(each) for each in found])
    return 0


def _runs(service: api.Api, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    left, before = given.limit, None
    while left > 0:
        asked = {"projectId": given.project, "status": given.status, "before": before, "limit": min(left, PAGE_MOST)}
        page = service.get("/agent/runs", **asked)
        yield from page["runs"]
        left, before = left - len(page["runs"]), page["next"]
        if before is None:
            return


def _row(run: dict[str, Any]) -> tuple[object, ...]:
    state = run["outcome"] or run["status"]
    return (
        *(run["runId"], state, ago(run["createdAt"]), run["projectId"], run["model"], tokens(run["usage"])),
        run["title"],
    )
