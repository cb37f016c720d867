"""Other protocols, as pure functions over a run's stored events.

``history`` keeps what stands of a run, ``fold`` is its state as a frontend shows it, ``hold`` holds a step back until
it can no longer be undone, ``ai_sdk`` and ``ag_ui`` are the mappings, and ``translated`` runs one of them over a
follower's stream.
"""

from orchestrator.formats.fold import fold
from orchestrator.formats.history import Event, History
from orchestrator.formats.translated import Mapping, Translated

__all__ = ["Event", "History", "Mapping", "Translated", "fold"]
