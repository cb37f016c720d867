# The service with what its jail needs. `docker compose up` starts it with Redis and Inngest (compose.yaml).
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap libseccomp2 nodejs npm git curl \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/runwire
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

COPY . .
RUN useradd --create-home --uid 10001 runwire
USER runwire

ENV PORT=8000 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD curl -fsS http://127.0.0.1:$PORT/healthz || exit 1
CMD ["gunicorn", "wsgi:app"]
