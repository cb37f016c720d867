"""Which hosts a setting allows, and which addresses are refused whatever leads to them."""

from __future__ import annotations

import ipaddress

import pytest

from agent.proxy.allowed import NotAllowed, parse, permitted, split

ALLOWED = parse("registry.example, *.wild.example, ported.example:8443, 127.0.0.1:4873, [::1]:4873, 8.8.8.8")


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("registry.example", 443),
        ("registry.example", 80),
        ("REGISTRY.example.", 443),
        ("a.wild.example", 443),
        ("a.b.wild.example", 80),
        ("ported.example", 8443),
        ("127.0.0.1", 4873),
        ("[::1]", 4873),
        ("8.8.8.8", 443),
    ],
)
def test_what_is_listed_may_be_reached(host: str, port: int) -> None:
    ALLOWED.check(split(host)[0], port)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("evil.example", 443),
        ("registry.example.evil.example", 443),
        ("evil-registry.example", 443),
        ("registry.example", 25),
        ("registry.example", 8443),
        ("wild.example", 443),
        ("evilwild.example", 443),
        ("ported.example", 443),
        ("127.0.0.1", 80),
        ("127.0.0.2", 4873),
        ("localhost", 4873),
        ("[::ffff:127.0.0.1]", 4873),
        ("8.8.4.4", 443),
    ],
)
def test_what_is_not_listed_is_refused(host: str, port: int) -> None:
    with pytest.raises(NotAllowed, match="AGENT_SANDBOX_ALLOW"):
        ALLOWED.check(split(host)[0], port)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "1.2.3.4.5",
        "127.0.0.1%00",
        "a b",
        "",
        "-a.example",
        "user@registry.example",
        "registry.example/path",
        "[::1",
        "[fe80::1%eth0]",
        "::1",
        "a..b",
        "\u017fregistry.example",
    ],
)
def test_no_host_can_be_said_in_two_ways(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(host)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1", "fd00:ec2::254"],
)
def test_private_addresses_need_a_listed_port(address: str) -> None:
    found = [ipaddress.ip_address(address)]
    assert not [*permitted(found, private=False)]
    assert [*permitted(found, private=True)] == found


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "fe80::1",
        "ff02::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::7f00:1",
        "2001::1",
        "fec0::1",
    ],
)
def test_special_addresses_are_never_reached(address: str) -> None:
    assert not [*permitted([ipaddress.ip_address(address)], private=True)]


def test_of_a_name_with_public_and_private_addresses_only_the_public_ones_are_used() -> None:
    found = [ipaddress.ip_address(each) for each in ("10.0.0.1", "93.184.216.34", "2606:2800:220:1::1")]
    assert [*permitted(found, private=False)] == found[1:]


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example",
        "registry.example/npm",
        "*",
        "*.",
        "*.com",
        "a*.example",
        "host:0",
        "host:99999",
        "host:",
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "[::1]",
        "169.254.169.254:80",
        "*.127.0.0.1:80",
        "0.0.0.0:80",
        "ok.example;x",
    ],
)
def test_a_setting_that_means_nothing_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|never") as error:
        parse(f"ok.example,{text}")
    assert repr(text) in str(error.value)


def test_without_hosts_there_is_no_network() -> None:
    with pytest.raises(NotAllowed, match="no network"):
        parse(" , ").check("registry.example", 443)
