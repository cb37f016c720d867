"""Starlette with sse-starlette over a Redis channel, as both projects' documentation shows it."""

import os
from collections.abc import AsyncIterator

import redis.asyncio
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], max_connections=20_000)


async def events(run: str) -> AsyncIterator[dict[str, str]]:
    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(f"agent:{run}")
        async for message in pubsub.listen():
            yield {"data": message["data"].decode()}


async def stream(request: Request) -> EventSourceResponse:
    return EventSourceResponse(events(request.path_params["run"]))


app = Starlette(routes=[Route("/stream/{run}", stream)])
