"""(i): how (a) and (c) grow from one worker to two."""

from collections.abc import Iterator
from pathlib import Path

from bench.cases.arena import burst_round, median_percentile, middle, steady_round
from bench.cases.latency import RATE
from bench.peers import Runwire
from bench.report import Row, show
from bench.sizes import Sizes


def rows(ours: Runwire, sizes: Sizes, folder: Path) -> Iterator[Row]:
    with Runwire(folder, workers=2) as double:
        yield _burst("(a) with 2 workers instead of 1", ours, double, sizes)
        if not sizes.quick:
            yield _steady("(c) with 2 workers instead of 1", ours, double, sizes)


def _burst(what: str, single: Runwire, double: Runwire, sizes: Sizes) -> Row:
    one, two = (
        middle([burst_round(each, sizes.runs, 1, sizes.burst_events) for _ in range(sizes.rounds)])
        for each in (single, double)
    )
    note = f"1: {show(one.rate, 'events/s')}, 2: {show(two.rate, 'events/s')}; {two.note}"
    return Row("i", what, show(two.rate / one.rate, "×"), note=note)


def _steady(what: str, single: Runwire, double: Runwire, sizes: Sizes) -> Row:
    one, two = ([steady_round(each, sizes.runs, RATE, sizes.steady_seconds)] for each in (single, double))
    texts = [
        f"p50 {median_percentile(each, 0.5):.2f}, p99 {median_percentile(each, 0.99):.2f} ms" for each in (one, two)
    ]
    ratio = median_percentile(two, 0.5) / median_percentile(one, 0.5)
    return Row("i", what, f"p50 {show(ratio, '×')}", note=f"1: {texts[0]}; 2: {texts[1]}")
