"""Models and endings."""

from __future__ import annotations

from typing import Final

from tools.mutations.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "a failed attempt writes nothing more",
        "orchestrator/runlog/scripts/_run.lua",
        " or failed_at == attempt then",
        " then",
        ("tests/reliability/test_run_log_model.py",),
    ),
    Mutant(
        "a new id is a new call",
        "agent/models/assembly.py",
        " or (id and call.id and id != call.id)",
        "",
        ("tests/agent/test_openai_chat.py",),
    ),
    Mutant(
        "a filtered answer is a refusal",
        "agent/models/openai_chat.py",
        '    "content_filter": "refused",\n',
        "",
        ("tests/agent/test_faults.py",),
    ),
    Mutant(
        "a cut answer goes on",
        "agent/conversation.py",
        '        elif reply.stop == "length":\n            self._note(prompts.CONTINUE)\n',
        "",
        ("tests/agent/test_endings.py",),
    ),
    Mutant(
        "nothing changed is not done",
        "agent/outcome.py",
        'return "done" if has_changes else "nothing-to-do"',
        'return "done"',
        ("tests/agent/test_faults.py",),
    ),
    Mutant(
        "a full conversation is compacted",
        "agent/conversation.py",
        "return self.size > self._context * FULL",
        "return False",
        ("tests/agent/test_compaction.py",),
    ),
    Mutant(
        "the last turn is announced",
        "agent/budget.py",
        "return Standing(LAST.format(reason=reason), True)",
        'return Standing("", True)',
        ("tests/agent/test_endings.py",),
    ),
    Mutant(
        "the fallback takes the last attempt",
        "agent/asking.py",
        " and emit.tries.is_last:",
        " and False:",
        ("tests/agent/test_endings.py",),
    ),
    Mutant(
        "used-up quota is permanent",
        "agent/models/faults.py",
        "        if self._wants_pay:",
        "        if False:",
        ("tests/agent/test_remote_model.py",),
    ),
)
