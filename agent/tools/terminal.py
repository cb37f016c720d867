"""``terminal``: run a shell command in the sandbox."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agent import notes
from agent.messages import CommandResult
from agent.tools.base import Args, Context, Tool, ToolFailure
from agent.tools.output import MAX_RESULT, Output
from agent.tools.process import start

MAX_COMMAND: Final = 100_000
"""Bytes; Linux takes 131,072 in one argument."""
MAX_NOTE: Final = 300
"""Characters of what viewers read of it, who see its output anyway; twenty hosts may be named."""


class TerminalArgs(Args):
    command: str = Field(min_length=1, description="A POSIX shell command, run in the workspace.")
    background: bool = Field(
        default=False,
        description="Do not wait for its end: for servers and watchers. `process` looks at it, waits for it, stops it.",
    )


def run_command(args: TerminalArgs, context: Context) -> tuple[str, str]:
    _refuse_what_no_shell_takes(args.command)
    if args.background:
        return start(args.command, context)
    output = Output(context)
    result = context.sandbox.run(
        args.command, timeout=context.command_timeout, on_output=output.add, check=context.emit.check
    )
    note = _note(result)
    if result.traffic is not None:
        note = f"{note}\nnetwork: {result.traffic}"
    text = f"{note}\n{output.text() or '(no output)'}"
    note = note.replace("\n", "; ")[:MAX_NOTE]
    if context.emit.attempt > 0:
        text = f"{text.rstrip()}\n\n{notes.RETRIED}"
    if result.exit_code != 0:
        raise ToolFailure(text, note)
    return text, note


def _refuse_what_no_shell_takes(command: str) -> None:
    if "\0" in command:
        raise ToolFailure("Expected a command without NUL characters.", "not a command")
    if len(command.encode()) > MAX_COMMAND:
        raise ToolFailure(f"Expected a command of at most {MAX_COMMAND} bytes; put it into a file.", "too long")


def _note(result: CommandResult) -> str:
    if result.killed is not None:
        return f"killed: {result.killed}"
    return f"exit code {result.exit_code}"


TERMINAL: Final = Tool(
    name="terminal",
    description=(
        "Run a POSIX shell command in the workspace; returns its exit code and output. {network} It has no "
        "keyboard, is killed after {command_timeout:.0f} s or when it prints megabytes, and of more than "
        f"{MAX_RESULT // 1024} kB of output you see both ends. What it starts with & ends with it. With "
        "`background: true` it goes on while you make other calls: later commands reach its ports on 127.0.0.1, and "
        "what it writes into the workspace is kept at the end of each call. It ends at last with the run."
    ),
    args=TerminalArgs,
    run=run_command,
)
