"""A full disk: requests are refused and nothing is half done; with space again, the region goes on by itself."""

import contextlib
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from services.cli.region import Region
from tests.e2e.conftest import chronova, until
from tests.e2e.test_services_apart import User, all_active
from tests.integration.conftest import free_port


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def settings(small_disk: Path) -> Iterator[Region]:
    data = small_disk / "region"
    ports = ("--api-port", str(free_port()), "--nats-port", str(free_port()))
    up = ("up", "--detach", "--data", str(data), *ports, "--hypervisor", "simulated", "--no-first-instance")
    started = chronova(*up)
    try:
        assert started.code == 0, started.output + started.errors
        region = Region.load(data)
        assert region is not None
        yield region
    finally:
        chronova("down", "--data", str(data))


def refusal(user: User, accepted: list[str]) -> httpx.Response | None:
    """The answer to one more request when it is a refusal."""
    answer = user.try_to_create()
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return answer
    accepted.append(answer.json()["server"]["id"])
    return None


@pytest.mark.timeout(180)
def test_a_full_disk_is_refused_and_survived(
    settings: Region, small_disk: Path, request: pytest.FixtureRequest
) -> None:
    user = User(settings)
    request.addfinalizer(user.http.close)
    before = user.create(2)
    until(lambda: all_active(user, before))

    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
    # What little the log's file has left of its last block may still take a request or two.
    accepted: list[str] = []
    refused = until(partial(refusal, user, accepted))
    # One whose first acknowledgement did not come may be recorded: then nobody is told to repeat it unseen.
    assert refused.headers.get("Retry-After") == "1" or "Look before you ask again" in refused.text
    assert user.states().keys() <= {*before, *accepted}

    ballast.unlink()
    until(lambda: user.try_to_create().status_code == 202)
    until(lambda: user.states().keys() >= {*before, *accepted})
    until(lambda: all_active(user, list(user.states())))
