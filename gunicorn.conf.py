"""gunicorn's settings. gevent patches first, before anything opens a socket or makes a lock."""

from gevent import monkey

monkey.patch_all()

import gc
import ipaddress
import os
import resource
import socket
import sys

import gevent

from orchestrator.children import start_without_copying
from orchestrator.counts_folder import make_counts_folder

start_without_copying()

# Each process counts in a file of its own here; prometheus_client looks at the variable when it is imported.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = make_counts_folder()

from orchestrator.logs import configure_logging
from orchestrator.metrics import mark_process_dead
from orchestrator.open_files import warn_of_few_files
from orchestrator.redact import Redactor
from orchestrator.refusals import warn_of_slips
from orchestrator.runlog.fitness import refuse_unfit_redis
from orchestrator.settings import SettingsError, load_settings
from orchestrator.web.gunicorn_answer import spare_gunicorn
from orchestrator.web.gunicorn_quiet import refuse_as_json

try:
    settings = load_settings()
except SettingsError as error:
    sys.exit(f"runwire cannot start:\n{error}")

configure_logging(settings.log_level, Redactor.from_environment(os.environ), as_json=settings.logs_as_json)

warn_of_slips(os.environ, (name.upper() for name in type(settings).model_fields))

# Each viewer is an open file.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))
warn_of_few_files(settings.sse_max_viewers)

# In development Inngest's calls are not signed: whoever reached the port could run commands, with or without API keys.
bind = f"127.0.0.1:{settings.port}" if settings.dev else f"[::]:{settings.port}"
worker_class = "orchestrator.web.gunicorn_worker.DrainingWorker"
workers = settings.web_concurrency
worker_connections = settings.sse_max_viewers + 1000  # streams, and room for the other calls
backlog = 4096
timeout = 60
keepalive = 100  # above the 90 s that Heroku's router keeps idle connections; at 2 s Inngest meets closed ones
graceful_timeout = int(settings.drain_seconds) + 3
logger_class = "orchestrator.web.gunicorn_quiet.CommonLogger"
refuse_as_json()
spare_gunicorn()
errorlog = "-"
accesslog = None
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 4094  # with 512 unfinished heads a process: 128 MB at the very worst
control_socket_disable = True  # its path is the user's home: two services there would fight over it


# Imported before the fork: a worker, also one that takes a killed one's place, is there half a second sooner, and they
# share the memory. It builds nothing: what a process has of its own (its name, its connections) is made in the worker.
import app as _app  # noqa: F401


def on_starting(server):
    """A `--bind` on the command line must not undo what stands above."""
    if settings.dev and not all(_is_loopback(address) for address in server.cfg.address):
        sys.exit("runwire cannot start:\nINNGEST_DEV: in development nothing but loopback may be bound")
    if not settings.dev:
        refuse_unfit_redis(settings)


def when_ready(server):
    """What the kernel does for us.

    It ends connections whose client leaves for too long untaken what was sent; accepted ones inherit that. And it hands
    out new ones when something has come on them, or after a second: of a crowd that connects first and asks then, those
    would be hung up on that are more than may owe us a head.
    """
    for listener in server.LISTENERS:
        if listener.sock.family != socket.AF_UNIX:
            milliseconds = int(settings.response_timeout * 1000)
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)


def _is_loopback(address):
    """A (host, port) of this machine only, or a socket in its file system."""
    host = address[0] if isinstance(address, tuple) else None
    return host is None or host == "localhost" or ipaddress.ip_address(host).is_loopback


def post_worker_init(worker):
    """Start the background work, and begin to drain as soon as SIGTERM comes: gunicorn itself only stops listening."""
    import signal

    # Streams make no cycles that matter, but with thousands of them a full collection stops all for half a second.
    # One of the young takes 25 ms for 50,000 objects, and a thousand requests at a time have more, all in use.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    service = worker.wsgi.extensions["runwire"]
    service.start()
    worker.wsgi.extensions["registration"].start(service.drain)
    stop_listening = signal.getsignal(signal.SIGTERM)

    def drain(number, frame):
        gevent.spawn(service.stop)
        gevent.spawn_later(1, worker.close_idle)  # a second for requests that are on their way
        gevent.spawn_later(2, service.hang_up)  # and one more for clients to take what was sent to them
        gevent.spawn_later(5, worker.close_unfinished)  # bodies are small: who still owes one would hold up the end
        stop_listening(number, frame)

    signal.signal(signal.SIGTERM, drain)


def child_exit(server, worker):
    """What a dead worker has counted stays; its viewers are gone."""
    mark_process_dead(worker.pid)


def worker_exit(server, worker):
    """Streams have ended; wait for the steps of the direct engine, which no connection holds."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["runwire"].stop()
        app.extensions["runwire"].join()
