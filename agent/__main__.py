"""``python -m agent "a tip calculator"``: the agent alone in a terminal, without Redis, Flask or Inngest."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import tempfile
import uuid
from pathlib import Path
from typing import cast

from agent.console import Console, harmless_json, leave_pipe
from agent.entries import Entry, Kind, Tree
from agent.errors import PermanentError
from agent.inside import confined, look
from agent.local import Event, LocalRun, run_locally
from agent.messages import Limits, RunRequest
from agent.models.catalog import Catalog, config_from
from agent.models.specs import names
from agent.sandbox import KINDS, Network, open_sandbox, remove_workspace
from agent.user import AtTerminal
from agent.workspace import IGNORED, Room


def main() -> int:
    """Returns the exit code: 0 complete, 1 failed, 2 wrong arguments."""
    args = _arguments()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that does not know a character shows another
    try:
        return _build(args)
    except BrokenPipeError:
        leave_pipe()  # a reader such as head has seen enough
        return 1


def _build(args: argparse.Namespace) -> int:
    out = args.out or Path("runwire-output") / _slug(args.prompt)
    request = RunRequest(run_id=f"run_{uuid.uuid4().hex}", project_id=str(out), value=args.prompt, model=args.model)
    before = _project(args.out)
    run = LocalRun(request.run_id, before, _print_json if args.json else Console().show)
    with tempfile.TemporaryDirectory(prefix="runwire-", ignore_cleanup_errors=True) as folder:
        try:
            model = Catalog(config_from(os.environ)).open(args.model)
            network = Network(args.allow)
            limits = Limits(approve=names(args.approve), hosts=network.hosts)
            sandbox = open_sandbox(args.sandbox, Path(folder), request.run_id, network=network)
        except (PermanentError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        try:
            is_done = run_locally(request, run, model=model, sandbox=sandbox, user=AtTerminal(), limits=limits)
        finally:
            remove_workspace(args.sandbox, Path(folder), request.run_id)
    if is_done:
        try:
            _write(out, before, run.store.project)
        except OSError as error:
            print(f"error: cannot write to {out}: {error}", file=sys.stderr)
            return 1
        if not args.json:
            print(f"\nThe files are in {out}")
    return 0 if is_done else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m agent", description="Let the code agent build something.")
    parser.add_argument("prompt", type=_prompt, help="what to build, such as 'a tip calculator'")
    parser.add_argument(
        "--model", default="auto", help="auto (default), offline, or a name in OPENAI_MODELS or ANTHROPIC_MODELS"
    )
    parser.add_argument("--out", type=_folder, help="folder of the project; files that it holds are continued from")
    parser.add_argument("--sandbox", choices=KINDS, default=os.environ.get("AGENT_SANDBOX") or "auto")
    parser.add_argument(
        "--allow",
        metavar="HOSTS",
        default=os.environ.get("AGENT_SANDBOX_ALLOW", ""),
        help="comma-separated, such as 'registry.npmjs.org': what commands may reach over the network",
    )
    parser.add_argument(
        "--approve",
        metavar="GLOBS",
        default=os.environ.get("AGENT_APPROVE", ""),
        help="comma-separated, such as 'rm *': commands that wait for your y or n, and are refused without a terminal",
    )
    parser.add_argument("--json", action="store_true", help="print the events as JSON, one a line")
    return parser.parse_args()


def _prompt(given: str) -> str:
    if not given.strip():
        raise argparse.ArgumentTypeError("expected what to build, got nothing")
    return given.encode(errors="replace").decode()  # bytes of another encoding than the terminal's


def _folder(given: str) -> Path:
    """One that can be written to when all is done, as far as can be told now."""
    out = Path(given)
    there = next((path for path in (out, *out.parents) if path.exists()), Path("/"))
    if not there.is_dir():
        raise argparse.ArgumentTypeError(f"expected a folder, but {str(there)!r} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"expected a folder that can be written to, got {str(there)!r}")
    return out


def _project(out: Path | None) -> Tree:
    """What the user's folder holds, as far as a project may."""
    if out is None or not out.is_dir():
        return {}
    seconds, room = 60, Room()
    limits = look.Limits(room.file, room.total, room.files, room.depth, seconds, IGNORED)
    found = look.Look(str(out), {}, limits).changes()
    return {path: Entry(content, cast(Kind, kind)) for kind, path, content in found}


def _write(out: Path, before: Tree, after: Tree) -> None:
    """Only what the run has changed: the folder may hold more than a project's files."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(before.keys() - after.keys()):
        confined.delete(str(out), path)
    for path, entry in after.items():
        if entry == before.get(path):
            continue
        if entry.kind == "link":
            confined.link(str(out), path, entry.content.decode())
        elif entry.kind == "folder":
            confined.make_folder(str(out), path)
        else:
            confined.replace(str(out), path, entry.content, entry.kind == "executable")


def _slug(prompt: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:40].rstrip("-") or "project"


def _print_json(event: Event) -> None:
    print(harmless_json(json.dumps(event, ensure_ascii=False)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
