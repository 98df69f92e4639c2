"""A region that uses an existing Keystone. Our own identity API, of another application, plays it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.identity.project import Project
from services.api.app import create_app
from services.api.caller import NOBODY, Caller
from services.api.keystone import GOOD_FOR, Keystone, introducer
from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import BASE, Api, password_auth
from tests.integration.api.people import IDENTITY, PASSWORD, make_member

KEYSTONE = "http://keystone.test"


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """What lies between the region and its Keystone: it counts, and can be cut."""

    there: httpx.ASGITransport
    cut: bool = False
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("cut")
        self.asked.append(f"{request.method} {request.url.path}")
        request.url = request.url.copy_with(path=f"/identity{request.url.path}")
        return await self.there.handle_async_request(request)


@dataclass
class Elsewhere:
    """The region that uses it: its own tokens would be signed with another key, and it has no identity API."""

    api: Api
    wire: Wire
    http: httpx.AsyncClient
    introduced: list[str | None]

    async def get(self, path: str, cloud: str) -> httpx.Response:
        return await self.http.get(path, headers={"X-Auth-Token": self.api.tokens[cloud]})


@pytest.fixture
async def elsewhere(api: Api) -> AsyncIterator[Elsewhere]:
    await make_member(api, "nova", "service")
    wire = Wire(httpx.ASGITransport(create_app(api.dependencies)))
    login = password_auth("nova", PASSWORD, "nova")
    async with httpx.AsyncClient(transport=wire, base_url=KEYSTONE) as to_keystone:
        introduced: list[str | None] = []

        async def introduce(caller: Caller) -> None:
            introduced.append(caller.project_name)

        keystone = Keystone(to_keystone, login, api.clock, introduce)
        dependencies = replace(api.dependencies, keystone=keystone, keystone_url=KEYSTONE, token_key=b"x" * 32)
        app = create_app(dependencies)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
            yield Elsewhere(api, wire, http, introduced)


async def test_a_token_of_the_keystone_opens_all_apis(elsewhere: Elsewhere) -> None:
    for path in ("/v2.1/servers", "/image/v2/images", "/network/v2.0/networks"):
        assert (await elsewhere.get(path, DEMO)).status_code == 200
    assert (await elsewhere.get("/v2.1/os-hypervisors", DEMO)).status_code == 403
    assert (await elsewhere.get("/v2.1/os-hypervisors", ADMIN)).status_code == 200


async def test_a_project_is_introduced_when_it_is_first_seen(elsewhere: Elsewhere) -> None:
    for cloud in (DEMO, ADMIN, DEMO):
        await elsewhere.get("/v2.1/servers", cloud)
    elsewhere.api.clock.ahead = GOOD_FOR
    await elsewhere.get("/v2.1/servers", DEMO)
    assert elsewhere.introduced == ["demo", "admin"]


async def test_an_introduced_project_is_known_to_the_log(elsewhere: Elsewhere) -> None:
    api = elsewhere.api
    introduce = introducer(api.dependencies.commands, api.clock)
    caller = replace(NOBODY, user_id="u1", project_id="ab" * 16, project_name="of another cloud")
    for _ in range(2):
        await introduce(caller)
    assert (await api.dependencies.commands.load(Project, "ab" * 16)).name == "of another cloud"


async def test_an_unknown_token_is_sent_to_the_keystone(elsewhere: Elsewhere) -> None:
    for headers in ({"X-Auth-Token": "unknown"}, {}):
        answer = await elsewhere.http.get("/v2.1/servers", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{KEYSTONE}"'


async def test_our_own_identity_api_is_off(elsewhere: Elsewhere) -> None:
    body = password_auth("demo", elsewhere.api.password(DEMO), "demo")
    for method, path in (("POST", "/identity/v3/auth/tokens"), ("GET", "/identity/v3"), ("GET", "/identity")):
        answer = await elsewhere.http.request(
            method, path, json=body if method == "POST" else None, headers={"X-Auth-Token": elsewhere.api.tokens[ADMIN]}
        )
        assert answer.status_code == 404, path


async def test_a_keystone_is_asked_once_a_minute_about_a_token(elsewhere: Elsewhere) -> None:
    await asyncio.gather(*(elsewhere.get("/v2.1/servers", DEMO) for _ in range(20)))
    assert elsewhere.wire.asked == ["POST /v3/auth/tokens", "GET /v3/auth/tokens"]
    elsewhere.api.clock.ahead = GOOD_FOR
    await elsewhere.get("/v2.1/servers", DEMO)
    assert elsewhere.wire.asked[2:] == ["GET /v3/auth/tokens"]


async def test_a_token_that_was_revoked_there_opens_nothing_after_a_minute(elsewhere: Elsewhere) -> None:
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 200
    api = elsewhere.api
    revoked = await api("DELETE", f"{IDENTITY}/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]})
    assert revoked.status_code == 204
    api.clock.ahead = GOOD_FOR
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 401


async def test_a_token_ends_when_it_says_and_not_when_the_memory_of_it_does(elsewhere: Elsewhere) -> None:
    elsewhere.api.clock.ahead = timedelta(hours=12) - timedelta(seconds=30)
    await elsewhere.api.log_in(ADMIN)
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 200
    elsewhere.api.clock.ahead += timedelta(seconds=31)
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 401


async def test_our_own_login_is_renewed_when_it_has_ended(elsewhere: Elsewhere) -> None:
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 200
    elsewhere.api.clock.ahead = timedelta(hours=13)
    await elsewhere.api.log_in(DEMO)
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 200
    assert elsewhere.wire.asked[2:] == ["GET /v3/auth/tokens", "POST /v3/auth/tokens", "GET /v3/auth/tokens"]


async def test_without_the_keystone_what_is_known_goes_on_and_the_rest_is_told_to_wait(elsewhere: Elsewhere) -> None:
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 200
    elsewhere.wire.cut = True
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 200
    waits = await elsewhere.get("/v2.1/servers", ADMIN)
    assert (waits.status_code, waits.headers["Retry-After"]) == (503, "1")
    assert PASSWORD not in waits.text
    elsewhere.wire.cut = False
    assert (await elsewhere.get("/v2.1/servers", ADMIN)).status_code == 200


async def test_a_login_that_the_keystone_refuses_is_said_and_not_shown(
    elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    user: Any = (await elsewhere.api.get(f"{IDENTITY}/users?name=nova", cloud=ADMIN))["users"][0]
    await elsewhere.api("PATCH", f"{IDENTITY}/users/{user['id']}", cloud=ADMIN, json={"user": {"password": "another"}})
    assert (await elsewhere.get("/v2.1/servers", DEMO)).status_code == 503
    assert "it answers 401 to our login" in caplog.text
    assert PASSWORD not in caplog.text
