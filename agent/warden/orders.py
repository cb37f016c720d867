"""What the service tells a warden, as JSON in one descriptor."""

from __future__ import annotations

import json
import os
from typing import Any


class Orders:
    """``argv``: bubblewrap's, in which ``info`` is the descriptor that it reports on. ``uid``: whose the jail is.

    ``lent``: names and paths of the host that this uid could not walk to; they appear below ``LENT`` by their names.
    ``budgets``: see agent/sandbox/budgets.py.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self.argv: list[str] = values["argv"]
        self.uid: int | None = values["uid"]
        self.lent: dict[str, str] = values["lent"]
        self.workspace: str = values["workspace"]
        self.budgets: dict[str, int] = values["budgets"]


LENT = "/tmp"
"""A folder that every machine has. The warden's own is empty; nobody else sees what it mounts there."""


def read_orders(fd: int) -> Orders:
    with os.fdopen(fd, "rb") as file:
        return Orders(json.load(file))
