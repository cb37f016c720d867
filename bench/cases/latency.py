"""(c): the time from publishing to a viewer, at an even pace."""

from collections.abc import Iterator, Sequence
from statistics import median

from bench.cases.arena import Round, median_percentile, steady_round
from bench.peers import Contender
from bench.report import Row, at_most, show
from bench.sizes import Sizes

RATE = 2_000.0
P50_TARGETS = {"sse-starlette": 1.2, "nchan": 3.0}
P99_OF_P50, P99_OF_NCHAN, MICROS = 2.0, 1.0, 30.0
"""Targets: the tail against the middle and against nginx' tail, and the server's CPU for each event."""


def rows(contenders: Sequence[Contender], sizes: Sizes) -> Iterator[Row]:
    rounds = _turns(contenders, sizes)
    half = {name: median_percentile(each, 0.5) for name, each in rounds.items()}
    late = {name: median_percentile(each, 0.99) for name, each in rounds.items()}
    ours = rounds["runwire"]
    lost = sum(each.lost for each in ours)
    what = f"{RATE:,.0f} events/s steady, {sizes.runs} viewers: p50"
    yield Row("c", what, show(half["runwire"], "ms"), "none lost", lost == 0, ours[0].note)
    yield at_most("c", "… server's CPU for each event", median(each.micros["server"] for each in ours), MICROS, "µs")
    yield at_most("c", "… p99", late["runwire"], P99_OF_P50 * half["runwire"], "ms", "target: 2 × p50")
    if "nchan" in late:
        yield at_most("c", "… p99 against nchan's", late["runwire"] / late["nchan"], P99_OF_NCHAN, "×")
    for name in [name for name in half if name != "runwire"]:
        ratio = half["runwire"] / half[name]
        note = f"{name}: p50 {half[name]:.2f} ms, p99 {late[name]:.2f} ms; {rounds[name][0].note}"
        if name in P50_TARGETS:
            yield at_most("c", f"… p50 against {name}", ratio, P50_TARGETS[name], "×", note)
        else:
            yield Row("c", f"… p50 against {name}", show(ratio, "×"), note=note)


def _turns(contenders: Sequence[Contender], sizes: Sizes) -> dict[str, list[Round]]:
    done: dict[str, list[Round]] = {contender.name: [] for contender in contenders}
    for _ in range(sizes.steady_rounds):
        for contender in contenders:
            done[contender.name].append(steady_round(contender, sizes.runs, RATE, sizes.steady_seconds))
    return done
