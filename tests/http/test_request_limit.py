"""A caller may call so often a minute, whichever process answers; more is 429, and costs others nothing."""

from tests.conftest import StartService

KEYS = ("first:0123456789abcdef0123456789abcdef", "second:fedcba9876543210fedcba9876543210")


def test_too_many_requests_are_told_when_to_come_again(start_service: StartService) -> None:
    """A minute may end between two calls, but not twice. Counted in each process, more than ten would pass."""
    service = start_service(workers=2, AGENT_REQUESTS_PER_MINUTE="5", AGENT_API_KEYS=",".join(KEYS))

    def call(key: str) -> int:
        return service.http.get("/agent/models", headers={"X-API-Key": key}).status_code

    first, second = (key.partition(":")[2] for key in KEYS)
    statuses = [call(first) for _ in range(12)]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) <= 10
    refused = service.http.post("/agent/run", headers={"X-API-Key": first}, json={})
    assert refused.status_code == 429
    assert "error" in refused.json()
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert call(second) == 200
    assert service.http.get("/healthz").status_code == 200
