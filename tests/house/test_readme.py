"""Every command of README.md does what it says there, in its order, against a real service.

Three things are put in place of what the page says: the service's address for `localhost:8000`, real run ids for those
that it shows, and for `<runId>` a run of the kind that the command is for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.service import Service, minimal_environment
from lab.sse import start_run
from tests.conftest import StartService
from tests.house.blocks import Command, as_shown, commands

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text()
KEY = "0123456789abcdef0123456789abcdef"
SECONDS = 60  # none takes more than a few; a machine may be busy

NOT_HERE = {
    "make test": "this is it",
    "make run": "serves until Ctrl-C: tests/service/test_loopback.py",
    "npx inngest-cli": "comes from npm when it is called; scenarios against it: `pytest -m inngest`",
}
ELSEWHERE = {"make demo": "test_the_demo", "curl -X POST localhost:8000/agent/tokens": "test_a_token"}
ENDLESS = ("redis-cli", "python -m orchestrator tail")  # they go on until Ctrl-C
WORDS_APART = "0.03"  # s; a run of the demonstration then takes 5 s or more, and there is one to be cancelled


class Reader:
    """Somebody who tries the page out, line after line."""

    def __init__(self, service: Service, **env: str) -> None:
        self._service = service
        self._env = {**service.env, "RUNWIRE_URL": service.url, **env}
        self._ids: dict[str, str] = {}
        self.answers: list[str] = []

    def tries(self, command: Command) -> None:
        if command.text.startswith(ENDLESS):
            start_run(self._service, projectId="p2")  # something to see
            came = first_line(self._here(command.text), self._env)
        else:
            came = run(self._here(command.text), self._env)
        self.answers.append(came)
        shown = "\n".join(command.shown)
        assert not shown or as_shown(came, command.shown, self._ids), f"{command.text}\n{shown}\n\ncame as\n{came}"

    def _here(self, text: str) -> str:
        text = text.replace("localhost:8000", self._service.url.removeprefix("http://"))
        complete, cancelled = [*self._ids.values(), "", ""][:2]
        text = text.replace("<runId>", cancelled if " retry " in text else complete)
        return re.sub("|".join(self._ids) or "$^", lambda match: self._ids[match[0]], text)


def run(text: str, env: Mapping[str, str]) -> str:
    shell = ["bash", "-e", "-o", "pipefail", "-c", text]
    done = subprocess.run(shell, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def first_line(text: str, env: Mapping[str, str]) -> str:
    """What an endless command prints first; then it gets a Ctrl-C and ends."""
    shell = ["bash", "-c", f"exec {text}"]
    with subprocess.Popen(shell, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            process.terminate()  # where SIGINT is ignored, redis-cli ignores it, too
            process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert line, f"{text} printed nothing"
    return line


def all_but(*where: Mapping[str, str]) -> list[Command]:
    left_out = tuple(text for texts in where for text in texts)
    return [command for command in commands(PAGE) if not command.text.startswith(left_out)]


def only(start: str) -> Command:
    (command,) = (command for command in commands(PAGE) if command.text.startswith(start))
    return command


def test_the_commands_with_a_service(start_service: StartService, redis_url: str) -> None:
    service = start_service(AGENT_OFFLINE_DELAY=WORDS_APART)
    reader = Reader(service, REDIS_URL=redis_url)
    tried = all_but(NOT_HERE, ELSEWHERE)
    for command in tried:
        if "accept: application/json" in command.text:
            start_run(service, projectId="p1")  # the next one of p1 waits for it, and can be cancelled
        reader.tries(command)
    assert len(tried) > 10


def test_a_token(start_service: StartService) -> None:
    service = start_service(AGENT_API_KEYS=f"me:{KEY}")
    Reader(service, KEY=KEY).tries(only("curl -X POST localhost:8000/agent/tokens"))


@pytest.mark.program
def test_the_demo(tmp_path: Path) -> None:
    said = run(only("make demo").text, minimal_environment(tmp_path) | {"SERVE": "0"})
    kept = re.search(r"^Files in (runwire-output/\S+)/$", said, re.MULTILINE)
    assert kept and (ROOT / kept[1] / "index.html").exists() and "Preview:  http://" in said, said
    shutil.rmtree(ROOT / kept[1])


@pytest.mark.parametrize("start", [*NOT_HERE, *ELSEWHERE])
def test_what_is_left_out_is_on_the_page(start: str) -> None:
    assert only(start)


def test_what_a_page_shows_is_compared() -> None:
    known: dict[str, str] = {}
    one, other = "run_" + 24 * "1", "run_" + 24 * "2"
    assert as_shown(f'{{"id":1,"run":"{other}"}}\nx\n\nend 4711\n', [f'{{"id":1,"run":"{one}…', "…", "end 99"], known)
    assert known == {one: other}
    assert as_shown(f"{other}\n", [one], known)
    assert not as_shown(f"{one}\n", [one], known)
    assert not as_shown("id 2\n", ["id 1"], known)
    assert not as_shown("a\nb\n", ["a"], known)
