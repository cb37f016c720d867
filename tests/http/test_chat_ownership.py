"""Another key's chats and threads are not there, in the form of each protocol."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from lab.service import Service
from tests.conftest import next_database
from tests.http import test_agui, test_chat
from tests.http.callers import CI, KEYS, WEB, bearer, runs_in, token
from tools.redis_server import RedisServer

Unique = Callable[[str], str]
ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0", "AGENT_CORS_ORIGINS": ORIGIN}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=1, env=env) as running:
        yield running


def is_unknown(answer: httpx.Response) -> bool:
    return answer.status_code == 404 and answer.json()["type"] in ("error", "RUN_ERROR") and "error" in answer.json()


def test_another_keys_chat_is_unknown_and_nothing_is_started(shared: Service, unique: Unique) -> None:
    chat = unique("chat")
    assert shared.http.post("/api/chat", json=test_chat.asking(chat), headers=bearer(WEB)).status_code == 200
    before = runs_in(shared)
    assert is_unknown(shared.http.post("/api/chat", json=test_chat.asking(chat, message="u2"), headers=bearer(CI)))
    anew = test_chat.asking(chat, trigger="regenerate-message")
    assert is_unknown(shared.http.post("/api/chat", json=anew, headers=bearer(CI)))
    assert runs_in(shared) == before


def test_another_keys_chat_looks_like_one_that_is_not_there(shared: Service, unique: Unique) -> None:
    """One that was there answered 404 to who asked for its stream, and another text to who would cancel it."""
    chat = unique("chat")
    assert shared.http.post("/api/chat", json=test_chat.asking(chat), headers=bearer(WEB)).status_code == 200
    elsewhere = token(shared, WEB, projectId=unique("chat"), can=["start", "read", "cancel"])
    for credential in (CI, elsewhere):
        for method, path in (("GET", "stream"), ("POST", "cancel")):
            theirs, nobodys = (
                shared.http.request(method, f"/api/chat/{name}/{path}", headers=bearer(credential))
                for name in (chat, unique("never-was"))
            )
            assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert shared.http.get(f"/api/chat/{chat}/stream", headers=bearer(WEB)).status_code == 200


def test_a_chat_whose_latest_run_was_removed_has_nothing_to_resume(shared: Service, unique: Unique) -> None:
    chat = unique("chat")
    answer = shared.http.post("/api/chat", json=test_chat.asking(chat), headers=bearer(WEB))
    removed = shared.http.delete(f"/agent/run/{answer.headers['x-run-id']}", headers=bearer(WEB))
    assert removed.status_code == 204
    assert shared.http.get(f"/api/chat/{chat}/stream", headers=bearer(WEB)).status_code == 204


def test_another_keys_thread_and_run_are_unknown_and_nothing_is_started(shared: Service, unique: Unique) -> None:
    thread, run = unique("thread"), unique("run")
    assert shared.http.post("/agui", json=test_agui.asking(thread, run), headers=bearer(WEB)).status_code == 200
    before = runs_in(shared)
    for asked in (test_agui.asking(thread, unique("run")), test_agui.asking(unique("thread"), run)):
        answer = shared.http.post("/agui", json=asked, headers=bearer(CI))
        assert is_unknown(answer), answer.text
    assert "x-run-id" not in answer.headers
    assert runs_in(shared) == before


def test_without_a_key_both_answer_401_in_their_own_form(shared: Service) -> None:
    chat = shared.http.post("/api/chat", json=test_chat.asking("c"))
    agui = shared.http.post("/agui", json=test_agui.asking("t", "r"))
    assert (chat.status_code, chat.json()["type"]) == (401, "error")
    assert (agui.status_code, agui.json()["type"], agui.json()["code"]) == (401, "RUN_ERROR", "unauthorized")


def test_a_pages_token_opens_its_own_chat_and_no_other(shared: Service, unique: Unique) -> None:
    chat = unique("chat")
    mine = bearer(token(shared, WEB, projectId=chat, can=["start", "read", "cancel"])) | {"Origin": ORIGIN}
    answer = shared.http.post("/api/chat", json=test_chat.asking(chat), headers=mine)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert shared.http.get(f"/api/chat/{chat}/stream", headers=mine).status_code == 200
    assert is_unknown(shared.http.post("/api/chat", json=test_chat.asking(unique("chat")), headers=mine))
    assert is_unknown(shared.http.post("/agui", json=test_agui.asking(unique("t"), unique("r")), headers=mine))
