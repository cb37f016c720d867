"""Getting more out of the proxy than the one server that these attempts may reach: other places, or no end."""

from __future__ import annotations

from tests.escape.attempt import Attempt
from tests.escape.stage import Stage

ASK = r"""
import os, socket, urllib.parse
PROXY = urllib.parse.urlsplit(os.environ["http_proxy"])
ALLOWED = f"127.0.0.1:{HOST['allowed']}"
def connected(seconds=20):
    return socket.create_connection((PROXY.hostname, PROXY.port), seconds)
def answer_to(text):
    with connected() as proxy:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            proxy.sendall(text.encode("latin-1"))
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := proxy.recv(65536):
                answer += piece
    return answer.decode("latin-1")
def must_be_refused(what, text, says=""):
    answer = answer_to(text)
    status = answer.split(" ")[1] if answer.startswith("HTTP/") else "none"
    told = status in ("400", "403", "405", "411", "431", "502") and says in answer
    (held if told else escaped)(f"{what}: {answer[:120]!r}")
def get(authority, path="/"):
    return f"GET http://{authority}{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
def tunnel(authority):
    return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
"""


def _smuggled(stage: Stage) -> str | None:
    return next((f"the server was asked {heard}" for heard in stage.host.asked() if "smuggled" in heard), None)


ATTEMPTS = (
    Attempt(
        "Ask the proxy for this machine and the cloud's metadata, however the address is written",
        ASK
        + """
port = HOST["tcp"]
of_ipv6 = ("[::1]", "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]")
for host in ("127.0.0.1", "localhost", "127.0.0.2", "0.0.0.0", *of_ipv6):
    must_be_refused(host, get(f"{host}:{port}"), "AGENT_SANDBOX_ALLOW")
    must_be_refused(host, tunnel(f"{host}:{port}"), "AGENT_SANDBOX_ALLOW")
for host in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "127.0.0.1.", "127.0.0.1%00.allowed.example"):
    must_be_refused(host, get(f"{host}:{port}"))
    must_be_refused(host, tunnel(f"{host}:{port}"))
for host in ("169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "10.0.0.1", "192.168.0.1"):
    must_be_refused(host, get(host, "/latest/meta-data/"), "AGENT_SANDBOX_ALLOW")
""",
        seconds=30,
    ),
    Attempt(
        "Use a name that is allowed and leads to this machine",
        ASK + "must_be_refused('its own name', tunnel(f\"{HOST['name']}:443\"))",
        seconds=30,
    ),
    Attempt(
        "Follow a redirect of an allowed server to one that is not",
        ASK
        + """
answer = answer_to(get(ALLOWED, f"/to/http://127.0.0.1:{HOST['tcp']}/"))
if "302" not in answer:
    untried(answer)
place = answer.lower().partition("location: ")[2].split()[0]
must_be_refused(place, get(place.removeprefix("http://").rstrip("/")), "AGENT_SANDBOX_ALLOW")
""",
    ),
    Attempt(
        "Name one host in the target and another one in Host",
        ASK
        + """
other = f"127.0.0.1:{HOST['tcp']}"
must_be_refused("absolute form", f"GET http://{ALLOWED}/ HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n")
must_be_refused("two of them", f"GET http://{ALLOWED}/ HTTP/1.1\\r\\nHost: {ALLOWED}\\r\\nHost: {other}\\r\\n\\r\\n")
must_be_refused("a tunnel", f"CONNECT {ALLOWED} HTTP/1.1\\r\\nHost: evil.example:443\\r\\n\\r\\n")
must_be_refused("a user", f"GET http://{ALLOWED}@{other}/ HTTP/1.1\\r\\n\\r\\n")
must_be_refused("no host", f"GET / HTTP/1.1\\r\\nHost: {ALLOWED}\\r\\n\\r\\n")
must_be_refused("another port", f"GET http://127.0.0.1/ HTTP/1.1\\r\\nHost: {ALLOWED}\\r\\n\\r\\n")
""",
    ),
    Attempt(
        "Hide a second request behind the first",
        ASK
        + """
more = get(ALLOWED, "/smuggled")
must_be_refused("two in one piece", get(ALLOWED) + more)
first = f"POST http://{ALLOWED}/ HTTP/1.1\\r\\nHost: {ALLOWED}\\r\\n"
both = "Content-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
must_be_refused("two lengths", first + "Content-Length: 5\\r\\nContent-Length: 60\\r\\n\\r\\nhello" + more)
must_be_refused("a length and chunks", first + both + "0\\r\\n\\r\\n" + more)
must_be_refused("a line feed alone", first + f"X: 1\\n\\nGET http://{ALLOWED}/smuggled HTTP/1.1\\r\\n\\r\\n")
must_be_refused("a tunnel behind a body", first + "Content-Length: 1\\r\\n\\r\\nx" + tunnel(f"127.0.0.1:{HOST['tcp']}"))
with connected() as proxy:
    proxy.sendall(get(ALLOWED).encode())
    proxy.recv(65536)
    with contextlib.suppress(OSError):
        proxy.sendall(more.encode())
    with contextlib.suppress(OSError):
        while piece := proxy.recv(65536):
            if b"smuggled" in piece:
                escaped("a second request was answered")
""",
        after=_smuggled,
    ),
    Attempt(
        "Tunnel to the ports of mail and shells",
        ASK
        + """
for port in (22, 25, 465, 6379, HOST["tcp"]):
    must_be_refused(port, tunnel(f"127.0.0.1:{port}"), "AGENT_SANDBOX_ALLOW")
    must_be_refused(port, tunnel(f"{HOST['name']}:{port}"), "AGENT_SANDBOX_ALLOW")
""",
    ),
    Attempt(
        "Find the proxy of another run",
        ASK
        + """
for folder, _, names in os.walk("/"):
    if not folder.startswith(("/proc", "/sys", "/usr", "/lib")):
        for name in names:
            with contextlib.suppress(OSError):
                if (os.stat(os.path.join(folder, name), follow_symlinks=False).st_mode & 0o170000) == 0o140000:
                    escaped(f"found the socket {folder}/{name}")
listening = [line.split()[1] for line in open("/proc/net/tcp").readlines()[1:] if line.split()[3] == "0A"]
mine = {f"0100007F:{PROXY.port:04X}", f"0100007F:{HOST['allowed']:04X}"}
(escaped if set(listening) - mine else held)(f"these listen here: {listening}")
""",
    ),
    Attempt(
        "Knock without asking for anything, many times at once",
        ASK
        + """
doors = []
with contextlib.suppress(OSError):
    for _ in range(250):
        doors.append(connected(0.5))
with contextlib.suppress(TimeoutError), connected(1) as late:
    late.sendall(get(ALLOWED).encode())
    if late.recv(100):
        escaped(f"was served beside {len(doors)} others")
for door in doors:
    door.close()
answer = answer_to(get(ALLOWED))
(held if " 200 " in answer else escaped)(f"beside {len(doors)} nobody more was served, afterwards: {answer[:40]!r}")
""",
        seconds=40,
    ),
    Attempt(
        "Send a head without end",
        ASK
        + """
first = f"GET http://{ALLOWED}/ HTTP/1.1\\r\\n"
must_be_refused("one line", first + "X: " + "x" * 10_000_000, "Expected a head of at most")
must_be_refused("many lines", first + "X: 1\\r\\n" * 5_000 + "\\r\\n", "Expected at most")
""",
    ),
    Attempt(
        "Download without end",
        ASK
        + """
got = 0
for _ in range(5):
    got += len(answer_to(get(ALLOWED, "/size/1000000000")))
last = answer_to(get(ALLOWED))
told = "JAIL_NETWORK_MB" in last
(held if told and got < BUDGET["network"] * 5 // 4 else escaped)(f"{got} bytes came, then {last[:160]!r}")
""",
        seconds=30,
    ),
)
