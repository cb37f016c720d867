"""The real Next.js from the registry of this machine's npm: `pytest -m npm` takes minutes and downloads 115 MB."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.protocols import Sandbox
from agent.sandbox import Network, open_sandbox, remove_workspace

FILES = """
cat > package.json <<END
{"name": "page", "private": true, "scripts": {"build": "next build"},
 "dependencies": {"next": "14", "react": "18", "react-dom": "18"}}
END
mkdir -p app
echo 'export default function Page() { return <h1>hello</h1> }' > app/page.jsx
echo 'export default function Layout({children}) { return <html><body>{children}</body></html> }' > app/layout.jsx
echo 'module.exports = {output: "export"}' > next.config.js
"""


@pytest.mark.npm
@pytest.mark.timeout(900)
def test_a_second_run_installs_next_in_a_third_of_the_time_and_it_builds(tmp_path: Path) -> None:
    registry = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=True).stdout
    network = Network(urlsplit(registry.strip()).netloc, npm_registry=registry.strip())
    seconds = []
    for number in range(2):
        sandbox = open_sandbox(
            "bubblewrap", tmp_path / "sandboxes", f"run_{number}", network=network, project="web/page"
        )
        with sandbox.hold(lambda: None):
            run(sandbox, FILES)
            started = time.monotonic()
            run(sandbox, "npm install")
            seconds.append(time.monotonic() - started)
            run(sandbox, "npm run build")
            assert "<h1>hello</h1>" in run(sandbox, "cat out/index.html")
        remove_workspace("bubblewrap", tmp_path / "sandboxes", f"run_{number}", kept=number ^ 1)
    print(f"npm install: {seconds[0]:.1f} s, then {seconds[1]:.1f} s")
    assert seconds[1] < seconds[0] / 3


def run(sandbox: Sandbox, command: str) -> str:
    output: list[str] = []
    result = sandbox.run(command, timeout=400, on_output=lambda _, text: output.append(text), check=lambda: None)
    assert result.exit_code == 0, (command, result, "".join(output)[-2000:])
    return "".join(output)
