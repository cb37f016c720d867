"""``python -m agent "a tip calculator"``: the agent alone in a terminal, without Redis, Flask or Inngest."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import uuid
from pathlib import Path

from agent import workspace
from agent.console import Console
from agent.errors import PermanentError
from agent.local import Event, LocalRun, run_locally
from agent.messages import RunRequest
from agent.models.catalog import DEFAULT_OFFLINE_DELAY, DEFAULT_OPENAI_MODELS, ModelConfig, open_model
from agent.sandbox import KINDS, open_sandbox


def main() -> int:
    """Returns the exit code: 0 done, 1 failed, 2 wrong arguments."""
    args = _arguments()
    out = args.out or Path("runwire-output") / _slug(args.prompt)
    request = RunRequest(run_id=f"run_{uuid.uuid4().hex}", project_id=str(out), value=args.prompt, model=args.model)
    run = LocalRun(request.run_id, _project(args.out), _print_json if args.json else Console().show)
    with tempfile.TemporaryDirectory(prefix="runwire-") as folder:
        try:
            model = open_model(args.model, _config())
            sandbox = open_sandbox(args.sandbox, Path(folder), request.run_id)
        except PermanentError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        is_done = run_locally(request, run, model=model, sandbox=sandbox)
    if is_done and run.saved is not None:
        _write(out, run)
        if not args.json:
            print(f"\nThe files are in {out}")
    return 0 if is_done else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m agent", description="Let the code agent build something.")
    parser.add_argument("prompt", help="what to build, such as 'a tip calculator'")
    parser.add_argument("--model", default="auto", help="auto (default), offline, or a name in OPENAI_MODELS")
    parser.add_argument("--out", type=Path, help="folder of the project; files that it holds are continued from")
    parser.add_argument("--sandbox", choices=KINDS, default=os.environ.get("AGENT_SANDBOX") or "auto")
    parser.add_argument("--json", action="store_true", help="print the events as JSON, one a line")
    return parser.parse_args()


def _config() -> ModelConfig:
    models = tuple(name.strip() for name in os.environ.get("OPENAI_MODELS", "").split(",") if name.strip())
    return ModelConfig(
        openai_api_key=os.environ.get("OPENAI_API_KEY"),
        openai_base_url=os.environ.get("OPENAI_BASE_URL"),
        openai_models=models or DEFAULT_OPENAI_MODELS,
        offline_delay=float(os.environ.get("AGENT_OFFLINE_DELAY") or DEFAULT_OFFLINE_DELAY),
    )


def _project(out: Path | None) -> workspace.Files:
    return workspace.snapshot(out) if out is not None and out.is_dir() else {}


def _write(out: Path, run: LocalRun) -> None:
    """Only what the run has changed: the folder may hold more than a project's files."""
    out.mkdir(parents=True, exist_ok=True)
    workspace.apply(out, workspace.diff(run.project_files(), run.saved or {}))


def _slug(prompt: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:40].rstrip("-") or "project"


def _print_json(event: Event) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
