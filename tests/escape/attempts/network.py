"""Talking to anybody: this machine's servers, its abstract sockets, the cloud's metadata, the hypervisor."""

from __future__ import annotations

from tests.escape.attempt import Attempt

CONNECT = """
import socket
def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as door:
        door.settimeout(2)
        door.connect(address)
        door.send(b"x")
"""

ATTEMPTS = (
    Attempt(
        "Connect to a server on the host's loopback, by TCP and UDP, IPv4 and IPv6",
        CONNECT
        + """
with trying("connected to the host's TCP port"):
    connect(socket.AF_INET, ("127.0.0.1", HOST["tcp"]))
with trying("connected to it by IPv6"):
    connect(socket.AF_INET6, ("::ffff:127.0.0.1", HOST["tcp"]))
with contextlib.suppress(OSError):
    connect(socket.AF_INET, ("127.0.0.1", HOST["udp"]), socket.SOCK_DGRAM)  # whether it arrives is seen there
with trying("connected to Redis' usual port"):
    connect(socket.AF_INET, ("127.0.0.1", 6379))
""",
    ),
    Attempt(
        "Connect to abstract sockets of the host",
        CONNECT
        + """
with trying("connected to the abstract socket"):
    connect(socket.AF_UNIX, "\\0" + HOST["abstract"])
for line in open("/proc/net/unix"):
    if "@" in line:
        escaped(f"sees an abstract socket: {line}")
""",
    ),
    Attempt(
        "Connect to sockets in folders of the host: a door of ours, D-Bus, Docker, systemd, syslog",
        CONNECT
        + """
for path in (HOST["socket"], "/run/dbus/system_bus_socket", "/var/run/docker.sock", "/run/systemd/private", "/dev/log"):
    with trying(f"connected to {path}"):
        connect(socket.AF_UNIX, path)
""",
    ),
    Attempt(
        "Ask the cloud's metadata service, and resolve a name",
        CONNECT
        + """
for address in (("169.254.169.254", 80), ("192.0.2.1", 80)):
    with trying(f"connected to {address}"):
        connect(socket.AF_INET, address)
with trying("sent a datagram to a name server"):
    connect(socket.AF_INET, ("192.0.2.53", 53), socket.SOCK_DGRAM)
with trying("resolved a name"):
    socket.getaddrinfo("example.com", 80)
with trying("connected to the metadata service by IPv6"):
    connect(socket.AF_INET6, ("fd00:ec2::254", 80))
""",
    ),
    Attempt(
        "Talk to the hypervisor through vsock",
        CONNECT
        + """
with trying("made a vsock"):
    socket.socket(40, socket.SOCK_STREAM).close()
""",
    ),
    Attempt(
        "Open raw, packet and other sockets that reach into the kernel",
        """
import socket
for name, family, kind, protocol in (
    ("packet", 17, socket.SOCK_RAW, 0x0300),
    ("raw ICMP", socket.AF_INET, socket.SOCK_RAW, 1),
    ("raw IP", socket.AF_INET, socket.SOCK_RAW, 255),
    ("kernel crypto", 38, 5, 0),
    ("bluetooth", 31, socket.SOCK_RAW, 1),
    ("CAN", 29, socket.SOCK_RAW, 1),
    ("TIPC", 30, 5, 0),
    ("RDS", 21, 5, 0),
    ("XDP", 44, socket.SOCK_RAW, 0),
    ("SMC", 43, socket.SOCK_STREAM, 0),
    ("key management", 15, socket.SOCK_RAW, 2),
    ("packet radio", 3, 5, 0),
):
    with trying(f"made a socket: {name}"):
        socket.socket(family, kind, protocol).close()
""",
    ),
    Attempt(
        "Open netlink sockets for audit, netfilter and kernel events",
        """
import socket
for name, protocol in (("audit", 9), ("netfilter", 12), ("events", 15), ("sock_diag", 4), ("xfrm", 6), ("generic", 16)):
    with trying(f"made a netlink socket: {name}"):
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol).close()
""",
    ),
    Attempt(
        "Have rare protocols loaded into the kernel: SCTP, DCCP, L2TP",
        """
import socket
for name, kind, protocol in (("SCTP", socket.SOCK_SEQPACKET, 132), ("DCCP", 6, 33), ("L2TP", 2, 115)):
    with trying(f"made a socket: {name}"):
        socket.socket(socket.AF_INET, kind, protocol).close()
""",
    ),
    Attempt(
        "Bring up an interface of its own",
        """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    names = [name for _, name in socket.if_nameindex()]
    if set(names) - {"lo"}:
        escaped(f"sees the interfaces {names}")
    with trying("took the loopback interface down"):
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 0))
""",
    ),
)
