"""Policy, seen from outside: every route of every API, asked by everybody, answers as the one table says."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from domain.identity.role import effective_roles
from services.api.app import routes_of
from services.api.compute.microversions import MAXIMUM, SPANS
from services.api.compute.server_actions import ACTIONS
from services.api.policy import PUBLIC, allows
from services.api.routing import Route
from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import Api
from tests.integration.api.people import PASSWORD, grant, make_member, make_project, make_user

NOTHING = "00000000-0000-4000-8000-000000000000"
"""An id of nothing: whoever may ask is told so, and nothing changes."""

CALLERS = {"unscoped": (), "reader": ("reader",), "member": ("member",), "service": ("service",), "boss": ("admin",)}
"""Caller → what it was granted in its project."""

LOOKS_CLOSER = {
    "GET /v2.0/quotas/{project}": {"reader", "member"},
    "GET /v2.0/quotas/{project}/default": {"reader", "member"},
    "GET /v2.0/quotas/{project}/details": {"reader", "member"},
    "GET /v2.1/os-simple-tenant-usage/{project}": {"reader", "member"},
    "GET /v2.1/os-quota-sets/{project}": {"reader", "member"},
    "GET /v2.1/os-quota-sets/{project}/defaults": {"reader", "member"},
    "GET /v2.1/os-quota-sets/{project}/detail": {"reader", "member"},
    "GET /v3/projects/{id}": {"unscoped", "reader", "member", "service"},
    "GET /v3/users/{id}": {"unscoped", "reader", "member", "service"},
    "GET /v3/users/{id}/projects": {"unscoped", "reader", "member", "service"},
    "POST /v3/users/{id}/password": set(CALLERS),
    "GET /v3/users/{id}/application_credentials": {"unscoped", "reader", "member", "service"},
    "POST /v3/users/{id}/application_credentials": set(CALLERS),
    "GET /v3/users/{id}/application_credentials/{credential}": {"unscoped", "reader", "member", "service"},
    "DELETE /v3/users/{id}/application_credentials/{credential}": {"unscoped", "reader", "member", "service"},
}
"""Routes whose policy lets a caller in, and whose handler may still refuse with 403 what is another one's; and whom."""


@pytest.fixture
async def everybody(api: Api) -> Api:
    """The API, with a token of each caller in `tokens`."""
    for name, roles in CALLERS.items():
        if roles:
            await make_member(api, name, *roles)
    await make_user(api, "unscoped")
    assert (await api.log_in_as("unscoped", user="unscoped", password=PASSWORD, project=None)).status_code == 201
    return api


def all_routes(api: Api) -> Iterator[tuple[str, Route]]:
    _, parts = routes_of(api.dependencies)
    for prefix, (routes, _) in parts.items():
        for route in routes.all:
            yield prefix, route


def microversion(*names: str) -> str:
    """The newest one that has what is named in the table of spans."""
    newest = min([MAXIMUM, *(SPANS[name].until for name in names if name in SPANS)])
    return f"compute {newest[0]}.{newest[1]}"


async def ask(
    api: Api, prefix: str, route: Route, caller: str | None, *, thing: str = NOTHING, body: Any = None
) -> int:
    path = prefix + re.sub(r"\{\w+\}", thing, route.template)
    headers = {"OpenStack-API-Version": microversion(route.name)}
    if caller is not None:
        headers["X-Auth-Token"] = api.tokens[caller]
    json = {} if body is None and route.method in {"POST", "PUT", "PATCH"} else body
    return (await api.http.request(route.method, path, headers=headers, json=json)).status_code


async def test_every_route_answers_every_role_as_the_table_says(everybody: Api) -> None:
    wrong: list[str] = []
    seen: set[str] = set()
    for prefix, route in all_routes(everybody):
        seen.add(f"{prefix} {route.name}")
        for caller, roles in CALLERS.items():
            status = await ask(everybody, prefix, route, caller)
            if route.policy is None:  # who asks is not looked at
                continue
            may = allows(route.policy, effective_roles(roles))
            as_said = (status == 403) != may or (may and caller in LOOKS_CLOSER.get(route.name, ()))
            if not as_said or status == 401 or (status >= 500 and status != 501):
                wrong.append(f"{prefix} {route.name}, policy {route.policy}: {status} for {caller}")
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 80


async def test_without_a_good_token_only_what_is_public_opens(everybody: Api) -> None:
    everybody.tokens["forged"] = everybody.tokens[DEMO][:-4] + "AAAA"
    wrong: list[str] = []
    for prefix, route in all_routes(everybody):
        for caller in (None, "forged"):
            status = await ask(everybody, prefix, route, caller)
            if (status == 401) == (route.name in PUBLIC[prefix]):
                wrong.append(f"{prefix} {route.name}: {status} for {caller or 'nobody'}")
    assert wrong == []


async def test_every_action_answers_every_role_as_the_table_says(everybody: Api) -> None:
    wrong = []
    for name, action in ACTIONS.items():
        for caller, roles in CALLERS.items():
            headers = {"OpenStack-API-Version": microversion(f"action {name}")}
            path = f"/v2.1/servers/{NOTHING}/action"
            status = (await everybody("POST", path, cloud=caller, json={name: {}}, headers=headers)).status_code
            if (status == 403) == allows(action.policy, effective_roles(roles)):
                wrong.append(f"{name}, policy {action.policy}: {status} for {caller}")
    assert wrong == []


def about_servers(routes: Iterable[tuple[str, Route]]) -> list[Route]:
    return [route for prefix, route in routes if prefix == "" and route.template.startswith("/v2.1/servers/{")]


async def test_what_is_another_projects_is_not_there(everybody: Api) -> None:
    await everybody.add_host()
    server_id = await everybody.active()
    before = await everybody.position()
    wrong = []
    for route in about_servers(all_routes(everybody)):
        bodies: list[Any] = [None]
        if route.name == "POST /v2.1/servers/{id}/action":
            bodies = [{"os-stop": None}, {"reboot": {"type": "HARD"}}, {"os-getConsoleOutput": {}}]
        for body in bodies:
            status = await ask(everybody, "", route, "member", thing=server_id, body=body)
            if status not in {400, 403, 404} or (status == 400 and body is not None):
                wrong.append(f"{route.name} {body or ''}: {status}")
    assert wrong == []
    assert await everybody.position() == before
    assert (await everybody("GET", f"/v2.1/servers/{server_id}", cloud="member")).status_code == 404
    assert (await everybody("GET", f"/v2.1/servers/{server_id}", cloud="boss")).status_code == 200
    assert (await everybody.get("/v2.1/servers", cloud="member"))["servers"] == []
    ports = (await everybody.get("/network/v2.0/ports"))["ports"]
    assert ports
    assert (await everybody.get("/network/v2.0/ports", cloud="member"))["ports"] == []
    assert (await everybody("GET", f"/network/v2.0/ports/{ports[0]['id']}", cloud="member")).status_code == 404


async def test_what_a_reader_may_not_change_stays(everybody: Api) -> None:
    await everybody.add_host()
    server_id = await everybody.active()
    project = (await everybody.get("/identity/v3/auth/projects"))["projects"][0]
    user = await make_user(everybody, "guest")
    await grant(everybody, project["id"], user["id"], "reader")
    answer = await everybody.log_in_as("guest", user="guest", password=PASSWORD, project="demo")
    assert answer.status_code == 201
    assert (await everybody.get(f"/v2.1/servers/{server_id}", cloud="guest"))["server"]["id"] == server_id
    before = await everybody.position()
    statuses = await asyncio.gather(
        everybody("DELETE", f"/v2.1/servers/{server_id}", cloud="guest"),
        everybody("POST", f"/v2.1/servers/{server_id}/action", cloud="guest", json={"os-stop": None}),
        everybody("POST", "/v2.1/servers", cloud="guest", json=await everybody.server_body()),
        everybody("POST", "/v2.1/os-keypairs", cloud="guest", json={"keypair": {"name": "k"}}),
        everybody("POST", "/image/v2/images", cloud="guest", json={"name": "x"}),
    )
    assert {answer.status_code for answer in statuses} == {403}
    assert await everybody.position() == before


async def test_a_project_in_the_path_must_be_that_of_the_token(everybody: Api) -> None:
    lab = await make_project(everybody, "lab")
    for caller in ("member", ADMIN):
        answer = await everybody("GET", f"/v2.1/{lab['id']}/servers", cloud=caller)
        assert answer.status_code == 400
