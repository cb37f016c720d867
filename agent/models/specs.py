"""What is known of a model: its provider, how much it can hold, what it costs, what it can do."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from agent.messages import Usage, Value

Provider = Literal["openai", "anthropic", "offline"]

PER_TOKENS: Final = 1_000_000
"""Prices are for this many tokens, as providers state them."""


class Price(Value):
    """For a million tokens, in any currency; ``cached``: input that the provider had cached, ``input`` if not given."""

    input: float
    output: float
    cached: float | None = None

    def of(self, usage: Usage) -> float:
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - usage.cached_tokens
        return (fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / PER_TOKENS


class Facts(Value):
    """What an operator can say about a model; what is not said is looked up by the model's name."""

    context: int | None = None
    output: int | None = None
    price: Price | None = None


TABLE: Final = TypeAdapter(dict[str, Facts])


class Abilities(Value):
    """What an endpoint of this kind is expected to take; where one does not, that is noticed (features.py)."""

    tools: bool = True
    streaming_usage: bool = True
    reasoning: bool = True
    caching: bool = True


class ModelSpec(Value):
    """``context``: tokens of messages and reply together; ``output``: tokens of the longest reply."""

    id: str
    provider: Provider
    description: str
    context: int
    output: int
    price: Price | None = None
    can: Abilities = Abilities()


# Name's beginning → (context, output), the most special first; as the providers document them.
SIZES: Final = (
    ("gpt-5", (400_000, 128_000)),
    ("gpt-4.1", (1_047_576, 32_768)),
    ("gpt-4o", (128_000, 16_384)),
    ("o1", (200_000, 100_000)),
    ("o3", (200_000, 100_000)),
    ("o4", (200_000, 100_000)),
    ("claude-3-haiku", (200_000, 4_096)),
    ("claude-3-opus", (200_000, 4_096)),
    ("claude-3-5", (200_000, 8_192)),
    ("claude-opus-4", (200_000, 32_000)),
    ("claude", (200_000, 64_000)),
    ("deepseek", (128_000, 8_192)),
)
UNKNOWN_SIZE: Final = (64_000, 8_192)
"""Of a model nobody has described. If it holds less, its endpoint says so, and the conversation is made shorter."""


def spec(
    name: str, provider: Provider, description: str, facts: Facts, *, most_context: int, most_output: int
) -> ModelSpec:
    """``most_context``, ``most_output``: tokens that a run may use of what the model has."""
    base = name.rsplit("/", 1)[-1]
    known = next((size for start, size in SIZES if base.startswith(start)), UNKNOWN_SIZE)
    context = min(facts.context or known[0], most_context)
    output = min(facts.output or known[1], most_output, context // 2)
    return ModelSpec(
        id=name, provider=provider, description=description, context=context, output=output, price=facts.price
    )


def names(listed: str) -> tuple[str, ...]:
    """The names in a comma-separated list."""
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def table(text: str | None) -> dict[str, Facts]:
    """What an operator says about models, as JSON: name → {context, output, price: {input, output, cached}}.

    Raises ``ValueError`` with one line that says what is wrong.
    """
    try:
        return TABLE.validate_json(text or "{}")
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise ValueError(
            f"expected JSON {{name: {{context, output, price}}}}; {': '.join(filter(None, (place, wrong['msg'])))}"
        ) from None
