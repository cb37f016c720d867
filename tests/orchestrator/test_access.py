"""What AGENT_API_KEYS and AGENT_CORS_ORIGINS may say, and that a refusal shows no value."""

import secrets

import pytest

from orchestrator.access import exact_origins, named_keys
from orchestrator.web.origins import is_loopback

KEY = "0123456789abcdefghijklmn"


def test_keys_have_names() -> None:
    assert named_keys(f" web:{KEY} ,ci-2_x: {KEY[::-1]},") == {"web": KEY, "ci-2_x": KEY[::-1]}
    assert named_keys(f"web:{KEY}:with:colons") == {"web": f"{KEY}:with:colons"}
    assert named_keys("") == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(KEY, "entry 1 has no name", id="bare"),
        pytest.param(f"web:{KEY},{KEY[::-1]}", "entry 2 has no name", id="second-is-bare"),
        pytest.param(f":{KEY}", "entry 1 has no name", id="empty-name"),
        pytest.param(f"we b:{KEY}", "entry 1 has no name", id="space-in-name"),
        pytest.param(f"wéb:{KEY}", "entry 1 has no name", id="letter-in-name"),
        pytest.param("web:", "the key of 'web'", id="no-key"),
        pytest.param(f"web:{KEY[:-1]}", "the key of 'web'", id="short"),
        pytest.param("web:" + "ab" * 20, "the key of 'web'", id="repeated"),
        pytest.param(f"web:{KEY} {KEY}", "the key of 'web'", id="space-in-key"),
        pytest.param(f"web:é{KEY}", "the key of 'web'", id="letter-in-key"),
        pytest.param(f"web:rwt_{KEY}", "the key of 'web'", id="looks-like-a-token"),
        pytest.param(f"web:{KEY},web:{KEY[::-1]}", "two keys are named 'web'", id="same-name"),
        pytest.param(f"web:{KEY},ci:{KEY}", "'ci' has the same key as another name", id="same-key"),
        pytest.param(" , ,", "it holds no key", id="nothing"),
    ],
)
def test_other_keys_are_refused_with_the_form_and_how_to_make_one(given: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        named_keys(given)
    assert said in str(error.value)
    assert "expected name:key" in str(error.value) and "secrets.token_urlsafe" in str(error.value)
    assert KEY[:12] not in str(error.value) and KEY[::-1][:12] not in str(error.value)


def test_keys_made_as_the_sentence_says_are_taken() -> None:
    for _ in range(1000):
        named_keys(f"web:{secrets.token_urlsafe(32)}")


def test_origins_are_taken_as_browsers_send_them() -> None:
    given = "https://app.example, http://localhost:3000,http://[::1]:8080 ,http://host:443"
    assert exact_origins(given) == (
        "https://app.example",
        "http://localhost:3000",
        "http://[::1]:8080",
        "http://host:443",
    )
    assert exact_origins("") == ()


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "null",
        "https://",
        "https://*.example",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "ftp://host",
        "https://App.example",
        "https://app.example:443",
        "http://host:80",
        "https://user@host",
    ],
)
def test_anything_else_is_no_origin(given: str) -> None:
    with pytest.raises(ValueError, match="entry 2 is no origin as browsers send it"):
        exact_origins(f"https://good.example,{given}")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:8000"])
def test_a_loopback_host(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.localhost",
        "127.1",
        "10.0.0.1",
        "evil@localhost",
        "localhost:8000:9",
        "[::2]",
        "0.0.0.0",
        "localhost/",
        "2130706433",
        "[::1",
        "::1",
    ],
)
def test_any_other_host_is_foreign(host: str) -> None:
    assert not is_loopback(host)
