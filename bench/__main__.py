"""`python -m bench [--quick] [--only abc]`: the table in one run; a full one is kept in RESULTS.md."""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import report
from bench.cases import (
    calibration,
    counting,
    crowded,
    delivery,
    first_byte,
    idle,
    latency,
    mapping,
    resume,
    step_cost,
    workers,
    writing,
)
from bench.job import JobFailed
from bench.peers import PEERS, Contender, Runwire
from bench.report import Row
from bench.sizes import FULL, QUICK, Sizes
from tools.processes import StartError
from tools.stopping import StopRequested, stop_on_signals

LOG_END = 2_000


def main() -> int:
    options = _options()
    stop_on_signals()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    started, rows = time.monotonic(), []
    sizes = QUICK if options.quick else FULL
    print(f"{report.machine()}\n{report.versions()}\n", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="runwire-bench-") as folder:
            for row in _rows(sizes, options.only or sizes.cases, Path(folder)):
                rows.append(row)
                report.print_row(row)
    except StopRequested:
        print("\nStopped.")
        return 130
    seconds = time.monotonic() - started
    if not (options.only or sizes.quick):
        report.write(rows, seconds=seconds)
    print(f"\n{sum(row.ok is False for row in rows)} targets missed. {seconds:.0f} s.")
    return 0


def _rows(sizes: Sizes, only: str, folder: Path) -> Iterator[Row]:
    with ExitStack() as stack:
        ours = stack.enter_context(Runwire(folder))
        contenders: list[Contender] = [ours]
        for make in PEERS:
            try:
                contenders.append(stack.enter_context(make(folder)))
            except StartError as error:
                yield Row("–", "a peer is missing", "—", note=str(error))
        cases = _cases(ours, contenders, sizes, folder)
        for name in only:
            yield from _guarded(name, cases[name], folder)


def _cases(
    ours: Runwire, contenders: Sequence[Contender], sizes: Sizes, folder: Path
) -> dict[str, Callable[[], Iterator[Row]]]:
    return {
        "0": lambda: calibration.rows(sizes),
        "a": lambda: delivery.burst_rows(contenders, sizes),
        "b": lambda: delivery.fan_rows(contenders, sizes),
        "c": lambda: latency.rows(contenders, sizes),
        "d": lambda: idle.rows(sizes, folder),
        "e": lambda: resume.rows(ours, sizes),
        "f": lambda: writing.rows(ours, sizes),
        "g": lambda: first_byte.rows(ours, sizes),
        "h": lambda: step_cost.rows(ours, sizes, folder),
        "i": lambda: workers.rows(ours, sizes, folder),
        "j": lambda: crowded.rows(sizes, folder),
        "k": lambda: mapping.rows(sizes),
        "l": lambda: counting.rows(ours, sizes, folder),
    }


def _guarded(name: str, case: Callable[[], Iterator[Row]], folder: Path) -> Iterator[Row]:
    """A case that breaks is a row that says so; the others still run."""
    try:
        yield from case()
    except (JobFailed, RuntimeError, TimeoutError, OSError, StartError) as error:
        report.fail(f"{error}\n{_log_ends(folder)}")
        yield Row(name, "the case broke", "—", "", False, str(error).strip().splitlines()[-1][:200])


def _log_ends(folder: Path) -> str:
    return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-LOG_END:]}" for path in folder.glob("*.log"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK", "") not in ("", "0"))
    parser.add_argument("--only", default="", help="letters of the cases to run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
