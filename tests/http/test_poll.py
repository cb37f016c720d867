"""Polling: what is there, or the next thing as soon as it comes."""

from collections.abc import Callable

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, start_run

SOON = 4.0  # seconds; the hub's own look-out for what it missed comes only every 5 s


def test_polling_a_finished_run_gives_all_of_it(service: Service, finished: list[Event]) -> None:
    url = f"/agent/run/{finished[0]['runId']}/poll"
    assert service.http.get(url).json() == {"events": finished, "next": finished[-1]["id"], "done": True}
    assert service.http.get(url, params={"after": 3}).json()["events"] == finished[3:]
    at_the_end = {"events": [], "next": finished[-1]["id"], "done": True}
    assert service.http.get(url, params={"after": finished[-1]["id"], "wait": 30}, timeout=SOON).json() == at_the_end


def test_a_poll_without_wait_answers_at_once_with_nothing(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    run_id = start_run(scripted_service, value=model_server.script(unique("poll"), gate))
    gate.wait_until_asked()
    url = f"/agent/run/{run_id}/poll"
    last = scripted_service.http.get(f"/agent/run/{run_id}").json()["lastEventId"]
    assert scripted_service.http.get(url, params={"after": last}).json() == {"events": [], "next": last, "done": False}
    assert scripted_service.http.get(url, params={"after": last, "wait": 0.1}).json()["events"] == []
    gate.finish("Done.")


def test_a_waiting_poll_is_woken_by_the_next_event(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """The model says its next word only when the last poll has been answered (seen failing without the wake-up)."""
    gate = Gate()
    words = iter(["one ", "two ", "three "])
    run_id = start_run(scripted_service, value=model_server.script(unique("poll"), gate))
    url, cursor, seen, done = f"/agent/run/{run_id}/poll", 0, [], False
    while not done:
        page = scripted_service.http.get(url, params={"after": cursor, "wait": 60}, timeout=SOON).json()
        seen += page["events"]
        cursor, done = page["next"], page["done"]
        if page["events"][-1]["type"] in ("time-budget", "text"):
            word = next(words, None)
            if word:
                gate.say(word)
            else:
                gate.finish()
    assert_whole(seen)
    assert "".join(event["data"] for event in seen if event["type"] == "text") == "one two three "
