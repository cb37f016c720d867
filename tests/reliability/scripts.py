"""What the scripted model says in these tests, and commands whose effects outside the workspace can be counted."""

import json
import os
import signal
from pathlib import Path

from lab.llm import Answer, says

DONE = says("Done.")


def runs(command: str) -> Answer:
    """The model asks for a shell command."""
    return says("I run this.", calls=(("terminal", json.dumps({"command": command})),))


def writes(path: str, content: str) -> Answer:
    """The model asks for a file."""
    files = {"files": [{"path": path, "content": content}]}
    return says("I write this.", calls=(("createOrUpdateFiles", json.dumps(files)),))


class Marks:
    """Files outside the workspace, which commands of the `unsafe-local` sandbox can reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def note(self, name: str, text: str = "x") -> str:
        """A command that adds a line to the mark `name`."""
        return f"echo {text} >> {self.folder}/{name}"

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().split() if path.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(line) for line in self.lines(name)]


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        os.kill(pid, signal.SIG_DFL)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
