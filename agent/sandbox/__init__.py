"""Where commands run: a bubblewrap jail, a plain local shell for who accepts the risk, or nowhere."""

from agent.sandbox.choose import KINDS, open_sandbox, remove_workspace

__all__ = ["KINDS", "open_sandbox", "remove_workspace"]
