"""Cancel runs. The exit code is 1 where one had ended otherwise before.

python -m orchestrator cancel run_8da6fc85f31af9b9c85c5052
python -m orchestrator runs --status running --json | jq -r .runId | xargs python -m orchestrator cancel
"""

from __future__ import annotations

import argparse

from orchestrator.cli import api
from orchestrator.cli.output import cell, print_json


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_ids", nargs="+", metavar="RUN")
    api.arguments(parser)


def run(given: argparse.Namespace) -> int:
    service, all_cancelled = api.Api(given.url), True
    for run_id in given.run_ids:
        shown = service.post(f"{api.run_path(run_id)}/cancel")
        all_cancelled = all_cancelled and shown["status"] == "cancelled"
        if given.json:
            print_json(shown)
        else:
            print(f"{cell(run_id)}  {cell(shown['status'])}")
    return 0 if all_cancelled else 1
