"""`make mutants`: switch each mechanism off in a copy of the tree, and see the suite notice.

A promise is only as good as the test that breaks without it. Each mutant names the mechanism, the one place that is
changed, and the tests that must fail then. `python -m tools.mutants NAME …` tries only those.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.mutations import MUTANTS, Mutant

ROOT: Final = Path(__file__).resolve().parents[1]
NOT_COPIED: Final = (
    ".git",
    ".venv",
    ".runwire",
    ".hypothesis",
    "__pycache__",
    "node_modules",
    "runwire-output",
    ".*_cache",
)
TESTS_FAILED: Final = 1
"""pytest's exit code when tests ran and some failed; others mean that the mutant did not even run."""

SECONDS: Final = 300
"""For one mutant; without its mechanism a test may hang until its own time-out."""


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    noticed: bool
    why: str
    seconds: float


def main(names: Sequence[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in MUTANTS}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(mutant.name for mutant in MUTANTS)}")
    verdicts = []
    for mutant in chosen:
        verdicts.append(verdict := attempt(mutant))
        word = "noticed " if verdict.noticed else "SURVIVED"
        print(f"{word}  {mutant.name:<32} {verdict.seconds:5.0f} s  {verdict.why}", flush=True)
    survivors = [verdict for verdict in verdicts if not verdict.noticed]
    print(f"\n{len(verdicts)} mechanisms switched off, {len(verdicts) - len(survivors)} noticed, {len(survivors)} not.")
    return 1 if survivors else 0


def attempt(mutant: Mutant) -> Verdict:
    started = time.monotonic()
    with copy_of_the_tree() as tree:
        mutant.apply(tree)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests]
        try:
            done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return Verdict(mutant, True, "the tests hang", time.monotonic() - started)
    noticed = done.returncode == TESTS_FAILED
    return Verdict(
        mutant, noticed, _first_failure(done.stdout) or f"exit code {done.returncode}", time.monotonic() - started
    )


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="runwire-mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        packages = Path("clients", "node_modules")
        (tree / packages).symlink_to(ROOT / packages)  # without them tests would fail whatever was switched off
        yield tree


def _first_failure(output: str) -> str:
    return next((line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))), "")[:120]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
