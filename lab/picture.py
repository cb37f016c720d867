"""`python -m lab.picture`: the pictures in docs/pictures, made of a real run: its page and the console, in Chromium."""

import sys
import tempfile
from pathlib import Path

from lab.browser import Browser
from tools.demo import watch
from tools.processes import free_port
from tools.stack import Stack, environment
from tools.web_server import ROOT

PICTURES = ROOT / "docs" / "pictures"
PROMPT = "a tip calculator"
PAGE_SIZE = (640, 600)
CONSOLE_SIZE = (1100, 760)


def main(folder: Path) -> None:
    """Run the offline model on PROMPT and take `preview.png` and `console.png`."""
    env = environment() | {"AGENT_OFFLINE_DELAY": "0", "AGENT_ENGINE": "direct"}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, Stack(free_port(), env, log_path=Path(made) / "log") as stack:
        result = watch(stack.web.port, PROMPT)
        with Browser(Path(made) / "browser") as browser:
            browser.resize(*PAGE_SIZE)
            browser.open(result["url"])
            browser.screenshot(folder / "preview.png")
            browser.resize(*CONSOLE_SIZE)
            browser.open(f"http://127.0.0.1:{stack.web.port}/")
            browser.wait_for("document.querySelector('#runs a')?.click() ?? document.querySelector('#runs a') !== null")
            browser.wait_for("document.querySelector('header.run .state')?.textContent === 'done'")
            browser.evaluate("new Promise((seen) => setTimeout(seen, 300))")
            browser.screenshot(folder / "console.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
