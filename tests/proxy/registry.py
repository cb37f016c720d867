"""A registry of small packages for npm and pip, which notes what it is asked for."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "1.0.0"


class Registry(ThreadingHTTPServer):
    """npm's at ``/``, pip's index at ``/simple/``. ``heard``: the paths that it was asked for."""

    daemon_threads = True

    def __init__(self, npm: Mapping[str, Mapping[str, str]], wheels: Mapping[str, Mapping[str, str]]) -> None:
        """Both: package → path → text; npm's need no package.json."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []
        self.fields: list[set[str]] = []
        """Names of the fields that each of these requests had, in lower case."""
        self.contents: dict[str, tuple[str, bytes]] = {}
        self.cut_short: set[str] = set()
        """Paths whose answer ends in the middle."""
        for name, files in npm.items():
            self._add_npm(name, files)
        for name, files in wheels.items():
            self._add_wheel(name, files)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def asked_for(self, ending: str) -> int:
        return sum(path.endswith(ending) for path in self.heard)

    def _add_npm(self, name: str, files: Mapping[str, str]) -> None:
        package = {"name": name, "version": VERSION}
        whole = {"package.json": json.dumps(package), **files}
        content = _tarball({f"package/{path}": text for path, text in whole.items()})
        tarball = f"/{name}/-/{name}-{VERSION}.tgz"
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        described = json.loads(whole["package.json"])
        described["dist"] = {"tarball": f"http://{self.host}{tarball}", "integrity": integrity}
        packument = {"name": name, "dist-tags": {"latest": VERSION}, "versions": {VERSION: described}}
        self.contents[f"/{name}"] = "application/json", json.dumps(packument).encode()
        self.contents[tarball] = "application/octet-stream", content

    def _add_wheel(self, name: str, files: Mapping[str, str]) -> None:
        wheel = f"{name}-{VERSION}-py3-none-any.whl"
        info = f"{name}-{VERSION}.dist-info"
        described = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        listed = "".join(f"{path},,\n" for path in (*files, *described, f"{info}/RECORD"))
        content = _zip({**files, **described, f"{info}/RECORD": listed})
        link = f"/files/{wheel}#sha256={hashlib.sha256(content).hexdigest()}"
        self.contents[f"/simple/{name}/"] = "text/html", f'<a href="{link}">{wheel}</a>'.encode()
        self.contents[f"/files/{wheel}"] = "application/octet-stream", content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def do_GET(self) -> None:
        self.server.heard.append(self.path)
        self.server.fields.append({name.lower() for name in self.headers})
        kind, content = self.server.contents.get(self.path.partition("?")[0], ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path in self.server.cut_short:
            content, self.close_connection = content[:-10], True
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def registry(
    npm: Mapping[str, Mapping[str, str]] | None = None, wheels: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Registry]:
    with Registry(npm or {}, wheels or {}) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _tarball(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def _zip(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()
