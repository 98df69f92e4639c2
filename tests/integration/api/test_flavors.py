"""Flavors as operators change them: descriptions, extra specs, access."""

from typing import Any

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

FIRST = {"OpenStack-API-Version": "compute 2.1"}


async def make(api: Api, **fields: Any) -> Any:
    body = {"name": "nano", "id": "m1.nano", "ram": 128, "vcpus": 1, "disk": 1, **fields}
    answer = await api("POST", "/v2.1/flavors", json={"flavor": body}, cloud=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()["flavor"]


async def test_ids_may_have_dots_and_blanks_and_can_be_used_again(api: Api) -> None:
    made = await make(api, rxtx_factor=2.5)
    assert (made["id"], made["rxtx_factor"], made["OS-FLV-DISABLED:disabled"]) == ("m1.nano", 2.5, False)
    assert (await api.get("/v2.1/flavors/m1.nano"))["flavor"] == made
    server_id = await api.create(flavorRef="m1.nano")
    assert (await api.get(f"/v2.1/servers/{server_id}", headers=FIRST))["server"]["flavor"]["id"] == "m1.nano"
    assert (await api("DELETE", "/v2.1/flavors/m1.nano", cloud=ADMIN)).status_code == 202
    again = await make(api, ram=256)
    assert (again["ram"], again["rxtx_factor"]) == (256, 1.0)
    assert (await api.get("/v2.1/flavors/m1.nano"))["flavor"] == again


async def test_a_description_is_changed_from_2_55_on(api: Api) -> None:
    await make(api)
    body = {"flavor": {"description": "For small things"}}
    changed = await api("PUT", "/v2.1/flavors/m1.nano", json=body, cloud=ADMIN)
    assert changed.json()["flavor"]["description"] == "For small things"
    assert (await api.get("/v2.1/flavors/m1.nano"))["flavor"] == changed.json()["flavor"]
    assert (await api("PUT", "/v2.1/flavors/m1.nano", json=body)).status_code == 403
    assert (await api("PUT", "/v2.1/flavors/none", json=body, cloud=ADMIN)).status_code == 404
    wrong = {"flavor": {"name": "other"}}
    assert (await api("PUT", "/v2.1/flavors/m1.nano", json=wrong, cloud=ADMIN)).status_code == 400
    assert (await api("PUT", "/v2.1/flavors/m1.nano", json=body, cloud=ADMIN, headers=FIRST)).status_code == 404


async def test_a_private_flavor_is_seen_and_used_by_those_who_were_granted_it(api: Api) -> None:
    await make(api, **{"os-flavor-access:is_public": False})
    token = await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens["chronova"]})
    project_id = token["token"]["project"]["id"]
    path, add = "/v2.1/flavors/m1.nano/action", {"addTenantAccess": {"tenant": project_id}}
    assert (await api("GET", "/v2.1/flavors/m1.nano")).status_code == 404
    assert (await api("POST", "/v2.1/servers", json=await api.server_body(flavorRef="m1.nano"))).status_code == 400
    assert (await api("POST", path, json=add)).status_code == 403
    access = {"flavor_access": [{"flavor_id": "m1.nano", "tenant_id": project_id}]}
    assert (await api("POST", path, json=add, cloud=ADMIN)).json() == access
    assert (await api("POST", path, json=add, cloud=ADMIN)).status_code == 409
    assert await api.get("/v2.1/flavors/m1.nano/os-flavor-access", cloud=ADMIN) == access
    assert "m1.nano" in [flavor["id"] for flavor in (await api.get("/v2.1/flavors"))["flavors"]]
    await api.create(flavorRef="m1.nano")
    remove = {"removeTenantAccess": {"tenant": project_id}}
    assert (await api("POST", path, json=remove, cloud=ADMIN)).json() == {"flavor_access": []}
    assert (await api("POST", path, json=remove, cloud=ADMIN)).status_code == 404
    assert (await api("GET", "/v2.1/flavors/m1.nano")).status_code == 404


async def test_wrong_changes_of_access_are_refused(api: Api) -> None:
    token = await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens["chronova"]})
    tenant = {"tenant": token["token"]["project"]["id"]}
    cases: list[tuple[Any, int]] = [
        ({"addTenantAccess": tenant}, 409),  # flavor 1 is public
        ({"addTenantAccess": {"tenant": "none"}}, 400),
        ({"addTenantAccess": {}}, 400),
        ({"fly": tenant}, 400),
        ([], 400),
    ]
    before = await api.position()
    for body, status in cases:
        assert (await api("POST", "/v2.1/flavors/1/action", json=body, cloud=ADMIN)).status_code == status, body
    assert (await api("GET", "/v2.1/flavors/1/os-flavor-access", cloud=ADMIN)).status_code == 404
    assert await api.position() == before


async def test_extra_specs_are_added_changed_and_removed(api: Api) -> None:
    path = "/v2.1/flavors/1/os-extra_specs"
    body = {"extra_specs": {"hw:cpu_policy": "shared", "own:level": 3}}
    added = await api("POST", path, json=body, cloud=ADMIN)
    assert (added.status_code, added.json()) == (200, body)
    assert (await api.get(path))["extra_specs"] == {"hw:cpu_policy": "shared", "own:level": "3"}
    assert (await api.get("/v2.1/flavors/1"))["flavor"]["extra_specs"]["own:level"] == "3"
    changed = await api("PUT", f"{path}/own:level", json={"own:level": "4"}, cloud=ADMIN)
    assert changed.json() == {"own:level": "4"}
    assert await api.get(f"{path}/own:level") == {"own:level": "4"}
    assert (await api("DELETE", f"{path}/own:level", cloud=ADMIN)).status_code == 200
    assert (await api("GET", f"{path}/own:level")).status_code == 404
    missing = await api("DELETE", f"{path}/own:level", cloud=ADMIN)
    assert missing.json()["itemNotFound"]["message"] == "Flavor 1 has no extra specs with key own:level."


async def test_wrong_extra_specs_are_refused(api: Api) -> None:
    path = "/v2.1/flavors/1/os-extra_specs"
    cases: list[tuple[str, str, Any, int]] = [
        ("POST", path, {"extra_specs": {"a/b": "1"}}, 400),
        ("POST", path, {"extra_specs": {"a": ["1"]}}, 400),
        ("POST", path, {"extra_specs": {"hw:cpu_policy": "sometimes"}}, 400),
        ("POST", path, {"extra_specs": {"resources:VCPU": "many"}}, 400),
        ("PUT", f"{path}/a", {"b": "1"}, 400),
        ("PUT", f"{path}/a", {"a": "1", "b": "1"}, 400),
        ("POST", "/v2.1/flavors/none/os-extra_specs", {"extra_specs": {}}, 404),
    ]
    before = await api.position()
    for method, where, body, status in cases:
        assert (await api(method, where, json=body, cloud=ADMIN)).status_code == status, body
    for method, where in (("POST", path), ("PUT", f"{path}/a"), ("DELETE", f"{path}/a")):
        body = {"extra_specs": {}} if method == "POST" else {"a": "1"}
        assert (await api(method, where, json=body)).status_code == 403
    assert await api.position() == before
    older = await api("POST", path, json={"extra_specs": {"hw:cpu_policy": "sometimes"}}, cloud=ADMIN, headers=FIRST)
    assert older.status_code == 200
