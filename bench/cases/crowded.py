"""(j): more viewers than the process takes. They are told to come later; the others notice nothing."""

from collections.abc import Iterator
from pathlib import Path

from bench.cases.arena import CONNECT_SECONDS, median_percentile, run_names, steady_round
from bench.job import Job
from bench.load import Seen, Watch, watch
from bench.peers import Runwire
from bench.report import Row, show
from bench.sizes import Sizes

ROOM = 200
TOO_MANY = 100
RATE = 400.0
UNDISTURBED = 2.0
"""How much later the p50 may be while others are refused."""


def rows(sizes: Sizes, folder: Path) -> Iterator[Row]:
    turned_away: list[Seen] = []
    with Runwire(folder, env={"SSE_MAX_VIEWERS": str(ROOM)}) as ours:
        alone = steady_round(ours, ROOM, RATE, sizes.steady_seconds)
        crowded = steady_round(ours, ROOM, RATE, sizes.steady_seconds, lambda: turned_away.append(_knock(ours)))
    [seen] = turned_away
    right = seen.statuses == {503: TOO_MANY} and all(b"\r\nRetry-After: " in head for head in seen.refused)
    statuses = ", ".join(f"{count} × {status}" for status, count in seen.statuses.items())
    yield Row("j", f"{TOO_MANY} viewers too many for a process", statuses, "503, later", right, "with Retry-After")
    before, during = median_percentile([alone], 0.5), median_percentile([crowded], 0.5)
    note = f"p50 {before:.2f} ms before, {during:.2f} ms meanwhile; lost: {crowded.lost}"
    calm = during <= UNDISTURBED * before and not crowded.lost
    yield Row(
        "j", "… p50 of the others meanwhile", show(during / before, "×"), f"≤ {show(UNDISTURBED, '×')}", calm, note
    )


def _knock(ours: Runwire) -> Seen:
    runs = run_names(TOO_MANY)
    ours.prepare(runs)
    plan = Watch(ours.port, [ours.request(run) for run in runs], 1, 1.0)
    with Job(watch, plan) as load:
        load.hear(CONNECT_SECONDS)
        return load.result(CONNECT_SECONDS)
