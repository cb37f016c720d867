"""Show a run: how it stands, its steps and what became of their attempts.

python -m orchestrator show run_8da6fc85f31af9b9c85c5052
python -m orchestrator show --json run_8da6fc85f31af9b9c85c5052 | jq .steps
"""

from __future__ import annotations

import argparse
from typing import Any, Final

from orchestrator.cli import api
from orchestrator.cli.output import ago, cell, print_json, print_table, tokens

HEAD: Final = ("STEP", "STATE", "SECONDS", "ATTEMPTS", "TOKENS", "BYTES")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN")
    api.arguments(parser)


def run(given: argparse.Namespace) -> int:
    service = api.Api(given.url)
    path = api.run_path(given.run_id)
    shown, steps = service.get(path), service.get(f"{path}/steps")["steps"]
    if given.json:
        print_json({**shown, "steps": steps})
        return 0
    for name, value in _facts(shown):
        print(f"{name:<9} {cell(value)}")
    print()
    print_table(HEAD, [_row(step) for step in steps])
    return 0


def _facts(run: dict[str, Any]) -> list[tuple[str, object]]:
    result, error, origin = run["result"] or {}, run["error"], run["origin"]
    facts: list[tuple[str, object]] = [
        ("run", run["runId"]),
        ("project", run["projectId"]),
        ("status", f"{run['status']} {result.get('outcome', '')}"),
        ("engine", run["engine"]),
        ("model", run["model"]),
        ("created", ago(run["createdAt"])),
    ]
    if run["startedAt"] and run["endedAt"]:
        facts.append(("took", f"{(run['endedAt'] - run['startedAt']) / 1000:.1f} s"))
    if origin:
        facts.append(("origin", f"{origin['kind']} of {origin['runId']} at {origin['step']}"))
    if error:
        facts.append(("error", error["message"]))
    if run["usage"]:
        facts.append(("tokens", tokens(run["usage"])))
    if result:
        facts += [("title", result.get("title")), ("files", ", ".join(result.get("files", {})))]
    return facts


def _row(step: dict[str, Any]) -> tuple[object, ...]:
    took = f"{(step['endedAt'] - step['beganAt']) / 1000:.1f}" if step["endedAt"] else None
    state = "taken over" if step["takenOver"] else step["state"]
    ends = " ".join(str(attempt["end"] or "running") for attempt in step["attempts"])
    return step["name"], state, took, ends, tokens(step["usage"]), step["resultBytes"]
