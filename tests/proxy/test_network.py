"""What commands reach through the proxy, and what they are told."""

from __future__ import annotations

import os
import shutil

import pytest

from agent.messages import Traffic
from agent.sandbox.network import Network
from tests.jail.jailed import Ending, run_here
from tests.proxy.conftest import Run
from tests.proxy.servers import Origin

CURL = "curl -sS --noproxy ''"
"""The test's server is on the loopback, which commands reach without the proxy otherwise."""


def traffic(ending: Ending) -> Traffic:
    assert ending.result.traffic is not None, ending
    return ending.result.traffic


def test_what_is_allowed_is_reached_and_counted(run: Run, origin: Origin) -> None:
    ending = run(f"{CURL} http://{origin.host}/size/2000000 | wc -c", Network(origin.host))
    assert ending.output.strip() == "2000000", ending
    [reached] = traffic(ending).hosts
    assert (reached.host, reached.connections) == ("127.0.0.1", 1)
    assert 2_000_000 <= reached.bytes < 2_001_000


def test_a_tunnel_moves_bytes_both_ways(run: Run, origin: Origin) -> None:
    ending = run(f"{CURL} --proxytunnel -d hello http://{origin.host}/tunnel", Network(origin.host))
    assert ending.output == f"POST /tunnel for {origin.host}: hello\n"


def test_the_server_is_told_what_the_client_said_and_nothing_more(origin: Origin) -> None:
    ending = run_here(f"{CURL} -d some=words http://{origin.host}/form?a=b", network=Network(origin.host))
    assert ending.output == f"POST /form?a=b for {origin.host}: some=words\n"


@pytest.mark.parametrize(
    "command",
    [
        "curl -sS -m 20 https://registry.example/",
        "python3 -c \"import urllib.request as u; u.urlopen('http://registry.example/')\"",
        pytest.param(
            "cd /tmp && npm install left-pad",
            marks=pytest.mark.skipif(not shutil.which("npm", path="/usr/bin"), reason="needs npm"),
        ),
        "git clone https://registry.example/x.git",
        pytest.param(
            "python3 -m pip download --no-deps -d /tmp left-pad",
            marks=pytest.mark.skipif(
                not os.path.exists("/usr/lib/python3/dist-packages/pip"), reason="needs the system's pip"
            ),
        ),
    ],
    ids=["curl", "python", "npm", "git", "pip"],
)
def test_without_hosts_programs_fail_at_once_and_the_result_says_why(command: str) -> None:
    """FINDINGS D9: npm waited until it was killed."""
    ending = run_here(command, network=Network(), timeout=30)
    assert ending.result.exit_code not in (0, None), ending
    assert "there is no network (AGENT_SANDBOX_ALLOW lists no hosts)" in str(ending.result.traffic), ending


def test_the_refusal_itself_says_what_is_allowed(run: Run) -> None:
    ending = run("curl -sS http://evil.example/", Network("registry.example,*.wild.example"))
    assert "AGENT_SANDBOX_ALLOW lists only registry.example, *.wild.example" in ending.output
    assert str(traffic(ending)) == "refused: evil.example:80: not in AGENT_SANDBOX_ALLOW"


def test_a_redirect_is_judged_like_a_request_of_its_own(origin: Origin) -> None:
    ending = run_here(f"{CURL} -L http://{origin.host}/to/http://127.0.0.1:1/", network=Network(origin.host))
    assert "Port 1 of 127.0.0.1 cannot be reached" in ending.output
    assert "127.0.0.1:1: port not in AGENT_SANDBOX_ALLOW" in str(traffic(ending))


def test_a_name_that_leads_to_this_machine_needs_its_port_listed(origin: Origin) -> None:
    name = f"http://localhost:{origin.server_port}/by-name"
    refused = run_here(f"{CURL} {name}", network=Network(origin.host))
    assert "localhost" in str(traffic(refused)) and "by-name for" not in refused.output
    reached = run_here(f"{CURL} {name}", network=Network(f"localhost:{origin.server_port}"))
    assert "GET /by-name for localhost" in reached.output


def test_a_command_gets_no_more_than_its_bytes(run: Run, origin: Origin) -> None:
    command = f"{CURL} http://{origin.host}/size/50000000 | wc -c; {CURL} http://{origin.host}/more"
    ending = run(command, Network(origin.host, most=5_000_000))
    assert "gets no more (JAIL_NETWORK_MB)" in ending.output
    assert traffic(ending).bytes < 6_000_000
    assert "more than 5 MB" in str(traffic(ending))


def test_servers_within_the_jail_are_reached_without_the_proxy(run: Run) -> None:
    command = (
        "python3 -m http.server 8017 >/dev/null 2>&1 & "
        "until curl -sS http://127.0.0.1:8017/ 2>/dev/null; do sleep 0.05; done; kill $!"
    )
    ending = run(command, Network("registry.example"))
    assert "Directory listing" in ending.output and ending.result.traffic is None
