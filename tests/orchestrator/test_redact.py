"""The environment's secrets are found in text, whatever form they take there."""

import json
import logging

import pytest

from orchestrator.redact import MASK, RedactingFormatter, Redactor

SECRET = "sk-0123456789"


@pytest.mark.parametrize(
    "name",
    [
        "API_KEY",
        "api_key",
        "MY_TOKEN",
        "SECRET",
        "DB_PASSWORD",
        "PASSWD",
        "AWS_CREDENTIALS",
        "PRIVATE_PEM",
        "SENTRY_DSN",
    ],
)
def test_a_variable_whose_name_speaks_of_a_secret_is_masked(name: str) -> None:
    assert Redactor.from_environment({name: SECRET})(f"it is {SECRET}!") == f"it is {MASK}!"


@pytest.mark.parametrize("name", ["HOME", "LANG", "PORT", "EDITOR"])
def test_other_variables_are_left_alone(name: str) -> None:
    assert Redactor.from_environment({name: SECRET})(SECRET) == SECRET


@pytest.mark.parametrize("url", [f"redis://:{SECRET}@host/0", f"postgres://user:{SECRET}@host:5432/db?x=1"])
def test_the_password_of_any_url_is_masked(url: str) -> None:
    masked = Redactor.from_environment({"SOME_URL": url})(f"{url} {SECRET}")
    assert SECRET not in masked and "host" in masked


def test_each_of_several_keys_is_masked() -> None:
    redact = Redactor.from_environment({"AGENT_API_KEYS": "first-key-here, second-key-here"})
    assert redact("first-key-here|second-key-here") == f"{MASK}|{MASK}"


def test_a_secret_that_holds_another_is_masked_whole() -> None:
    redact = Redactor.from_environment({"A_KEY": "password", "B_KEY": "password-and-more"})
    assert redact("password-and-more") == MASK


@pytest.mark.parametrize(
    "secret", ['with"quote', "back\\slash-", "new\nline-key", "ümläut-schlüssel", "tab\tseparated"]
)
def test_a_secret_is_found_in_json_too(secret: str) -> None:
    redact = Redactor.from_environment({"A_KEY": secret})
    for ascii_only in (True, False):
        encoded = json.dumps({"data": f"it is {secret}!"}, ensure_ascii=ascii_only)
        assert json.loads(redact(encoded)) == {"data": f"it is {MASK}!"}


@pytest.mark.parametrize("value", ["", " ", "1", "true", "short", "1234567"])
def test_short_values_mask_nothing(value: str) -> None:
    text = f"nothing of {value} is secret here, 1234567 times true"
    assert Redactor.from_environment({"A_KEY": value})(text) == text


@pytest.mark.parametrize("value", ["http://[broken", "://", "a://b"])
def test_a_broken_url_is_no_reason_to_stop(value: str) -> None:
    assert Redactor.from_environment({"URL": value})("text") == "text"


def test_special_characters_are_no_pattern() -> None:
    redact = Redactor.from_environment({"A_KEY": "a.*b[c]+(d)"})
    assert redact("a.*b[c]+(d) axxb") == f"{MASK} axxb"


def test_log_lines_are_masked_with_their_arguments_and_tracebacks() -> None:
    formatter = RedactingFormatter("%(message)s", Redactor.from_environment({"A_KEY": SECRET}))
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "said %s", (SECRET,), info)
    line = formatter.format(record)
    assert f"said {MASK}" in line and f"bad {MASK}" in line
    assert SECRET not in line
