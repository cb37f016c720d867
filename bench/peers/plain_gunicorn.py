"""gunicorn's settings for what is not ours: the same worker and as many connections as ours takes."""

worker_class = "gevent"
workers = 1
worker_connections = 13_000
backlog = 4096
keepalive = 100
