"""Real servers and clients for the tests: Redis, the service, SSE, Inngest, a browser."""
