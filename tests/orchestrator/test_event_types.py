"""The list of event types is what runs emit, and what is made from it is up to date."""

from collections.abc import Callable

from pydantic import TypeAdapter

from lab.service import Service
from lab.sse import run_to_end
from orchestrator.event_types import EVENT_TYPES
from tools import event_docs


def test_the_documentation_and_the_types_of_the_client_are_up_to_date() -> None:
    """After a change of orchestrator/event_types.py: python -m tools.event_docs."""
    page = event_docs.PAGE.read_text()
    assert event_docs.with_table(page) == page
    assert event_docs.TYPES.read_text() == event_docs.module()


def test_every_event_of_a_run_has_a_listed_type_and_its_shape(service: Service, unique: Callable[[str], str]) -> None:
    shapes = {kind.name: TypeAdapter(kind.data) for kind in EVENT_TYPES}
    events = run_to_end(service, projectId=unique("types"), model="offline")
    for event in events:
        shapes[event["type"]].validate_python(event["data"])
    assert {"text", "tool-call", "tool-result", "file-created", "complete"} <= {event["type"] for event in events}
