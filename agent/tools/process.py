"""``process``: look at a background process, wait for it, or stop it; and how ``terminal`` starts one."""

from __future__ import annotations

import time
from typing import Final, Literal

from pydantic import Field

from agent import notes
from agent.protocols import Process
from agent.tools.base import Args, Context, Tool, ToolFailure
from agent.tools.output import Output

FIRST_LOOK: Final = 1.0
"""Seconds after the start: most of what cannot work has ended by then, and says why."""
USUAL_WAIT: Final = 30.0
POLL: Final = 0.1
STOPPED: Final = "stopped"


class ProcessArgs(Args):
    handle: str = Field(description="As `terminal` has given it, such as bg-3-1.")
    action: Literal["look", "wait", "stop"] = Field(
        default="look", description="`wait`: until it has ended or `seconds` are over. `stop`: kill it."
    )
    seconds: float = Field(default=USUAL_WAIT, gt=0, description="How long to wait at most.")


def start(command: str, context: Context) -> tuple[str, str]:
    """Start ``command`` in the background; the handle, and what it has said in the first second."""
    # The call's place in the run: an attempt that is made again has the same.
    handle = context.call_id.replace("call-", "bg-")
    background = context.sandbox.background
    if failure := background.start(handle, command, timeout=context.background_timeout):
        raise ToolFailure(f"Not started: {failure}.", "not started")
    try:
        process, output = _follow(handle, FIRST_LOOK, context)
    except BaseException:
        background.stop(handle, STOPPED)
        raise
    if process.ended:
        raise ToolFailure(f"{handle} has ended at once: {process.ended}.\n{output}", f"{handle}: {process.ended}")
    text = f"{handle} runs in the background.\n{output}"
    if context.emit.attempt > 0:
        text = f"{text.rstrip()}\n\n{notes.RETRIED}"
    return text, f"{handle} runs"


def use_process(args: ProcessArgs, context: Context) -> tuple[str, str]:
    if args.action == "stop":
        context.sandbox.background.stop(args.handle, STOPPED)
    seconds = min(args.seconds, context.command_timeout) if args.action == "wait" else 0
    process, output = _follow(args.handle, seconds, context)
    if process.is_lost:
        again = "If you still need it, start it again."
        raise ToolFailure(f"{args.handle} is {process.ended}. {again}\n{output}", f"{args.handle} is lost")
    state = "still runs" if process.ended is None else f"has ended: {process.ended}"
    return f"{args.handle} ({process.command}) {state}.\n{output}", f"{args.handle} {state}"


def _follow(handle: str, seconds: float, context: Context) -> tuple[Process, str]:
    """Pass on what it prints until it ends or ``seconds`` are over; what is known of it then, and what it printed."""
    give_up = time.monotonic() + seconds
    shown = Output(context)
    since = None
    while True:
        process = context.sandbox.background.look(handle, reader=context.call_id, since=since)
        if process is None:
            raise ToolFailure(_unknown(handle, context), f"{handle} is not known")
        since = process.next
        shown.add("stdout", _missed(process.missed) + process.output)
        if process.ended is not None or time.monotonic() >= give_up:
            network = f"network: {process.traffic}\n" if process.traffic is not None else ""
            return process, f"{network}{shown.text() or '(no new output)'}"
        context.emit.check()
        time.sleep(min(POLL, max(0.0, give_up - time.monotonic())))


def _missed(count: int) -> str:
    return f"[… {count:,} bytes of output before this are not kept …]\n" if count else ""


def _unknown(handle: str, context: Context) -> str:
    running = ", ".join(context.sandbox.background.running()) or "none"
    return (
        f"Nothing is known of {handle!r} here. If it was started, it was lost with its machine, and its exit is not "
        f"known: start it again if you still need it. Running: {running}."
    )


PROCESS: Final = Tool(
    name="process",
    description=(
        "Look at a process that `terminal` has started in the background, wait for it (at most {command_timeout:.0f} s "
        "a call) or stop it. Shows what it has printed since the last call, whether it runs, and how it ended."
    ),
    args=ProcessArgs,
    run=use_process,
)
