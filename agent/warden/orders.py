"""What the service tells a warden, marshalled (both are the same interpreter, and json takes 8 ms to import)."""

from __future__ import annotations

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Orders:
    """``argv``: bubblewrap's, in which ``info`` is the descriptor that it reports on. ``uid``: whose the jail is.

    ``lent``: names and paths of the host that this uid could not walk to; they appear below ``LENT`` by their names.
    ``budgets``: see agent/sandbox/budgets.py. ``network``: namespaces of another jail (descriptors) whose network this
    one shares; none: it gets its own. ``proxy``, ``direct``: see ``Door``. ``background``: the arguments of a
    ``Background``, where it goes on beside later commands.
    """

    def __init__(
        self,
        argv: list[str],
        uid: int | None,
        lent: dict[str, str],
        workspace: str,
        budgets: dict[str, int],
        network: list[int],
        proxy: dict[str, object],
        direct: list[str],
        background: dict[str, Any] | None,
    ) -> None:
        self.argv, self.uid, self.lent, self.workspace, self.budgets = argv, uid, lent, workspace, budgets
        self.network, self.proxy, self.direct, self.background = network, proxy, direct, background


LENT = "/tmp"
"""A folder that every machine has. The warden's own is empty; nobody else sees what it mounts there."""


def read_orders(fd: int) -> Orders:
    with os.fdopen(fd, "rb") as file:
        return Orders(**marshal.load(file))
