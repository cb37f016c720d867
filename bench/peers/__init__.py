"""Who competes: Runwire, and usual ways to do the same, most with less: see `docs/performance.md`."""

from collections.abc import Callable
from pathlib import Path

from bench.peers.channel_servers import flask_sse, starlette_sse
from bench.peers.contender import Contender
from bench.peers.durable_streams import DurableStreams
from bench.peers.nchan import Nchan
from bench.peers.pushpin import Pushpin
from bench.peers.runwire import Runwire

PEERS: tuple[Callable[[Path], Contender], ...] = (starlette_sse, flask_sse, Nchan, Pushpin, DurableStreams)
"""Each makes a Contender from a folder; raises StartError where it is not installed."""

__all__ = ["PEERS", "Contender", "DurableStreams", "Nchan", "Pushpin", "Runwire", "flask_sse", "starlette_sse"]
