"""A model without a model: a script that builds one of a few small projects. No key, no network."""

from agent.models.offline.model import OfflineModel

__all__ = ["OfflineModel"]
