"""A registry behind TLS: the proxy checks its certificate, keeps its packages and rewrites its links."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.proxy.allowed import NotAllowed, parse
from agent.proxy.cache import GIVEN_UP, UNFINISHED, Cache
from agent.proxy.counts import Counts
from agent.proxy.head import receive
from agent.proxy.mirrors import Mirrors
from agent.proxy.reach import Unreachable
from tests.proxy.registry import Registry, registry

PACKAGE = "/files/waver-1.0.0-py3-none-any.whl"

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    paths = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *paths], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def packages(certificate: Path) -> Iterator[Registry]:
    with registry(wheels={"waver": {"waver.py": ""}}) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        origin = f"https://localhost:{server.server_port}"
        server.contents["/simple/linked/"] = "text/html; charset=utf-8", f'<a href="{origin}/files/x.whl">'.encode()
        yield server


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    return tmp_path


def get(packages: Registry, path: str, allow: str | None = None) -> bytes:
    """What the jail gets of ``http://localhost:<port><path>``."""
    place = f"localhost:{packages.server_port}"
    allowed = parse(place if allow is None else allow)
    mirrors = Mirrors([f"https://{place}"], allowed, Counts(1 << 30), Cache(1 << 30))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(f"GET http://{place}{path} HTTP/1.1\r\nAccept: text/html\r\n\r\n".encode())
        request, _ = receive(ours)
        assert mirrors.has(request.host, request.port)
        answering = threading.Thread(target=mirrors.answer, args=(request, ours))
        if allow is not None:
            mirrors.answer(request, ours)
        answering.start()
        answer = b""
        theirs.settimeout(10)
        while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < _length(answer):
            answer += theirs.recv(65_536)
        answering.join()
    return answer.partition(b"\r\n\r\n")[2]


def _length(answer: bytes) -> int:
    return int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def test_a_package_is_fetched_by_tls_once(packages: Registry, cache: Path) -> None:
    packages.heard.clear()
    assert get(packages, PACKAGE) == get(packages, PACKAGE) == packages.contents[PACKAGE][1]
    assert packages.heard == [PACKAGE]
    [kept] = cache.iterdir()
    assert kept.read_bytes() == packages.contents[PACKAGE][1]


def test_links_of_an_index_lead_to_what_the_jail_can_reach(packages: Registry, cache: Path) -> None:
    page = get(packages, "/simple/linked/")
    assert page == f'<a href="http://localhost:{packages.server_port}/files/x.whl">'.encode()
    assert not list(cache.iterdir())


def test_a_certificate_that_nobody_trusts_is_refused(
    packages: Registry, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unreachable, match="certificate"):
        get(packages, PACKAGE, allow=f"localhost:{packages.server_port}")


def test_a_registry_that_is_not_allowed_is_refused_even_where_its_packages_are_kept(
    packages: Registry, cache: Path
) -> None:
    get(packages, PACKAGE)
    with pytest.raises(NotAllowed):
        get(packages, PACKAGE, allow="other.example")


def test_an_answer_that_is_cut_never_looks_whole(packages: Registry, cache: Path) -> None:
    place = f"localhost:{packages.server_port}"
    mirrors = Mirrors([f"https://{place}"], parse(place), Counts(10), Cache(1 << 30))
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as theirs:
        ours, _ = door.accept()
        with ours:
            theirs.sendall(f"GET http://{place}{PACKAGE} HTTP/1.1\r\n\r\n".encode())
            mirrors.answer(receive(ours)[0], ours)
        with pytest.raises(ConnectionResetError):
            while theirs.recv(65_536):
                pass
    assert not list(cache.iterdir())


def test_an_index_that_is_cut_is_no_answer(packages: Registry, cache: Path) -> None:
    packages.cut_short = {"/simple/linked/"}
    with pytest.raises(Unreachable, match="cut"):
        get(packages, "/simple/linked/", allow=f"localhost:{packages.server_port}")
    packages.cut_short = set()


def test_the_cache_stays_within_its_size_and_drops_what_was_not_used_for_longest(cache: Path) -> None:
    small = Cache(250)
    for seconds, address in ((300, "first"), (200, "second")):
        _keep(small, address)
        _age(max(cache.iterdir(), key=lambda path: path.stat().st_mtime), seconds)
    small_open = [small.open("first")]  # used just now: so the second one is the oldest
    _keep(small, "third")
    small_open += [small.open("second"), small.open("third")]
    assert [file is not None for file in small_open] == [True, False, True]
    for file in filter(None, small_open):
        file.close()


def test_what_killed_commands_left_unfinished_is_removed_from_the_cache(cache: Path) -> None:
    for name, seconds in (("killed", GIVEN_UP + 60), ("busy", 1.0)):
        (cache / f"{name}{UNFINISHED}").write_bytes(b"")
        _age(cache / f"{name}{UNFINISHED}", seconds)
    _keep(Cache(1000), "package")
    assert {path.name for path in cache.glob(f"*{UNFINISHED}")} == {f"busy{UNFINISHED}"}


def _keep(cache: Cache, address: str) -> None:
    with cache.draft(address) as draft:
        draft.write(b"x" * 100)
        draft.keep()


def _age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)
