"""Flavors and key pairs."""

import re
from typing import Any

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO8nDPHw"
    "0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw== me@here"
)
FINGERPRINT = "1e:2c:9b:56:79:4b:45:77:f9:ca:7a:98:2c:b0:d5:3c"
FIRST = {"OpenStack-API-Version": "compute 2.1"}


async def test_flavors_are_listed_and_shown(api: Api) -> None:
    assert [flavor["name"] for flavor in (await api.get("/v2.1/flavors"))["flavors"]] == ["tiny", "small", "medium"]
    shown = (await api.get("/v2.1/flavors/1"))["flavor"]
    assert (shown["name"], shown["ram"], shown["swap"], shown["extra_specs"]) == ("tiny", 128, 0, {})
    older = (await api.get("/v2.1/flavors/1", headers=FIRST))["flavor"]
    assert older["swap"] == ""
    assert not {"description", "extra_specs"} & set(older)
    missing = await api("GET", "/v2.1/flavors/none")
    assert missing.json()["itemNotFound"]["message"] == "Flavor none could not be found."


async def test_flavors_are_filtered_sorted_and_cut_into_pages(api: Api) -> None:
    async def names(query: str) -> list[str]:
        return [flavor["name"] for flavor in (await api.get(f"/v2.1/flavors/detail?{query}"))["flavors"]]

    assert await names("minRam=512") == ["small", "medium"]
    assert await names("minDisk=6") == ["medium"]
    assert await names("sort_key=name&sort_dir=desc") == ["tiny", "small", "medium"]
    assert await names("limit=1&marker=1") == ["small"]
    assert (await api("GET", "/v2.1/flavors?marker=none")).status_code == 400


async def test_administrators_make_and_delete_flavors(api: Api) -> None:
    body = {
        "flavor": {
            "name": "nano",
            "id": "nano",
            "ram": "64",
            "vcpus": 1,
            "disk": 0,
            "os-flavor-access:is_public": False,
        }
    }
    assert (await api("POST", "/v2.1/flavors", json=body)).status_code == 403
    made = await api("POST", "/v2.1/flavors", json=body, cloud=ADMIN)
    assert (made.status_code, made.json()["flavor"]["ram"]) == (200, 64)
    assert (await api("POST", "/v2.1/flavors", json=body, cloud=ADMIN)).status_code == 409
    again = {"flavor": {**body["flavor"], "name": "other"}}
    taken = await api("POST", "/v2.1/flavors", json=again, cloud=ADMIN)
    assert taken.json()["conflictingRequest"]["message"] == "Flavor with ID nano already exists."
    assert (await api("GET", "/v2.1/flavors/nano")).status_code == 404
    assert (await api.get("/v2.1/flavors?is_public=None", cloud=ADMIN))["flavors"][-1]["id"] == "nano"
    assert (await api("DELETE", "/v2.1/flavors/nano", cloud=ADMIN)).status_code == 202
    assert (await api("GET", "/v2.1/flavors/nano", cloud=ADMIN)).status_code == 404
    for wrong in ({**body["flavor"], "ram": 0}, {**body["flavor"], "id": "a/b"}, {"name": "x"}):
        assert (await api("POST", "/v2.1/flavors", json={"flavor": wrong}, cloud=ADMIN)).status_code == 400


async def test_a_key_is_imported_shown_used_and_deleted(api: Api) -> None:
    body = {"keypair": {"name": "mine", "public_key": KEY}}
    made = await api("POST", "/v2.1/os-keypairs", json=body)
    assert made.status_code == 201
    assert made.json()["keypair"]["fingerprint"] == FINGERPRINT
    assert "private_key" not in made.json()["keypair"]
    twice = await api("POST", "/v2.1/os-keypairs", json=body)
    assert twice.json()["conflictingRequest"]["message"] == "Key pair 'mine' already exists."
    assert (await api.get("/v2.1/os-keypairs/mine"))["keypair"]["public_key"] == KEY
    server_id = await api.create(key_name="mine")
    assert (await api.get(f"/v2.1/servers/{server_id}"))["server"]["key_name"] == "mine"
    assert (await api("DELETE", "/v2.1/os-keypairs/mine")).status_code == 204
    assert (await api("GET", "/v2.1/os-keypairs/mine")).status_code == 404
    assert (await api("POST", "/v2.1/os-keypairs", json=body)).status_code == 201  # the name is free again


async def test_key_pairs_belong_to_their_user(api: Api) -> None:
    await api("POST", "/v2.1/os-keypairs", json={"keypair": {"name": "mine", "public_key": KEY}})
    user_id = (await api.get("/v2.1/os-keypairs/mine"))["keypair"]["user_id"]
    assert (await api.get("/v2.1/os-keypairs", cloud=ADMIN))["keypairs"] == []
    (found,) = (await api.get(f"/v2.1/os-keypairs?user_id={user_id}", cloud=ADMIN))["keypairs"]
    assert found["keypair"]["name"] == "mine"
    assert (await api("GET", "/v2.1/os-keypairs?user_id=other")).status_code == 403


async def test_a_key_is_generated_before_2_92_and_its_private_half_is_nowhere_else(api: Api) -> None:
    body = {"keypair": {"name": "made"}}
    made = await api("POST", "/v2.1/os-keypairs", json=body, headers=FIRST)
    assert made.status_code == 200
    assert made.json()["keypair"]["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert "private_key" not in (await api.get("/v2.1/os-keypairs/made"))["keypair"]
    refused = await api("POST", "/v2.1/os-keypairs", json=body)
    assert "'public_key' is a required property" in refused.json()["badRequest"]["message"]


async def test_wrong_keys_are_refused(api: Api) -> None:
    cases: list[dict[str, Any]] = [
        {"name": "a", "public_key": "no key"},
        {"name": "a/b", "public_key": KEY},
        {"name": "", "public_key": KEY},
        {"public_key": KEY},
    ]
    before = await api.position()
    for pair in cases:
        assert (await api("POST", "/v2.1/os-keypairs", json={"keypair": pair})).status_code == 400, pair
    assert await api.position() == before


async def test_a_certificate_is_made_or_imported_as_a_key_pair_of_type_x509(api: Api) -> None:
    body = {"keypair": {"name": "made", "type": "x509"}}
    at_2_2 = {"OpenStack-API-Version": "compute 2.2"}
    made = (await api("POST", "/v2.1/os-keypairs", json=body, headers=at_2_2)).json()["keypair"]
    assert made["public_key"].startswith("-----BEGIN CERTIFICATE-----")
    assert made["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert re.fullmatch("([0-9a-f]{2}:){19}[0-9a-f]{2}", made["fingerprint"])
    again = {"keypair": {"name": "again", "type": "x509", "public_key": made["public_key"]}}
    imported = (await api("POST", "/v2.1/os-keypairs", json=again)).json()["keypair"]
    assert (imported["fingerprint"], imported["type"]) == (made["fingerprint"], "x509")
    wrong = {"keypair": {"name": "wrong", "type": "x509", "public_key": KEY}}
    assert (await api("POST", "/v2.1/os-keypairs", json=wrong)).status_code == 400
    refused = await api("POST", "/v2.1/servers", json=await api.server_body(key_name="made"))
    assert refused.status_code == 501


async def test_a_user_has_no_more_key_pairs_than_the_quota_allows(api: Api) -> None:
    limits = {"quota_class_set": {"key_pairs": 1}}
    assert (await api("PUT", "/v2.1/os-quota-class-sets/default", json=limits, cloud=ADMIN)).status_code == 200
    assert (
        await api("POST", "/v2.1/os-keypairs", json={"keypair": {"name": "a", "public_key": KEY}})
    ).status_code == 201
    refused = await api("POST", "/v2.1/os-keypairs", json={"keypair": {"name": "b", "public_key": KEY}})
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == "Quota exceeded, too many key pairs."
