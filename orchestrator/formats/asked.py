"""The ids of approvals in protocols whose answers come in a request of their own: they name the run as well."""

from __future__ import annotations


def asked_id(run_id: str, approval_id: str) -> str:
    return f"{run_id}.{approval_id}"


def asked_by(asked_id: str) -> tuple[str, str]:
    """The ids of the run and of the approval; empty where it is no such id."""
    run_id, _, approval_id = asked_id.partition(".")
    return run_id, approval_id
