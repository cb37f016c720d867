"""The lock files say what their requirements say, with hashes, and name no place that packages come from."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "requirements.txt": "requirements.lock",
    "requirements-dev.txt": "requirements-dev.lock",
    "bench/requirements.txt": "bench/requirements.lock",
}


def required(path: Path) -> dict[str, str]:
    """What a requirements file pins, those that it includes among them: {name: version}."""
    pins: dict[str, str] = {}
    for line in path.read_text().splitlines():
        wanted = line.split("#")[0].strip()
        if wanted.startswith("-r "):
            pins |= required(path.parent / wanted.removeprefix("-r "))
        elif wanted:
            pins |= pin(wanted)
    return pins


def locked(path: Path) -> tuple[dict[str, str], list[str]]:
    """What a lock file pins, and the names that have no hash."""
    pins: dict[str, str] = {}
    bare: list[str] = []
    for entry in re.split(r"\n(?=[a-z0-9])", path.read_text()):
        if entry.startswith("#"):
            continue
        wanted, _, hashes = entry.partition("\\\n")
        pins |= (named := pin(wanted))
        if not re.match(r"\s+--hash=sha256:[0-9a-f]{64}\b", hashes):
            bare += named
    return pins, bare


def pin(text: str) -> dict[str, str]:
    requirement = Requirement(text.strip())
    (only,) = requirement.specifier
    assert only.operator == "==", f"{text} is not pinned"
    return {canonicalize_name(requirement.name): only.version}


@pytest.mark.parametrize(("requirements", "lock"), FILES.items())
def test_a_lock_file_has_every_requirement_in_its_version_with_hashes(requirements: str, lock: str) -> None:
    pins, bare = locked(ROOT / lock)
    missing = required(ROOT / requirements).items() - pins.items()
    assert not missing, f"{lock} is older than {requirements}: run `make lock`"
    assert not bare


def test_all_lock_files_have_the_service_alike() -> None:
    service, _ = locked(ROOT / "requirements.lock")
    for lock in FILES.values():
        pins, _ = locked(ROOT / lock)
        assert service.items() <= pins.items(), lock


@pytest.mark.parametrize("lock", FILES.values())
def test_a_lock_file_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text and not re.search(r"--(extra-)?(index|find)", text)


@pytest.mark.parametrize("lock", FILES.values())
def test_a_lock_file_pins_extras_with_their_package(lock: str) -> None:
    """pip holds `coverage==1` to be no pin of `coverage[toml]`: it would take the newest one, and refuse its hash."""
    text = (ROOT / lock).read_text()
    locked_as = {
        canonicalize_name(wanted.name): wanted.extras
        for wanted in map(Requirement, re.findall(r"^[a-z0-9][^ ]*==[^ ;]+", text, re.MULTILINE))
    }
    for name in locked_as:
        for asked in _asks_for(name):
            if (asked.marker is None or asked.marker.evaluate({"extra": ""})) and asked.name in locked_as:
                assert asked.extras <= locked_as[canonicalize_name(asked.name)], f"{name} asks for {asked}"


def _asks_for(package: str) -> list[Requirement]:
    """What an installed package requires."""
    try:
        return list(map(Requirement, requires(package) or []))
    except PackageNotFoundError:
        return []  # for another system, or for the benchmark alone
