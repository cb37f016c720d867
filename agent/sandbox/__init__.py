"""Where commands run: a bubblewrap jail, a plain local shell for who accepts the risk, or nowhere."""

from agent.sandbox.choose import KINDS, open_sandbox
from agent.sandbox.folder import default_dir
from agent.sandbox.janitor import Janitor, remove_workspace

__all__ = ["KINDS", "Janitor", "default_dir", "open_sandbox", "remove_workspace"]
