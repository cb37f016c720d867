"""Frontends of other protocols."""

from __future__ import annotations

from typing import Final

from tools.mutations.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "a chat's answer is followed by what was not shown yet",
        "orchestrator/formats/ai_sdk.py",
        'if asked["approvalId"] == self._shown:',
        "if True:",
        ("tests/formats/test_real_clients.py",),
    ),
    Mutant(
        "an approval that has its answer holds up no replay",
        "orchestrator/formats/ai_sdk.py",
        'is_history = event.get("id", 0) < self._last',
        "is_history = False",
        ("tests/formats/test_real_clients.py",),
    ),
    Mutant(
        "who says something else is not held up by an approval",
        "orchestrator/web/chat.py",
        "            self._move_on(latest, asked.messages)",
        "            pass",
        ("tests/http/test_chat_approval.py",),
    ),
)
