"""A headless Chromium, driven by its own debugging protocol: enough to open a page and ask it things."""

import base64
import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx
from websockets.sync.client import ClientConnection, connect

from tools.processes import StartError, bound_to_parent, kill_group, stop, wait_until

START_SECONDS = 30.0
STOP_SECONDS = 5.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root, where Chromium's own sandbox refuses to start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def chromium() -> str:
    """Raises StartError."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        raise StartError("Chromium is not installed: apt-get install chromium")
    return binary


class Browser:
    """One Chromium with one page."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._process: subprocess.Popen[bytes] | None = None
        self._page: ClientConnection | None = None
        self._last_id = 0
        self._exits = ExitStack()

    def open(self, url: str, *, as_page: bool = False) -> None:
        """Go to `url` and wait until it has loaded; `as_page` lets scripts run and connect where its CSP forbids it."""
        self._send("Page.setBypassCSP", enabled=as_page)
        self._send("Page.navigate", url=url)
        loaded = "document.readyState === 'complete' && location.href !== 'about:blank'"
        wait_until(lambda: self.evaluate(loaded), START_SECONDS, f"{url} to load")

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if problem := answer.get("exceptionDetails"):
            raise AssertionError(f"{script!r} failed in the page: {problem}")
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 30.0) -> Any:
        """Wait until a JavaScript expression is true, and return its value."""
        return wait_until(lambda: self.evaluate(script), seconds, f"{script} in the page")

    def resize(self, width: int, height: int) -> None:
        """In pixels."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot")["data"]))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            bound_to_parent([chromium(), *FLAGS, f"--user-data-dir={self._profile}", "about:blank"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._exits.callback(self._stop, self._process)
        address = wait_until(self._page_address, START_SECONDS, "Chromium to start")
        self._page = self._exits.enter_context(connect(address, max_size=None))
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        stop(process, STOP_SECONDS)
        kill_group(process)

    def _page_address(self) -> str:
        """Chromium writes the port that it chose into its profile."""
        port_file = self._profile / "DevToolsActivePort"
        if not port_file.exists() or not (port := port_file.read_text().partition("\n")[0]):
            return ""
        targets = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
        return next((target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"), "")

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        assert self._page, "the browser is not running"
        self._last_id += 1
        self._page.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = json.loads(self._page.recv(timeout=START_SECONDS))
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise AssertionError(f"{method} failed: {message['error']}")
                return dict(message["result"])
