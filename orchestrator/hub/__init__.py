"""One Redis subscriber connection per process, fanned out to its viewers.

``connection`` reads the channels, ``hub`` hands what arrives to ``viewer`` queues as a ``batch``, and ``stream``
turns the run log and such a queue into one stream without a gap, which ``follower`` opens. ``parking`` writes to the
sockets of streams that need no greenlet. ``frames`` is the wire format.
"""

from orchestrator.hub.connection import SubscriberConnection
from orchestrator.hub.follower import Follower
from orchestrator.hub.hub import Hub, HubUnavailable, TooManyViewers
from orchestrator.hub.stream import Stream
from orchestrator.hub.viewer import Viewer, Waiter

__all__ = [
    "Follower",
    "Hub",
    "HubUnavailable",
    "Stream",
    "SubscriberConnection",
    "TooManyViewers",
    "Viewer",
    "Waiter",
]
