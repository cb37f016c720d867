"""How much work each case does: in full, and in the short form for every day."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    quick: bool
    cases: str
    runs: int
    """Runs, with one viewer each, in (a), (c) and (i)."""
    rounds: int
    """How often each burst is repeated; the median counts."""
    burst_events: int
    """Events per run in (a)."""
    fan_events: int
    """Events per run in (b), over 50 runs."""
    steady_seconds: float
    steady_rounds: int
    idle: tuple[int, ...]
    peer_idle: int
    """0: leave the peers' memory out."""
    resuming: int
    stored: int
    single_appends: int
    batches: int
    tokens: int
    posts: int
    steps: int
    mapped_runs: int


FULL = Sizes(
    quick=False,
    cases="0abcdefghijkl",
    runs=500,
    rounds=3,
    burst_events=100,
    fan_events=200,
    steady_seconds=5.0,
    steady_rounds=3,
    idle=(10_000, 50_000),
    peer_idle=1_000,
    resuming=1_000,
    stored=1_000,
    single_appends=10_000,
    batches=2_000,
    tokens=1_000,
    posts=30,
    steps=1_000,
    mapped_runs=1_000,
)

QUICK = Sizes(
    quick=True,
    cases="0abcdefghk",
    runs=200,
    rounds=1,
    burst_events=75,
    fan_events=50,
    steady_seconds=1.5,
    steady_rounds=1,
    idle=(500,),
    peer_idle=0,
    resuming=300,
    stored=1_000,
    single_appends=2_000,
    batches=400,
    tokens=500,
    posts=5,
    steps=100,
    mapped_runs=200,
)
