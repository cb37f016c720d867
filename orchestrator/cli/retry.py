"""Go on with a run that has failed: a new run takes over what it had finished.

python -m orchestrator retry run_8da6fc85f31af9b9c85c5052
python -m orchestrator tail $(python -m orchestrator retry run_8da6fc85f31af9b9c85c5052)
"""

from __future__ import annotations

import argparse
import secrets
import sys

from orchestrator.cli import api
from orchestrator.cli.output import cell, print_json


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN")
    api.arguments(parser)


def run(given: argparse.Namespace) -> int:
    once = {"Idempotency-Key": secrets.token_hex(16)}
    made = api.Api(given.url).post(f"{api.run_path(given.run_id)}/retry", headers=once)
    if given.json:
        print_json(made)
    else:
        origin = made["origin"]
        print(cell(made["runId"]))
        print(f"goes on at {cell(origin['step'])}, having {origin['steps']} finished steps", file=sys.stderr)
    return 0
