"""The outcome as a table that people read and CI keeps."""

from collections.abc import Sequence
from statistics import median

from bench.chaos.storm import Outcome

WIDTH = 46
NOTES_SHOWN = 20
ENOUGH = 5  # values for a median to mean something


def table(outcome: Outcome) -> str:
    losses = outcome.losses
    rows: list[tuple[str, object]] = [("faults injected", outcome.faults.total())]
    rows += [(f"  {kind}", count) for kind, count in sorted(outcome.faults.items())]
    rows += [("runs", outcome.runs), ("terminal events", sum(outcome.ends.values()) - outcome.ends["none"])]
    rows += [(f"  {kind}", count) for kind, count in sorted(outcome.ends.items())]
    rows += [
        ("events stored", outcome.events),
        ("viewers (connections)", f"{outcome.runs * 3} ({outcome.connections})"),
        ("events lost", losses.lost),
        ("events duplicated", losses.doubled),
        ("events out of order", losses.disordered),
        ("events with other bytes", losses.altered),
        ("viewers that never saw the end", losses.stuck_viewers),
        ("runs without one whole log and one end", losses.bad_runs),
        ("steps executed twice", losses.steps_twice),
        ("runs started twice", losses.runs_twice),
        ("projects with other files than their run made", losses.wrong_projects),
        ("workspaces left behind", losses.leftovers),
        ("s, worker killed to next event (median, max)", _spread(outcome.recovery, 1.0)),
        ("s, that event to be had to seen (median, max)", _spread(outcome.late, 1.0)),
        ("s, cancel to terminal event (p50, p99)", _spread(outcome.cancel, 0.99)),
        ("s, silence after the engine died (median, max)", _spread(outcome.silence, 1.0)),
        ("times over their limits", "; ".join(over_limits(outcome)) or 0),
    ]
    lines = [f"{name:<{WIDTH}} {value}" for name, value in rows]
    notes = [f"! {note}" for note in losses.notes[:NOTES_SHOWN]]
    return "\n".join([f"Chaos, engine {outcome.plan.engine}", "-" * (WIDTH + 14), *lines, *notes])


def over_limits(outcome: Outcome) -> list[str]:
    """The times that took longer than they may."""
    found = []
    for name, values, most_median, most in (
        ("worker killed to next event", outcome.recovery, 3.0, 15.0),
        ("that event to be had to seen", outcome.late, 0.5, 3.0),
        ("cancel to terminal event", outcome.cancel, 1.0, 5.0),
        ("silence after the engine died", outcome.silence, 20.0, 30.0),
    ):
        is_slow = len(values) >= ENOUGH and median(values) > most_median
        if values and (is_slow or max(values) > most):
            found.append(
                f"{name}: median {median(values):.1f} s of {most_median:g}, max {max(values):.1f} s of {most:g}"
            )
    return found


def _spread(values: Sequence[float], share: float) -> str:
    """The median and the value below which `share` of all lie."""
    if not values:
        return "none"
    ordered = sorted(values)
    return f"{median(ordered):.2f}, {ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.2f}  (n={len(ordered)})"
