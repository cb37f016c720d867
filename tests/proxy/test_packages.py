"""Packages from a registry: fetched once for all runs, and only by what runs cannot change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.messages import Traffic
from agent.sandbox import Janitor, Network, open_sandbox
from tests.jail.jailed import Ending, run_here
from tests.proxy.registry import Registry, registry

TARBALL = "/greeter/-/greeter-1.0.0.tgz"


@pytest.fixture(scope="module")
def packages() -> Iterator[Registry]:
    npm = {"greeter": {"index.js": "module.exports = 'hello from a package'"}}
    with registry(npm, {"waver": {"waver.py": "WORD = 'hello from a wheel'"}}) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "sandboxes"
    for run in (tmp_path / "sandboxes").glob("run_*"):
        assert Janitor("bubblewrap", tmp_path / "sandboxes").remove(run.name)


def install(folder: Path, run_id: str, command: str, packages: Registry, allow: str | None = None) -> Ending:
    network = Network(
        allow if allow is not None else packages.host,
        npm_registry=f"http://{packages.host}/",
        pip_index=f"http://{packages.host}/simple/",
    )
    sandbox = open_sandbox("bubblewrap", folder, run_id, network=network)
    output: list[str] = []
    with sandbox.hold(lambda: None):
        result = sandbox.run(command, timeout=60, on_output=lambda _, text: output.append(text), check=lambda: None)
    return Ending(result, "".join(output))


def traffic(ending: Ending) -> Traffic:
    assert ending.result.traffic is not None, ending
    return ending.result.traffic


NPM = "npm install greeter && node -p 'require(`greeter`)'"
PIP = "python3 -m pip install -q --target lib waver && PYTHONPATH=lib python3 -c 'import waver; print(waver.WORD)'"
HAS_PIP = os.path.exists("/usr/lib/python3/dist-packages/pip")


@pytest.mark.parametrize(
    ("command", "says", "package"),
    [
        pytest.param(
            *(NPM, "hello from a package", TARBALL),
            marks=pytest.mark.skipif(not os.path.exists("/usr/bin/npm"), reason="needs the system's npm"),
        ),
        pytest.param(
            *(PIP, "hello from a wheel", "/files/waver-1.0.0-py3-none-any.whl"),
            marks=pytest.mark.skipif(not HAS_PIP, reason="needs the system's pip"),
        ),
    ],
    ids=["npm", "pip"],
)
def test_a_package_is_fetched_once_for_all_runs(
    folder: Path, packages: Registry, command: str, says: str, package: str
) -> None:
    packages.heard.clear()
    for run_id in ("run_1", "run_2"):
        ending = install(folder, run_id, command, packages)
        assert says in ending.output, ending
    assert packages.asked_for(package) == 1
    assert traffic(ending).hosts[0].cached > 0


def test_what_belongs_to_one_caller_or_is_not_whole_is_not_kept(folder: Path, packages: Registry) -> None:
    fetch = f"curl -sS -o /dev/null -H 'User-Agent: x' http://{packages.host}{TARBALL}"
    fields = ("Authorization: x", "Range: bytes=0-1", "Cookie: a=b", "X-JFrog-Art-Api: x", "X-Original-URL: /greeter")
    others = "; ".join([f"{fetch}?x", *(f"{fetch} -H '{field}'" for field in fields), "true"])
    packages.cut_short = {TARBALL}
    install(folder, "run_1", fetch, packages)
    packages.cut_short = set()
    install(folder, "run_1", others, packages)
    packages.heard.clear()
    packages.fields.clear()
    install(folder, "run_2", f"{fetch} -H 'Accept: x/y' -H 'Accept-Language: xx' -H 'npm-command: ci'", packages)
    assert packages.heard == [TARBALL]
    assert packages.fields == [{"host", "user-agent", "accept-encoding", "connection"}]
    install(folder, "run_3", fetch, packages)
    assert packages.heard == [TARBALL]


def test_runs_do_not_see_the_cache(folder: Path, packages: Registry) -> None:
    fetch = f"curl -sS -o /dev/null http://{packages.host}{TARBALL}"
    install(folder, "run_1", fetch, packages)
    [kept] = (folder / ".packages").iterdir()
    seen = install(folder, "run_2", f"find / -name {kept.name} 2>/dev/null; ls -a / /workspace", packages)
    assert kept.name not in seen.output and ".packages" not in seen.output
    if os.geteuid() == 0:
        assert kept.stat().st_uid not in (0, (folder / "run_2" / "workspace").stat().st_uid)


def test_a_registry_takes_nothing(folder: Path, packages: Registry) -> None:
    ending = install(folder, "run_1", f"curl -sS -X PUT -d x http://{packages.host}/greeter", packages)
    assert "expected GET" in ending.output


def test_a_registry_that_is_not_listed_is_refused(folder: Path, packages: Registry) -> None:
    ending = install(folder, "run_1", "npm install greeter", packages, allow="other.example")
    assert ending.result.exit_code != 0
    assert "registry.npmjs.org:443: not in AGENT_SANDBOX_ALLOW" in str(traffic(ending))


def test_what_listens_on_this_machines_loopback_stands_at_its_address_in_the_jail(packages: Registry) -> None:
    ending = run_here(f"curl -sS http://{packages.host}/greeter", network=Network(packages.host))
    assert '"name": "greeter"' in ending.output
    assert traffic(ending).hosts[0].host == "127.0.0.1"
    other = run_here(f"curl -sS http://{packages.host}/greeter", network=Network("127.0.0.1:1"))
    assert other.result.exit_code != 0 and other.result.traffic is None
