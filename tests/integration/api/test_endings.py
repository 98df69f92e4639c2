"""Tokens that end before their time: at once on the replica that ended them, and on every other one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.api.app import create_app
from services.api.endings import SUBJECT
from services.cli.clouds import ADMIN
from tests.integration.api.conftest import BASE, Api, Clock
from tests.integration.api.people import IDENTITY, PASSWORD, grant, grant_path, make_member, make_project, role_id


@pytest.fixture
async def other(api: Api) -> AsyncIterator[Api]:
    """Another replica of the API: the same read model, and a memory of its own."""
    second = Api(api.running, api.settings, api.clock)
    second.tokens = api.tokens
    await second.applied.start()
    await second.dependencies.endings.start()
    async with second.http:
        yield second


class Stopped(Clock):
    """Time that passes only when a test says so."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now

    def __call__(self) -> datetime:
        return self.now + self.ahead


async def opens(api: Api, cloud: str) -> bool:
    """Whether a token opens anything; it opens all APIs, or none."""
    paths = ("/v2.1/servers", "/image/v2/images", "/network/v2.0/networks", "/identity/v3/auth/catalog")
    statuses = {(await api("GET", path, cloud=cloud)).status_code for path in paths}
    assert len(statuses) == 1, statuses
    return statuses == {200}


async def refused_everywhere(api: Api, other: Api, cloud: str) -> None:
    for replica in (other, api):
        assert not await opens(replica, cloud)
    found = await other("GET", f"{IDENTITY}/auth/tokens", cloud=ADMIN, headers={"X-Subject-Token": other.tokens[cloud]})
    assert found.status_code == 404
    by_token = {"auth": {"identity": {"methods": ["token"], "token": {"id": other.tokens[cloud]}}}}
    assert (await other.http.post(f"{IDENTITY}/auth/tokens", json=by_token)).status_code == 401


async def test_a_revoked_token_opens_nothing(api: Api, other: Api) -> None:
    await make_member(api, "ann", "member")
    assert await opens(other, "ann")
    subject = {"X-Subject-Token": api.tokens["ann"]}
    revoked = await api("DELETE", f"{IDENTITY}/auth/tokens", cloud="ann", headers=subject)
    assert (revoked.status_code, revoked.content) == (204, b"")
    await refused_everywhere(api, other, "ann")
    again = await api("DELETE", f"{IDENTITY}/auth/tokens", cloud=ADMIN, headers=subject)
    assert again.status_code == 404


async def test_revoking_one_token_leaves_the_others_of_its_user(api: Api) -> None:
    await make_member(api, "ann", "member")
    assert (await api.log_in_as("second", user="ann", password=PASSWORD, project="ann")).status_code == 201
    await api("DELETE", f"{IDENTITY}/auth/tokens", cloud="ann", headers={"X-Subject-Token": api.tokens["ann"]})
    assert await opens(api, "second")


Ending = Callable[[Api, str, str], Awaitable[httpx.Response]]


async def disable_user(api: Api, user_id: str, project_id: str) -> httpx.Response:
    return await api("PATCH", f"{IDENTITY}/users/{user_id}", cloud=ADMIN, json={"user": {"enabled": False}})


async def set_password(api: Api, user_id: str, project_id: str) -> httpx.Response:
    return await api("PATCH", f"{IDENTITY}/users/{user_id}", cloud=ADMIN, json={"user": {"password": "another"}})


async def change_password(api: Api, user_id: str, project_id: str) -> httpx.Response:
    body = {"user": {"original_password": PASSWORD, "password": "another"}}
    return await api("POST", f"{IDENTITY}/users/{user_id}/password", cloud="ann", json=body)


async def delete_user(api: Api, user_id: str, project_id: str) -> httpx.Response:
    return await api("DELETE", f"{IDENTITY}/users/{user_id}", cloud=ADMIN)


async def disable_project(api: Api, user_id: str, project_id: str) -> httpx.Response:
    return await api("PATCH", f"{IDENTITY}/projects/{project_id}", cloud=ADMIN, json={"project": {"enabled": False}})


async def delete_project(api: Api, user_id: str, project_id: str) -> httpx.Response:
    return await api("DELETE", f"{IDENTITY}/projects/{project_id}", cloud=ADMIN)


async def take_role(api: Api, user_id: str, project_id: str) -> httpx.Response:
    return await api("DELETE", await grant_path(api, project_id, user_id, "member"), cloud=ADMIN)


ENDINGS = (
    disable_user, set_password, change_password, delete_user, disable_project, delete_project, take_role,
)  # fmt: skip


@pytest.mark.parametrize("end", ENDINGS)
async def test_what_ends_a_token_ends_it_on_every_replica(api: Api, other: Api, end: Ending) -> None:
    user_id, project_id = await make_member(api, "ann", "member", "reader")
    assert await opens(other, "ann")
    answer = await end(api, user_id, project_id)
    assert answer.status_code in {200, 204}, answer.text
    await refused_everywhere(api, other, "ann")
    assert await opens(other, ADMIN)  # everybody else goes on


@pytest.mark.parametrize("end", [disable_user, delete_user, disable_project, delete_project])
async def test_a_closed_user_or_project_is_given_no_token(api: Api, other: Api, end: Ending) -> None:
    await end(api, *await make_member(api, "ann", "member"))
    for replica in (api, other):
        answer = await replica.log_in_as("ann", user="ann", password=PASSWORD, project="ann")
        assert answer.status_code == 401


@pytest.mark.parametrize("kind", ["user", "project"])
async def test_opening_it_again_does_not_bring_back_what_has_ended(api: Api, other: Api, kind: str) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    path = f"{IDENTITY}/{kind}s/{user_id if kind == 'user' else project_id}"
    for enabled in (False, True):
        assert (await api("PATCH", path, cloud=ADMIN, json={kind: {"enabled": enabled}})).status_code == 200
    await refused_everywhere(api, other, "ann")
    assert (await api.log_in_as("ann", user="ann", password=PASSWORD, project="ann")).status_code == 201
    assert await opens(api, "ann")
    assert await opens(other, "ann")


async def test_a_token_given_right_after_an_ending_is_good(api: Api, other: Api) -> None:
    """No clock decides: the ending and the login may lie in the same second, or the login's clock may be behind."""
    user_id, _ = await make_member(api, "ann", "member")
    for number in range(3):
        api.clock.ahead = timedelta(seconds=-number)
        password = f"{PASSWORD} {number}"
        changed = await api("PATCH", f"{IDENTITY}/users/{user_id}", cloud=ADMIN, json={"user": {"password": password}})
        assert changed.status_code == 200
        assert (await other.log_in_as("ann", user="ann", password=password, project="ann")).status_code == 201
        assert await opens(api, "ann")
        assert await opens(other, "ann")


async def test_a_role_taken_and_given_back_is_good_for_a_token_made_of_an_older_one(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    assert (await api.log_in_as("unscoped", user="ann", password=PASSWORD, project=None)).status_code == 201
    assert (await take_role(api, user_id, project_id)).status_code == 204
    await grant(api, project_id, user_id, "member")
    assert not await opens(api, "ann")
    scoped = await by_token(api, "unscoped", project_id)
    assert scoped.status_code == 201
    assert await opens(api, "unscoped")


async def test_what_ends_a_token_ends_those_that_were_made_of_it(api: Api, other: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    parent = await api.get(f"{IDENTITY}/auth/tokens", cloud="ann", headers={"X-Subject-Token": api.tokens["ann"]})
    child = await by_token(api, "ann", project_id)
    assert child.json()["token"]["audit_ids"][1] == parent["token"]["audit_ids"][0]
    assert child.json()["token"]["methods"] == ["token", "password"]
    assert child.json()["token"]["expires_at"] == parent["token"]["expires_at"]
    await set_password(api, user_id, project_id)
    await refused_everywhere(api, other, "ann")


async def by_token(api: Api, cloud: str, project_id: str) -> httpx.Response:
    """Exchange a token for one of a project."""
    identity = {"methods": ["token"], "token": {"id": api.tokens[cloud]}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": project_id}}}}
    answer = await api.http.post(f"{IDENTITY}/auth/tokens", json=body)
    if answer.status_code == 201:
        api.tokens[cloud] = answer.headers["X-Subject-Token"]
    return answer


async def test_a_replica_that_heard_nothing_finds_out_within_a_second(
    api: Api, other: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Core NATS may lose a message; the read model does not."""
    said: list[str] = []
    publish = api.running.plane.client.publish

    async def lose(subject: str, *rest: Any, **more: Any) -> None:
        said.append(subject)
        if subject != SUBJECT:
            await publish(subject, *rest, **more)

    user_id, project_id = await make_member(api, "ann", "member")
    assert await opens(other, "ann")
    monkeypatch.setattr(api.running.plane.client, "publish", lose)
    await disable_user(api, user_id, project_id)
    assert SUBJECT in said
    api.clock.ahead = timedelta(seconds=1)
    assert not await opens(other, "ann")


async def test_a_replica_that_has_not_heard_yet_gives_no_token_that_outlives_the_ending(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    clock = Stopped(api.clock())
    behind = Api(api.running, api.settings, clock)
    behind.tokens = dict(api.tokens)
    await behind.applied.start()
    await behind.dependencies.endings.start()
    publish = api.running.plane.client.publish

    async def lose(subject: str, *rest: Any, **more: Any) -> None:
        if subject != SUBJECT:
            await publish(subject, *rest, **more)

    monkeypatch.setattr(api.running.plane.client, "publish", lose)
    await set_password(api, user_id, project_id)
    async with behind.http:
        assert (await by_token(behind, "ann", project_id)).status_code == 201  # it cannot know better
        clock.ahead = timedelta(seconds=1)
        assert not await opens(behind, "ann")
    api.tokens["ann"] = behind.tokens["ann"]
    assert not await opens(api, "ann")


async def test_a_replica_that_starts_later_knows_what_has_ended(api: Api) -> None:
    await disable_user(api, *await make_member(api, "ann", "member"))
    later = Api(api.running, api.settings)
    later.tokens = api.tokens
    await later.applied.start()
    await later.dependencies.endings.start()
    async with later.http:
        assert not await opens(later, "ann")
        assert await opens(later, ADMIN)


async def test_services_validate_tokens_of_others_and_members_only_their_own(api: Api) -> None:
    await make_member(api, "ann", "member")
    await make_member(api, "nova", "service")
    path = f"{IDENTITY}/auth/tokens"
    for cloud, status in (("ann", 200), ("nova", 200), (ADMIN, 200), ("chronova", 403)):
        for method in ("GET", "HEAD"):
            answer = await api(method, path, cloud=cloud, headers={"X-Subject-Token": api.tokens["ann"]})
            assert answer.status_code == status, (cloud, method)
    shown = await api("GET", f"{path}?nocatalog", cloud="nova", headers={"X-Subject-Token": api.tokens["ann"]})
    assert shown.json()["token"]["user"]["name"] == "ann"
    assert "catalog" not in shown.json()["token"]
    taken = await api("DELETE", path, headers={"X-Subject-Token": api.tokens["ann"]})
    assert taken.status_code == 403
    assert await opens(api, "ann")


@pytest.mark.parametrize("scope", [{"system": {"all": True}}, {"domain": {"id": "default"}}, {"OS-TRUST:trust": {}}])
async def test_only_projects_are_scopes(api: Api, scope: dict[str, Any]) -> None:
    identity = {"methods": ["token"], "token": {"id": api.tokens[ADMIN]}}
    answer = await api.http.post(f"{IDENTITY}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "Only projects can be the scope of a token in this cloud."


async def test_how_long_a_token_lives_is_a_setting(api: Api) -> None:
    short = Api(api.running, api.settings, api.clock)
    short.dependencies = replace(api.dependencies, token_lifetime=timedelta(minutes=5))
    short.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(short.dependencies)), base_url=BASE)
    async with short.http:
        await short.log_in(ADMIN)
        assert await opens(short, ADMIN)
        api.clock.ahead = timedelta(minutes=5, seconds=1)
        assert not await opens(short, ADMIN)


async def test_the_role_of_an_administrator_of_any_project_opens_all_of_them(api: Api) -> None:
    lab = await make_project(api, "lab")
    user_id, _ = await make_member(api, "ann", "reader")
    await grant(api, lab["id"], user_id, "admin")
    assert (await api.get(f"{IDENTITY}/users/{user_id}", cloud="ann"))["user"]["id"] == user_id
    assert (await api("GET", f"{IDENTITY}/users", cloud="ann")).status_code == 403
    assert (await api.log_in_as("ann", user="ann", password=PASSWORD, project="lab")).status_code == 201
    assert (await api("GET", f"{IDENTITY}/users", cloud="ann")).status_code == 200
    assert (await api("GET", "/v2.1/servers?all_tenants=1", cloud="ann")).status_code == 200
    assert await role_id(api, "admin")
