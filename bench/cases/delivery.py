"""(a) and (b): bursts to many runs, and to runs with several viewers. All contenders take turns."""

from collections.abc import Iterator, Mapping, Sequence

from bench.cases.arena import Round, burst_round, middle
from bench.peers import Contender
from bench.report import Row, at_least, show
from bench.sizes import Sizes

FAN_RUNS = 50
FAN_VIEWERS = 10
BURST_TARGETS = {"sse-starlette": 12.0, "flask-sse": 6.0, "nchan": 6.0}
FAN_TARGETS = {"sse-starlette": 70.0, "nchan": 4.0}


def burst_rows(contenders: Sequence[Contender], sizes: Sizes) -> Iterator[Row]:
    rounds = _turns(contenders, sizes.rounds, sizes.runs, 1, sizes.burst_events)
    total = sizes.runs * sizes.burst_events
    yield from _rows("a", f"burst of {total:,} events, {sizes.runs} runs × 1 viewer", rounds, BURST_TARGETS)


def fan_rows(contenders: Sequence[Contender], sizes: Sizes) -> Iterator[Row]:
    rounds = _turns(contenders, sizes.rounds, FAN_RUNS, FAN_VIEWERS, sizes.fan_events)
    total = FAN_RUNS * FAN_VIEWERS * sizes.fan_events
    yield from _rows("b", f"{total:,} deliveries, {FAN_RUNS} runs × {FAN_VIEWERS} viewers", rounds, FAN_TARGETS)


def _turns(
    contenders: Sequence[Contender], rounds: int, runs: int, viewers: int, events: int
) -> dict[str, list[Round]]:
    """Round by round, so that a disturbance of the machine meets all alike."""
    done: dict[str, list[Round]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            done[contender.name].append(burst_round(contender, runs, viewers, events))
    return done


def _rows(case: str, what: str, rounds: Mapping[str, list[Round]], targets: Mapping[str, float]) -> Iterator[Row]:
    ours = middle(rounds["runwire"])
    lost = sum(each.lost for each in rounds["runwire"])
    yield Row(case, what, show(ours.rate, "events/s"), "none lost", lost == 0, ours.note)
    for name, theirs in ((name, middle(each)) for name, each in rounds.items() if name != "runwire"):
        note = f"{name}: {show(theirs.rate, 'events/s')}; {theirs.note}"
        ratio = ours.rate / theirs.rate
        if name in targets:
            yield at_least(case, f"… against {name}", ratio, targets[name], "×", note)
        else:
            yield Row(case, f"… against {name}", show(ratio, "×"), note=note)
