"""(e): a crowd that lost its connections comes back at once and wants what it has missed."""

import re
from collections.abc import Iterator, Sequence

from bench.cases import calibration
from bench.cases.arena import CONNECT_SECONDS, run_names
from bench.job import Job
from bench.load import Seen, Watch, watch
from bench.peers import Runwire
from bench.publish import STEP, body
from bench.report import Row, at_least, show
from bench.sizes import Sizes

RUNS = 100
BATCH = 100
OF_CALIBRATION = 1 / 3
"""Target for all: the share of what a server comes to that only writes (case 0)."""
ROUND_SECONDS = 60.0
CALIBRATION_EVENTS = 2_000
CHECKED = 20
"""Viewers whose ids are looked at one by one; of the others the events are counted."""

_ID = re.compile(rb"\nid: (\d+)\n")


def rows(ours: Runwire, sizes: Sizes) -> Iterator[Row]:
    runs = run_names(RUNS)
    _store(ours, runs, sizes.stored)
    last = sizes.stored + 1  # the first event is the status
    shares = {"the last tenth": last - sizes.stored // 10, "half": last // 2, "all": 1}
    for what, after in list(shares.items())[-1 if sizes.quick else 0 :]:
        missing = last - after
        seen = _come_back(ours, runs, sizes.resuming, after, missing)
        seconds = max(seen.last - seen.started, 1e-9)
        whole = seen.fewest == seen.most == missing and all(_ids(data) == _wanted(after, last) for data in seen.kept)
        rate = seen.events / seconds
        note = f"{rate:,.0f} events/s; load {seen.total_cpu_seconds / seconds:.0%}"
        title = f"{sizes.resuming:,} viewers resume at once, {what} of {sizes.stored:,} missing"
        yield Row("e", title, show(seconds, "s"), note=note)
        yield Row("e", "… each got what it missed, in order", "yes" if whole else "NO", "yes", whole)
    only_writing, _ = calibration.only_writing(CALIBRATION_EVENTS)
    yield at_least("e", "… against a server that only writes", rate / only_writing, OF_CALIBRATION, "×")
    ours.settle(runs)


def _store(ours: Runwire, runs: Sequence[str], events: int) -> None:
    ours.prepare(runs)
    for run in runs:
        for done in range(0, events, BATCH):
            ours.log.append(run, STEP, 0, done + 1, [body(run)] * min(BATCH, events - done))


def _come_back(ours: Runwire, runs: Sequence[str], viewers: int, after: int, missing: int) -> Seen:
    requests = [ours.request(runs[place % len(runs)], after) for place in range(viewers)]
    plan = Watch(ours.port, requests, viewers * missing, ROUND_SECONDS, keep=CHECKED)
    with Job(watch, plan) as load:
        load.hear(CONNECT_SECONDS)
        return load.result(ROUND_SECONDS + 1)


def _wanted(after: int, last: int) -> list[int]:
    return list(range(after + 1, last + 1))


def _ids(answer: bytes) -> list[int]:
    return [int(number) for number in _ID.findall(dechunked(answer))]


def dechunked(answer: bytes) -> bytes:
    """The body of an answer that may still go on (RFC 9112, 7.1)."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    parts: list[bytes] = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        rest = rest[length + 2 :]
    return b"".join(parts)
