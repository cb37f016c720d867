"""Nchan, nginx's module for this in C (Debian's package), with messages in its own memory: its fastest form."""

import shutil
from pathlib import Path
from typing import Self

from bench.peers.contender import Process, get
from bench.peers.no_redis import NoRedis
from bench.publish import Publisher
from bench.publishers import NchanPublisher
from tools.processes import StartError, free_port

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
CONFIGURATION = """
load_module {module};
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log error;
worker_processes 1; worker_rlimit_nofile 20000; {user}
events {{ worker_connections 15000; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  nchan_shared_memory_size 512m; nchan_message_timeout 60s; nchan_message_buffer_length 2000;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ ^/pub/(.+)$ {{ nchan_publisher; nchan_channel_id $1; }}
    location ~ ^/stream/(.+)$ {{ nchan_subscriber eventsource; nchan_channel_id $1; }}
  }}
}}
"""


class Nchan(NoRedis):
    name = "nchan"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder / f"{self.name}-{self.port}"
        self._program = find_nginx()

    def __enter__(self) -> Self:
        self._folder.mkdir()
        user = "user root;" if self._folder.owner() == "root" else ""
        configuration = CONFIGURATION.format(module=MODULE, folder=self._folder, port=self.port, user=user)
        path = self._folder / "nginx.conf"
        path.write_text(configuration)
        command = [self._program, "-e", str(self._folder / "nginx.log"), "-c", str(path)]
        self._process = Process(command, self.port, {}, self._folder / "output.log")
        return self

    def request(self, run: str, after: int = 0) -> bytes:
        return get(f"/stream/{run}", "Accept: text/event-stream")

    def publisher(self) -> Publisher:
        return NchanPublisher(self.port)


def find_nginx() -> str:
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program and MODULE.exists():
        return program
    raise StartError("nginx with Nchan is not installed: apt-get install nginx-light libnginx-mod-nchan")
