"""Identity: tokens for passwords, and what they open."""

from datetime import timedelta
from typing import Any

from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import BASE, Api, password_auth

UNAUTHORIZED = {
    "error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
}


async def test_a_password_is_good_for_a_token_with_roles_and_a_catalog(api: Api) -> None:
    answer = await api.http.post("/identity/v3/auth/tokens", json=password_auth("admin", api.password(ADMIN), "admin"))
    assert answer.status_code == 201
    assert answer.headers["X-Subject-Token"]
    token = answer.json()["token"]
    assert token["user"]["name"] == "admin"
    assert token["user"]["domain"] == {"id": "default", "name": "Default"}
    assert token["project"]["name"] == "admin"
    assert [role["name"] for role in token["roles"]] == ["admin", "manager", "member", "reader"]
    found = {entry["type"]: (entry["name"], entry["endpoints"][0]["url"]) for entry in token["catalog"]}
    assert found == {
        "compute": ("nova", f"{BASE}/v2.1"),
        "identity": ("keystone", f"{BASE}/identity"),
        "image": ("glance", f"{BASE}/image"),
        "network": ("neutron", f"{BASE}/network"),
    }
    assert {endpoint["interface"] for endpoint in token["catalog"][0]["endpoints"]} == {"public", "internal", "admin"}


async def test_a_wrong_password_and_an_unknown_user_are_answered_alike(api: Api) -> None:
    for user, password in (("demo", "wrong"), ("nobody", "wrong"), ("demo", "")):
        answer = await api.http.post("/identity/v3/auth/tokens", json=password_auth(user, password, "demo"))
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{BASE}/identity"'


async def test_a_project_without_a_role_in_it_is_refused_like_one_that_there_is_not(api: Api) -> None:
    for project in ("admin", "nowhere"):
        body = password_auth("demo", api.password(DEMO), project)
        answer = await api.http.post("/identity/v3/auth/tokens", json=body)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


async def test_users_and_projects_can_be_named_by_their_ids(api: Api) -> None:
    token = (await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]}))["token"]
    body = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"id": token["user"]["id"], "password": api.password(DEMO)}},
            },
            "scope": {"project": {"id": token["project"]["id"]}},
        }
    }
    answer = await api.http.post("/identity/v3/auth/tokens", json=body)
    assert answer.status_code == 201
    assert answer.json()["token"]["project"] == token["project"]


async def test_an_unscoped_token_lists_projects_is_good_for_a_scoped_one_and_for_nothing_else(api: Api) -> None:
    unscoped = await api.http.post("/identity/v3/auth/tokens", json=password_auth("demo", api.password(DEMO), None))
    assert unscoped.status_code == 201
    assert "catalog" not in unscoped.json()["token"]
    headers = {"X-Auth-Token": unscoped.headers["X-Subject-Token"]}
    projects = (await api.http.get("/identity/v3/auth/projects", headers=headers)).json()["projects"]
    assert [project["name"] for project in projects] == ["demo"]
    assert (await api.http.get("/v2.1/servers", headers=headers)).status_code == 403
    by_token = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": headers["X-Auth-Token"]}},
            "scope": {"project": {"id": projects[0]["id"]}},
        }
    }
    scoped = await api.http.post("/identity/v3/auth/tokens", json=by_token)
    assert scoped.status_code == 201
    assert scoped.json()["token"]["expires_at"] == unscoped.json()["token"]["expires_at"]
    headers = {"X-Auth-Token": scoped.headers["X-Subject-Token"]}
    assert (await api.http.get("/v2.1/servers", headers=headers)).status_code == 200


async def test_a_token_is_shown_and_a_bad_one_is_not_found(api: Api) -> None:
    shown = await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]})
    assert shown["token"]["user"]["name"] == "demo"
    wrong = await api("GET", "/identity/v3/auth/tokens", headers={"X-Subject-Token": "x"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, 404)


async def test_a_token_ends_after_twelve_hours(api: Api) -> None:
    api.clock.ahead = timedelta(hours=12, seconds=1)
    for path in ("/v2.1/servers", "/image/v2/images", "/network/v2.0/networks", "/identity/v3/auth/catalog"):
        answer = await api("GET", path)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED), path
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{BASE}/identity"'


async def test_a_body_that_is_wrong_is_400(api: Api) -> None:
    bodies: list[Any] = [
        {},
        {"auth": {}},
        {"auth": {"identity": {}}},
        {"auth": {"identity": {"methods": "password"}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": 5}}}}},
        [],
    ]
    for body in bodies:
        answer = await api.http.post("/identity/v3/auth/tokens", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400), body


async def test_members_see_themselves_and_administrators_everybody(api: Api) -> None:
    for path in ("users", "projects", "role_assignments"):
        assert (await api("GET", f"/identity/v3/{path}")).status_code == 403
        assert len((await api.get(f"/identity/v3/{path}", cloud=ADMIN))[path]) == 2
    users = {user["name"]: user["id"] for user in (await api.get("/identity/v3/users", cloud=ADMIN))["users"]}
    assert (await api.get(f"/identity/v3/users/{users['demo']}"))["user"]["name"] == "demo"
    assert (await api("GET", f"/identity/v3/users/{users['admin']}")).status_code == 403
    assert (await api("GET", f"/identity/v3/users/{users['admin']}/projects")).status_code == 403
    assert (await api("GET", "/identity/v3/users/nobody", cloud=ADMIN)).status_code == 404


async def test_projects_are_found_by_name(api: Api) -> None:
    found = (await api.get("/identity/v3/projects?name=demo", cloud=ADMIN))["projects"]
    assert [project["name"] for project in found] == ["demo"]
    assert (await api.get("/identity/v3/projects?name=none", cloud=ADMIN))["projects"] == []
    assert (await api.get(f"/identity/v3/projects/{found[0]['id']}"))["project"]["name"] == "demo"


async def test_version_documents_need_no_token(api: Api) -> None:
    for path in ("/identity", "/identity/"):
        versions = await api.http.get(path)
        assert versions.status_code == 300
        assert versions.json()["versions"]["values"][0]["id"] == "v3.14"
    version = await api.http.get("/identity/v3")
    assert (version.status_code, version.json()["version"]["status"]) == (200, "stable")
