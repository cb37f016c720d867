"""The commands there are, and what went wrong with one in a sentence."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import Final, Protocol

from redis.exceptions import RedisError

from agent.console import leave_pipe
from orchestrator.cli import cancel, completion, replay, retry, runs, show, tail
from orchestrator.cli.api import ApiError
from orchestrator.cli.output import clean
from orchestrator.runlog import RunMissing
from orchestrator.settings import SettingsError

INTERRUPTED: Final = 130


class Command(Protocol):
    """A module; its docstring is its help, the examples in it are indented."""

    __doc__: str | None

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, given: argparse.Namespace) -> int:
        """Returns the exit code. Raises ApiError, RunMissing, SettingsError, redis' errors."""


COMMANDS: Final[dict[str, Command]] = {
    "tail": tail,
    "runs": runs,
    "show": show,
    "cancel": cancel,
    "retry": retry,
    "replay": replay,
    "completion": completion,
}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestrator", description="Runs in a terminal.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        summary, _, rest = (command.__doc__ or "").partition("\n")
        one = commands.add_parser(
            name,
            help=summary.rstrip("."),
            description=summary,
            epilog=rest.strip("\n"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(one)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    given = make_parser().parse_args(arguments)
    given.commands = COMMANDS
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that does not know a character shows another
    try:
        return COMMANDS[given.command].run(given)
    except SettingsError as error:
        sys.exit(str(error))
    except RunMissing:
        sys.exit(f"unknown or expired run {given.run_id!r}")
    except ApiError as error:
        sys.exit(clean(str(error)))
    except RedisError as error:
        sys.exit(f"Redis does not answer: {error}\nREDIS_URL says where it is; `make run` prints its own.")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        leave_pipe()  # a reader such as head has seen enough
        return 0
