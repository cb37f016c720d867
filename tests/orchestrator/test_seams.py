"""A secret in pieces of one stream is masked, and no more is held back than might begin one."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.redact import MASK, Redactor
from orchestrator.steps.seams import Seams

SECRET = "sk-0123456789"
REDACT = Redactor(frozenset({SECRET}))


def said(*pieces: str) -> str:
    """What a stream of these pieces becomes."""
    seams, out = Seams(REDACT), ""
    for piece in pieces:
        out += seams.join("text", piece) or ""
    return out + "".join(data for _, data in seams.release())


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_wherever_it_is_cut(cuts: list[int]) -> None:
    text = f"It is {SECRET}, and {SECRET}!"
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert said(*pieces) == f"It is {MASK}, and {MASK}!"


@settings(deadline=None)
@given(st.lists(st.text(alphabet="sk-01x ", max_size=5), max_size=8))
def test_what_is_no_secret_arrives_whole(pieces: list[str]) -> None:
    assert said(*pieces) == "".join(pieces)


@pytest.mark.parametrize(
    ("piece", "shown"), [("hello", "hello"), ("hello s", "hello "), ("sk-", None), ("sk-1", "sk-1")]
)
def test_only_a_possible_beginning_waits(piece: str, shown: str | None) -> None:
    assert Seams(REDACT).join("text", piece) == shown


def test_streams_do_not_mix() -> None:
    def output(source: str, chunk: str) -> Any:
        return seams.join("tool-output", {"source": source, "chunk": chunk, "callId": "c"})

    seams = Seams(REDACT)
    assert output("stdout", "sk-01234") is None
    assert output("stderr", "56789")["chunk"] == "56789"
    assert output("stdout", "56789.")["chunk"] == f"{MASK}."


def test_what_is_held_says_for_how_long() -> None:
    seams = Seams(REDACT)
    assert seams.patience() is None
    seams.join("text", "s")
    waits = seams.patience()
    assert waits is not None and 0 < waits <= 2
    assert list(seams.release()) == [("text", "s")]
    assert seams.patience() is None
