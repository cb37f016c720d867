"""Who competes: Runwire, and three usual ways to do the same with less."""

from collections.abc import Callable
from pathlib import Path

from bench.peers.channel_servers import flask_sse, starlette_sse
from bench.peers.contender import Contender
from bench.peers.nchan import Nchan
from bench.peers.runwire import Runwire

PEERS: tuple[Callable[[Path], Contender], ...] = (starlette_sse, flask_sse, Nchan)
"""Each makes a Contender from a folder; raises StartError where it is not installed."""

__all__ = ["PEERS", "Contender", "Nchan", "Runwire", "flask_sse", "starlette_sse"]
