"""(l): what metrics cost in the burst of (a): the service against itself with nothing counted."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.cases.arena import burst_round
from bench.peers import Runwire
from bench.report import Row, at_most
from bench.sizes import Sizes

ROUNDS = 5
TARGET_PERCENT = 2.0


def rows(ours: Runwire, sizes: Sizes, folder: Path) -> Iterator[Row]:
    micros: dict[str, list[float]] = {"with": [], "without": []}
    with Runwire(folder, app="bench.peers.without_metrics:app") as bare:
        for _ in range(ROUNDS):
            for name, contender in (("with", ours), ("without", bare)):
                shown = burst_round(contender, sizes.runs, 1, sizes.burst_events)
                micros[name].append(shown.micros["server"])
    with_them, without = median(micros["with"]), median(micros["without"])
    note = (
        f"server's CPU: {with_them:.2f} µs/event with, {without:.2f} without; median of {ROUNDS} rounds each, in turns"
    )
    yield at_most("l", "metrics, in the burst of (a)", 100 * (with_them / without - 1), TARGET_PERCENT, "%", note)
