"""Print a completion script for a shell, and a function to complete.

eval "$(python -m orchestrator completion bash)"     # in ~/.bashrc; zsh the same with its own name
runwire tail --<Tab>
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Final

FUNCTION: Final = "runwire"
ROOT: Final = Path(__file__).resolve().parents[2]
ZSH: Final = "autoload -U +X bashcompinit && bashcompinit\n"
SCRIPT: Final = """\
{function}() {{ PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}} {python} -m orchestrator "$@"; }}
_{function}() {{
  local words=
  if [ "$COMP_CWORD" -eq 1 ]; then words={commands}; else
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -F _{function} {function}
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(given: argparse.Namespace) -> int:
    cases = []
    for name, command in given.commands.items():
        parser = argparse.ArgumentParser(prog=name)
        command.arguments(parser)
        words = [word for action in parser._actions for word in (*action.option_strings, *(action.choices or ()))]
        cases.append(f"      {name}) words={shlex.quote(' '.join(words))} ;;")
    script = SCRIPT.format(
        function=FUNCTION,
        root=shlex.quote(str(ROOT)),  # it is called in any folder
        python=shlex.quote(sys.executable),
        commands=shlex.quote(" ".join(given.commands)),
        cases="\n".join(cases),
    )
    print((ZSH if given.shell == "zsh" else "") + script, end="")
    return 0
