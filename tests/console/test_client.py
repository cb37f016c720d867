"""The console's copy of clients/js is the one that is built from the sources."""

from tools.clients import CONSOLE, build, for_console


def test_the_console_has_the_present_client() -> None:
    build()
    assert CONSOLE.read_text() == for_console(), "run: .venv/bin/python -m tools.clients"
