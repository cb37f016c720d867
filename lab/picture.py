"""`python -m lab.picture`: docs/pictures/preview.png, what a run has built as Chromium shows it."""

import sys
import tempfile
from pathlib import Path

from lab.browser import Browser
from tools.demo import watch
from tools.processes import free_port
from tools.stack import Stack, environment
from tools.web_server import ROOT

PICTURE = ROOT / "docs" / "pictures" / "preview.png"
PROMPT = "a tip calculator"
SIZE = (640, 600)


def main(path: Path) -> None:
    """Run the offline model on PROMPT and take a picture of its page."""
    env = environment() | {"AGENT_OFFLINE_DELAY": "0", "AGENT_ENGINE": "direct"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Stack(free_port(), env, log_path=Path(folder) / "log") as stack:
        result = watch(stack.web.port, PROMPT)
        with Browser(Path(folder) / "browser") as browser:
            browser.resize(*SIZE)
            browser.open(result["url"])
            browser.screenshot(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
