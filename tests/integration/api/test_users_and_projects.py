"""Users, projects and roles, made and changed through the API: each change is an event, and is seen at once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.identity.name import Name, name_id, take_name
from domain.identity.project import Project
from journal.envelope import Author
from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import Api
from tests.integration.api.people import (
    IDENTITY,
    PASSWORD,
    grant,
    grant_path,
    make_member,
    make_project,
    make_user,
    role_id,
)


async def test_a_new_project_is_shown_and_listed(api: Api) -> None:
    made = await make_project(api, "lab", description="Where things are tried")
    assert made["enabled"] is True
    assert made["description"] == "Where things are tried"
    assert made["domain_id"] == made["parent_id"] == "default"
    assert (await api.get(f"{IDENTITY}/projects/{made['id']}", cloud=ADMIN))["project"] == made
    assert (await api.get(f"{IDENTITY}/projects?name=lab", cloud=ADMIN))["projects"] == [made]


async def test_a_new_user_with_a_role_logs_in_and_acts(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    token = (await api.get(f"{IDENTITY}/auth/tokens", cloud="ann", headers={"X-Subject-Token": api.tokens["ann"]}))[
        "token"
    ]
    assert token["user"]["id"] == user_id
    assert token["project"]["id"] == project_id
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    assert (await api.get("/v2.1/servers", cloud="ann"))["servers"] == []


async def test_what_is_said_of_a_user_is_shown(api: Api) -> None:
    made = await make_user(api, "ann", email="ann@example.org", description="Tries things", enabled=False)
    assert (made["email"], made["description"], made["enabled"]) == ("ann@example.org", "Tries things", False)
    assert (await api.get(f"{IDENTITY}/users?name=ann", cloud=ADMIN))["users"] == [made]
    changed = await api("PATCH", f"{IDENTITY}/users/{made['id']}", cloud=ADMIN, json={"user": {"email": None}})
    assert changed.status_code == 200
    assert "email" not in changed.json()["user"]
    assert [user["name"] for user in (await api.get(f"{IDENTITY}/users?enabled=false", cloud=ADMIN))["users"]] == [
        "ann"
    ]


@pytest.mark.parametrize("kind", ["project", "user"])
async def test_a_name_is_given_once(api: Api, kind: str) -> None:
    path, body = f"{IDENTITY}/{kind}s", {kind: {"name": "ann"}}
    first = await api("POST", path, cloud=ADMIN, json=body)
    again = await api("POST", path, cloud=ADMIN, json=body)
    assert (first.status_code, again.status_code) == (201, 409)
    assert again.json()["error"]["title"] == "Conflict"
    assert "ann" in again.json()["error"]["message"]
    other = await api("POST", path, cloud=ADMIN, json={kind: {"name": "bob"}})
    renamed = await api("PATCH", f"{path}/{other.json()[kind]['id']}", cloud=ADMIN, json=body)
    assert renamed.status_code == 409
    assert (await api("DELETE", f"{path}/{first.json()[kind]['id']}", cloud=ADMIN)).status_code == 204
    assert (await api("POST", path, cloud=ADMIN, json=body)).status_code == 201


@pytest.mark.parametrize("kind", ["project", "user"])
async def test_of_many_who_ask_for_a_name_at_once_one_gets_it(api: Api, kind: str) -> None:
    asked = [api("POST", f"{IDENTITY}/{kind}s", cloud=ADMIN, json={kind: {"name": "ann"}}) for _ in range(12)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert statuses == [201] + [409] * 11
    assert len((await api.get(f"{IDENTITY}/{kind}s?name=ann", cloud=ADMIN))[f"{kind}s"]) == 1


async def test_the_first_users_and_projects_have_their_names_too(api: Api) -> None:
    for kind in ("project", "user"):
        again = await api("POST", f"{IDENTITY}/{kind}s", cloud=ADMIN, json={kind: {"name": "demo"}})
        assert again.status_code == 409


async def test_a_rename_frees_the_name_before(api: Api) -> None:
    made = await make_project(api, "lab")
    renamed = await api("PATCH", f"{IDENTITY}/projects/{made['id']}", cloud=ADMIN, json={"project": {"name": "works"}})
    assert renamed.json()["project"] == {**made, "name": "works"}
    await make_project(api, "lab")


async def test_a_name_whose_holder_never_came_to_be_is_free_again_after_a_minute(api: Api) -> None:
    author = Author("user:somebody", "chronova/api")
    await api.running.plane.repository.create(take_name("project", "lab", holder="never-was", at=api.clock()), author)
    body = {"project": {"name": "lab"}}
    assert (await api("POST", f"{IDENTITY}/projects", cloud=ADMIN, json=body)).status_code == 409  # it may be under way
    api.clock.ahead = timedelta(seconds=61)
    made = await make_project(api, "lab")
    held = await api.running.plane.repository.load(Name, name_id("project", "lab"), fresh=True)
    assert held.aggregate.holder == made["id"]


async def test_roles_are_granted_checked_listed_and_taken_away(api: Api) -> None:
    project, user = await make_project(api, "lab"), await make_user(api, "ann")
    path = await grant_path(api, project["id"], user["id"], "member")
    assert (await api("HEAD", path, cloud=ADMIN)).status_code == 404
    for _ in range(2):  # to grant again is no error
        assert (await api("PUT", path, cloud=ADMIN)).status_code == 204
    assert (await api("HEAD", path, cloud=ADMIN)).status_code == 204
    assert (await api("GET", path, cloud=ADMIN)).status_code == 204
    listed = await api.get(f"{IDENTITY}/projects/{project['id']}/users/{user['id']}/roles", cloud=ADMIN)
    assert [role["name"] for role in listed["roles"]] == ["member"]
    assigned = await api.get(f"{IDENTITY}/role_assignments?user.id={user['id']}&include_names", cloud=ADMIN)
    assert [one["role"]["name"] for one in assigned["role_assignments"]] == ["member"]
    assert (await api("DELETE", path, cloud=ADMIN)).status_code == 204
    assert (await api("DELETE", path, cloud=ADMIN)).status_code == 404
    assert (await api.get(f"{IDENTITY}/role_assignments?user.id={user['id']}", cloud=ADMIN))["role_assignments"] == []


async def test_a_grant_names_a_user_a_project_and_a_role_that_there_are(api: Api) -> None:
    project, user, role = await make_project(api, "lab"), await make_user(api, "ann"), await role_id(api, "member")
    for parts in (("none", user["id"], role), (project["id"], "none", role), (project["id"], user["id"], "none")):
        path = "{}/projects/{}/users/{}/roles/{}".format(IDENTITY, *parts)
        answer = await api("PUT", path, cloud=ADMIN)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)
        assert "none" in answer.json()["error"]["message"]


async def test_the_roles_that_services_and_their_tests_expect_are_there(api: Api) -> None:
    found = (await api.get(f"{IDENTITY}/roles", cloud=ADMIN))["roles"]
    assert {role["name"] for role in found} == {"admin", "manager", "member", "reader", "service"}
    refused = await api("POST", f"{IDENTITY}/roles", cloud=ADMIN, json={"role": {"name": "x"}})
    assert refused.status_code == 501


async def test_members_may_change_nothing_here(api: Api) -> None:
    user, project = await make_user(api, "ann"), await make_project(api, "lab")
    path = await grant_path(api, project["id"], user["id"], "member")
    before = await api.position()
    asked: list[tuple[str, str, Any]] = [
        ("POST", f"{IDENTITY}/projects", {"project": {"name": "mine"}}),
        ("PATCH", f"{IDENTITY}/projects/{project['id']}", {"project": {"name": "mine"}}),
        ("DELETE", f"{IDENTITY}/projects/{project['id']}", None),
        ("POST", f"{IDENTITY}/users", {"user": {"name": "mine"}}),
        ("PATCH", f"{IDENTITY}/users/{user['id']}", {"user": {"password": "mine"}}),
        ("DELETE", f"{IDENTITY}/users/{user['id']}", None),
        ("PUT", path, None),
        ("DELETE", path, None),
    ]
    for method, where, body in asked:
        answer = await api(method, where, json=body)
        assert (answer.status_code, answer.json()["error"]["title"]) == (403, "Forbidden"), (method, where)
    assert await api.position() == before


async def test_a_deleted_user_or_project_is_not_found(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    for kind, which in (("projects", project_id), ("users", user_id)):
        path = f"{IDENTITY}/{kind}/{which}"
        assert (await api("DELETE", path, cloud=ADMIN)).status_code == 204
        for method in ("GET", "DELETE"):
            gone = await api(method, path, cloud=ADMIN)
            assert (gone.status_code, gone.json()["error"]["title"]) == (404, "Not Found")
    assert (await api.get(f"{IDENTITY}/role_assignments", cloud=ADMIN))["role_assignments"] != []
    assert not [
        one
        for one in (await api.get(f"{IDENTITY}/role_assignments", cloud=ADMIN))["role_assignments"]
        if one["user"]["id"] == user_id
    ]
    assert await api.running.plane.repository.history(Name, name_id("user", "ann"))
    assert await api.dependencies.secrets.get(f"user.{user_id}") is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("projects", {}),
        ("projects", {"project": {}}),
        ("projects", {"project": {"name": ""}}),
        ("projects", {"project": {"name": " "}}),
        ("projects", {"project": {"name": "x" * 65}}),
        ("projects", {"project": {"name": "x", "enabled": "yes"}}),
        ("projects", {"project": {"name": "x", "is_domain": True}}),
        ("projects", {"project": {"name": "x", "parent_id": "another"}}),
        ("users", {"user": {"password": "x"}}),
        ("users", {"user": {"name": "x", "password": ""}}),
        ("users", {"user": {"name": "x", "password": 5}}),
        ("users", {"user": {"name": "x", "options": {"lock_password": True}}}),
    ],
)
async def test_what_makes_no_sense_is_400(api: Api, path: str, body: Any) -> None:
    before = await api.position()
    answer = await api("POST", f"{IDENTITY}/{path}", cloud=ADMIN, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)
    assert await api.position() == before


async def test_there_is_one_domain(api: Api) -> None:
    assert [domain["id"] for domain in (await api.get(f"{IDENTITY}/domains?name=Default"))["domains"]] == ["default"]
    assert (await api.get(f"{IDENTITY}/domains/default"))["domain"]["name"] == "Default"
    elsewhere = {"user": {"name": "ann", "domain_id": "another"}}
    assert (await api("POST", f"{IDENTITY}/users", cloud=ADMIN, json=elsewhere)).status_code == 404
    assert (await api.get(f"{IDENTITY}/users?domain_id=another", cloud=ADMIN))["users"] == []


async def test_an_own_password_is_changed_with_the_one_before(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    path = f"{IDENTITY}/users/{user_id}/password"
    wrong = await api("POST", path, cloud="ann", json={"user": {"original_password": "x", "password": "new"}})
    assert wrong.status_code == 401
    others = await api("POST", path, json={"user": {"original_password": PASSWORD, "password": "new"}})
    assert others.status_code == 403
    changed = await api("POST", path, cloud="ann", json={"user": {"original_password": PASSWORD, "password": "new"}})
    assert (changed.status_code, changed.content) == (204, b"")
    assert (await api.log_in_as("ann", user="ann", password=PASSWORD, project="ann")).status_code == 401
    assert (await api.log_in_as("ann", user="ann", password="new", project="ann")).status_code == 201  # noqa: S106


async def test_a_user_without_a_password_cannot_log_in(api: Api) -> None:
    await make_user(api, "ann", password=None)
    for password in ("", "None", "null"):
        assert (await api.log_in_as("ann", user="ann", password=password, project=None)).status_code == 401


async def test_no_password_and_no_hash_is_in_the_log(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    await api("PATCH", f"{IDENTITY}/users/{user_id}", cloud=ADMIN, json={"user": {"password": PASSWORD + "!"}})
    await grant(api, project_id, user_id, "reader")
    root = api.settings.log.directory / "jetstream"
    everything = {str(path): path.read_bytes() for path in root.rglob("*.blk")}
    assert not [path for path, content in everything.items() if PASSWORD.encode() in content]
    assert not [path for path, content in everything.items() if b"argon2" in content and "KV_SECRETS" not in path]
    kept = await api.dependencies.secrets.get(f"user.{user_id}")
    assert kept is not None
    assert kept.startswith(b"$argon2id$v=19$m=65536,t=3,p=4$")


async def test_administrators_see_who_changed_what(api: Api) -> None:
    made = await make_project(api, "lab")
    (event,) = await api.running.plane.repository.history(Project, made["id"])
    admin = (await api.get(f"{IDENTITY}/users?name=admin", cloud=ADMIN))["users"][0]
    assert event.actor == f"user:{admin['id']}"
    assert event.request_id.startswith("req-")


async def test_own_projects_are_listed_when_they_can_be_used(api: Api) -> None:
    user_id, first = await make_member(api, "ann", "reader")
    second = await make_project(api, "second", enabled=False)
    await grant(api, second["id"], user_id, "member")
    usable = (await api.get(f"{IDENTITY}/auth/projects", cloud="ann"))["projects"]
    assert [project["id"] for project in usable] == [first]
    all_of_them = (await api.get(f"{IDENTITY}/users/{user_id}/projects", cloud="ann"))["projects"]
    assert {project["id"] for project in all_of_them} == {first, second["id"]}
    assert (await api.get("/v2.1/servers", cloud=DEMO))["servers"] == []
