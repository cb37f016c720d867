"""All settings, read once from the environment. A bad or missing value stops the start and names the variable.

``fields``: the variables; ``values``: what single ones have to be; ``settings``: what they have to be together, and
what follows from them.
"""

from orchestrator.settings.settings import REQUIRED_IN_PRODUCTION, Settings, SettingsError, load_fields, load_settings

__all__ = ["REQUIRED_IN_PRODUCTION", "Settings", "SettingsError", "load_fields", "load_settings"]
