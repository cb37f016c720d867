"""The environment's secrets are found in text, whatever form they take there."""

import json

import pytest

from orchestrator.redact import MASK, Redactor

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
        "SMTP_PASS",
        "MYSQL_PWD",
        "GH_PAT",
        "BASIC_AUTH",
        "AUTHORIZATION",
        "SESSION_COOKIE",
        "SLACK_WEBHOOK",
        "SSH_PASSPHRASE",
        "SIGNING_KEY_FALLBACK",
        "APIKEY",
    ],
)
def test_a_variable_whose_name_speaks_of_a_secret_is_masked(name: str) -> None:
    assert Redactor.from_environment({name: SECRET})(f"it is {SECRET}!") == f"it is {MASK}!"


@pytest.mark.parametrize("name", ["HOME", "LANG", "PORT", "EDITOR", "PATTERN", "KEYBOARD", "GIT_AUTHOR_NAME"])
def test_other_variables_are_left_alone(name: str) -> None:
    assert Redactor.from_environment({name: SECRET})(SECRET) == SECRET


@pytest.mark.parametrize("url", [f"redis://:{SECRET}@host/0", f"postgres://user:{SECRET}@host:5432/db?x=1"])
def test_the_password_of_any_url_is_masked(url: str) -> None:
    masked = Redactor.from_environment({"SOME_URL": url})(f"{url} {SECRET}")
    assert SECRET not in masked and "host" in masked


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("p@ss/w+r d&1", id="decoded"),
        pytest.param("p%40ss%2Fw%2Br%20d%261", id="quoted"),
        pytest.param("p%40ss%2fw%2br%20d%261", id="quoted-lower"),
        pytest.param("p%40ss%2Fw%2Br+d%261", id="form"),
        pytest.param("cEBzcy93K3IgZCYx", id="base64"),
        pytest.param("p%40ss%2Fw+r%20d%261", id="as-given"),
    ],
)
def test_a_password_in_a_url_is_masked_in_each_form(written: str) -> None:
    redact = Redactor.from_environment({"DATABASE_URL": "postgres://app:p%40ss%2Fw+r%20d%261@host/db"})
    assert redact(f"<{written}>") == f"<{MASK}>"


INSIDE = {
    "token-as-user": "https://ghp_0123456789@github.com/x",
    "query": "https://host/hook?api_key=ghp_0123456789&x=1",
    "connection-string": "host=db password=ghp_0123456789 user=app",
    "json": '{"type": "service_account", "private_key": "ghp_0123456789"}',
}


@pytest.mark.parametrize("value", INSIDE.values(), ids=INSIDE)
def test_what_a_value_carries_is_found(value: str) -> None:
    assert Redactor.from_environment({"SOME_SETTING": value})("a ghp_0123456789 b") == f"a {MASK} b"


def test_a_short_password_is_masked_as_a_whole_word() -> None:
    redact = Redactor.from_environment({"MYSQL_PWD": "tig3"})
    assert redact("tig3, 'tig3' and tig3s, atig3") == f"{MASK}, '{MASK}' and tig3s, atig3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSH_AUTH_SOCK", "/tmp/ssh-XXXX/agent.1"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus"),
        ("PWD", "/tmp/work"),
        ("DESKTOP_SESSION", "plasma"),
        ("PASSWORD", "password"),
        ("NO_PASSWORD", "true"),
        ("TOKEN_LIFETIME", "123456789"),
        ("REDIS_URL", "redis://default@127.0.0.1:6379"),
        ("AUTH_ROLE", "assistant"),
    ],
)
def test_what_is_clearly_no_secret_is_left_alone(name: str, value: str) -> None:
    assert Redactor.from_environment({name: value})(f"it is {value} here") == f"it is {value} here"


def test_a_key_is_found_without_the_name_before_it() -> None:
    redact = Redactor.from_environment({"AGENT_API_KEYS": "web:0123456789abcdef,ci:fedcba9876543210"})
    assert redact("0123456789abcdef and fedcba9876543210") == f"{MASK} and {MASK}"
    signing = Redactor.from_environment({"INNGEST_SIGNING_KEY": "signkey-prod-0123456789abcdef"})
    assert signing("0123456789abcdef") == MASK


def test_our_own_tokens_are_known_by_their_form() -> None:
    assert Redactor()("see rwt_eyJ4Ijox.ab-c_d now") == f"see {MASK} now"


def test_values_are_masked_without_touching_their_structure() -> None:
    redact = Redactor.from_environment({"A_KEY": SECRET, "DB_PASSWORD": "role"})
    value = {"role": "tool", "files": {f"{SECRET}.txt": [SECRET, 1, None]}}
    assert redact.value(value) == {"role": "tool", "files": {f"{MASK}.txt": [MASK, 1, None]}}


def test_files_are_masked_and_bytes_that_are_no_text_stay_whole() -> None:
    redact = Redactor.from_environment({"A_KEY": SECRET, "DB_PASSWORD": "tig3"})
    assert redact.content(f"a = {SECRET}; tig3\n".encode()) == f"a = {MASK}; {MASK}\n".encode()
    assert redact.content(b"\xff tig3 " + SECRET.encode()) == b"\xff tig3 " + MASK.encode()


def test_each_of_several_keys_is_masked() -> None:
    redact = Redactor.from_environment({"AGENT_API_KEYS": "web:first-key-here, ci:second-key-here"})
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
