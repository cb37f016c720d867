"""Models at the scripted server, in either protocol."""

from __future__ import annotations

from typing import Any

from agent.messages import Message, ModelReply
from agent.models.anthropic_messages import AnthropicMessages
from agent.models.openai_chat import OpenAIChat
from agent.models.remote import RemoteModel
from agent.models.specs import ModelSpec
from agent.tools import specs
from lab.llm import ProtocolName, Server
from tests.agent.fakes import Events

KEY = "sk-very-secret"
HELLO = [Message(role="system", content="Be good"), Message(role="user", content="Hello")]


def model_at(server: Server, protocol: ProtocolName, **facts: Any) -> RemoteModel:
    spec = {"id": "m", "provider": protocol, "description": "m", "context": 64_000, "output": 8_000, **facts}
    dialect = OpenAIChat(KEY, server.url) if protocol == "openai" else AnthropicMessages(KEY, server.origin)
    return RemoteModel(ModelSpec.model_validate(spec), dialect)


def ask(
    server: Server, protocol: ProtocolName, events: Events | None = None, messages: list[Message] = HELLO
) -> ModelReply:
    return model_at(server, protocol).reply(messages, specs(), events or Events())
