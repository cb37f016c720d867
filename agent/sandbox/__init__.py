"""Where commands run: a bubblewrap jail, a plain local shell for who accepts the risk, or nowhere."""

from agent.sandbox.budgets import MB, Budgets
from agent.sandbox.choose import KINDS, open_sandbox
from agent.sandbox.folder import default_dir
from agent.sandbox.janitor import Janitor, remove_workspace
from agent.sandbox.network import Network
from agent.sandbox.probe import why_no_jail

__all__ = [
    "KINDS",
    "MB",
    "Budgets",
    "Janitor",
    "Network",
    "default_dir",
    "open_sandbox",
    "remove_workspace",
    "why_no_jail",
]
