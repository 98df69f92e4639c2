"""POST /servers: from a request to its event, and nothing at all when anything is wrong."""

import base64
import hashlib
from typing import Any

from domain.image.image import create_image
from domain.instance.instance import Instance
from domain.network.network import create_network
from services.cli.clouds import ADMIN, DEMO
from services.cli.seed import AUTHOR as FIRST_START
from tests.integration.api.conftest import BASE, Api
from tests.integration.conftest import eventually

NOWHERE = "8e5bb1c0-0000-4000-8000-000000000000"
USER_DATA = base64.b64encode(b"#!/bin/sh\necho a secret\n").decode()


async def test_a_request_is_accepted_and_says_where_the_server_is(api: Api) -> None:
    answer = await api("POST", "/v2.1/servers", json=await api.server_body())
    assert answer.status_code == 202
    server = answer.json()["server"]
    assert set(server) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert server["security_groups"] == [{"name": "default"}]
    assert len(server["adminPass"]) == 12
    assert answer.headers["Location"] == f"{BASE}/v2.1/servers/{server['id']}"
    assert int(answer.headers["X-Event-Position"]) == await api.position()
    shown = (await api.get(f"/v2.1/servers/{server['id']}"))["server"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("BUILD", "scheduling")


async def test_the_event_holds_all_that_was_asked_for_and_who_asked(api: Api) -> None:
    network_id = await api.network_id()
    answer = await api(
        "POST",
        "/v2.1/servers",
        json=await api.server_body(
            name="Web 1",
            metadata={"a": "b"},
            description="d",
            networks=[{"uuid": network_id, "fixed_ip": "10.128.0.9"}],
        ),
    )
    server_id = answer.json()["server"]["id"]
    (recorded,) = await api.running.plane.repository.history(Instance, server_id)
    token = (await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]}))["token"]
    assert recorded.type == "chronova.instance.requested.v1"
    assert recorded.actor == f"user:{token['user']['id']}"
    assert recorded.source == "chronova/api"
    assert recorded.request_id == answer.headers["x-openstack-request-id"]
    parts = vars(recorded.event)
    assert parts["project_id"] == token["project"]["id"]
    assert (parts["name"], parts["hostname"], parts["description"]) == ("Web 1", "web-1", "d")
    assert parts["metadata"] == {"a": "b"}
    assert parts["networks"] == [{"network_id": network_id, "fixed_ip": "10.128.0.9"}]
    assert parts["flavor"]["name"] == "tiny"
    assert set(parts["image"]) == {"id", "name", "size", "checksum", "disk_format"}


async def test_secrets_are_kept_before_the_event_and_are_not_in_it(api: Api) -> None:
    body = await api.server_body(user_data=USER_DATA, adminPass="correct horse")
    answer = await api("POST", "/v2.1/servers", json=body)
    server_id = answer.json()["server"]["id"]
    assert answer.json()["server"]["adminPass"] == "correct horse"
    secrets = api.dependencies.secrets
    assert await secrets.get(f"instance.{server_id}.user_data") == USER_DATA.encode()
    assert await secrets.get(f"instance.{server_id}.admin_password") == b"correct horse"
    (recorded,) = await api.running.plane.repository.history(Instance, server_id)
    assert vars(recorded.event)["user_data_sha256"] == hashlib.sha256(USER_DATA.encode()).hexdigest()
    assert USER_DATA not in str(vars(recorded.event))
    assert "correct horse" not in str(vars(recorded.event))


async def test_nothing_is_recorded_when_anything_is_wrong(api: Api) -> None:
    await _announce_an_image_without_bytes(api)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"flavorRef": "nope"}, 400, "Flavor nope could not be found."),
        ({"imageRef": NOWHERE}, 400, "Can not find requested image"),
        ({"imageRef": WAITING}, 400, f"Image {WAITING} is not active."),
        ({"networks": [{"uuid": NOWHERE}]}, 400, f"Network {NOWHERE} could not be found."),
        ({"key_name": "none"}, 400, "Invalid key_name provided."),
        ({"bogus": 1}, 400, "Additional properties are not allowed ('bogus' was unexpected)"),
        ({"name": 5}, 400, "5 is not of type 'string'"),
        ({"user_data": "%"}, 400, "'%' is not a 'base64'"),
        ({"networks": [{"uuid": await api.network_id(), "fixed_ip": "192.0.2.1"}]}, 400, "not a valid address"),
        ({"availability_zone": "mars"}, 400, "The requested availability zone is not available"),
        ({"metadata": {str(number): "" for number in range(129)}}, 403, "Maximum number of metadata items"),
        ({"max_count": 1001}, 403, "Quota exceeded for instances"),
        ({"tags": ["a,b"]}, 400, "'a,b' does not match"),
        ({"tags": [str(number) for number in range(51)]}, 400, "is too long"),
        ({"accessIPv4": "2001:db8::1"}, 400, "'2001:db8::1' is not a 'ipv4'"),
        ({"hostname": "a b"}, 400, "'a b' does not match"),
        ({"host": "host-1"}, 403, "Policy doesn't allow os_compute_api:servers:create:forced_host"),
        ({"availability_zone": "nova:host-1"}, 403, "Policy doesn't allow os_compute_api:servers:create:forced_host"),
    ]
    before = await api.position()
    for fields, status, sentence in cases:
        answer = await api("POST", "/v2.1/servers", json=await api.server_body(**fields))
        (fault,) = answer.json().values()
        assert (answer.status_code, fault["code"]) == (status, status), fields
        assert sentence in fault["message"]
    assert await api.position() == before
    assert (await api.get("/v2.1/servers"))["servers"] == []


WAITING = "11111111-1111-4111-8111-111111111111"


async def _announce_an_image_without_bytes(api: Api) -> None:
    token = await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]})
    image = create_image(WAITING, project_id=token["token"]["project"]["id"], at=api.clock())
    saved = await api.running.plane.repository.create(image, FIRST_START)
    assert await api.applied.wait(saved.position)


async def test_several_servers_share_a_reservation_and_are_numbered(api: Api) -> None:
    body = await api.server_body(name="web", min_count=2, max_count=3, return_reservation_id=True)
    answer = await api("POST", "/v2.1/servers", json=body)
    assert answer.status_code == 202
    reservation = answer.json()["reservation_id"]
    position = {"X-Min-Position": answer.headers["X-Event-Position"]}
    found = (await api.get(f"/v2.1/servers/detail?reservation_id={reservation}", headers=position))["servers"]
    assert sorted(server["name"] for server in found) == ["web-1", "web-2", "web-3"]
    assert sorted(server["OS-EXT-SRV-ATTR:hostname"] for server in found) == ["web-1", "web-2", "web-3"]


async def test_networks_are_chosen_when_there_is_no_choice(api: Api) -> None:
    async def networks_of(**fields: Any) -> Any:
        server_id = await api.create(**fields)
        return (await api.running.plane.repository.load(Instance, server_id)).aggregate.networks

    private = {"network_id": await api.network_id()}
    assert await networks_of(networks="auto") == [private]
    assert await networks_of(networks="none") == []
    other = create_network(
        NOWHERE, project_id="p", name="b", cidr="10.9.0.0/24", subnet_id=WAITING, shared=True, at=api.clock()
    )
    saved = await api.running.plane.repository.create(other, FIRST_START)
    assert await api.applied.wait(saved.position)
    answer = await api("POST", "/v2.1/servers", json=await api.server_body(networks="auto"))
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == (
        "More than one possible network found. Specify network ID(s) to select which one(s) to connect to."
    )
    assert await networks_of(networks=[{"uuid": NOWHERE}]) == [{"network_id": NOWHERE}]


async def test_without_a_version_networks_may_be_left_out(api: Api) -> None:
    body = await api.server_body()
    del body["server"]["networks"]
    first = {"OpenStack-API-Version": "compute 2.1"}
    assert (await api("POST", "/v2.1/servers", json=body, headers=first)).status_code == 202
    refused = await api("POST", "/v2.1/servers", json=body)
    assert "'networks' is a required property" in refused.json()["badRequest"]["message"]


async def test_an_image_must_fit_into_the_flavor(api: Api) -> None:
    small = {"flavor": {"name": "nano", "id": "nano", "ram": 64, "vcpus": 1, "disk": 1}}
    assert (await api("POST", "/v2.1/flavors", json=small, cloud="chronova-admin")).status_code == 200
    answer = await api("POST", "/v2.1/servers", json=await api.server_body(flavorRef="nano"))
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == "Flavor's memory is too small for requested image."


async def test_what_few_ask_for_is_kept_with_the_request(api: Api) -> None:
    body = await api.server_body(
        hostname="db.example.org",
        tags=["web", "blue", "web"],
        accessIPv4="192.0.2.7",
        accessIPv6="2001:db8::7",
        availability_zone="nova",
        **{"OS-DCF:diskConfig": "AUTO"},
    )
    body["os:scheduler_hints"] = {"different_host": [NOWHERE]}
    answer = await api("POST", "/v2.1/servers", json=body)
    assert answer.status_code == 202
    made = answer.json()["server"]
    assert made["OS-DCF:diskConfig"] == "AUTO"
    shown = (await api.get(f"/v2.1/servers/{made['id']}"))["server"]
    assert shown["tags"] == ["blue", "web"]
    assert (shown["accessIPv4"], shown["accessIPv6"]) == ("192.0.2.7", "2001:db8::7")
    assert shown["OS-DCF:diskConfig"] == "AUTO"
    assert shown["OS-EXT-SRV-ATTR:hostname"] == "db.example.org"
    assert shown["pinned_availability_zone"] == "nova"
    instance = (await api.running.plane.repository.load(Instance, made["id"])).aggregate
    assert instance.hints == {"different_host": [NOWHERE]}
    assert instance.forced_host is None


async def test_a_request_and_what_belongs_to_it_is_stored_as_one(api: Api) -> None:
    server_id = await api.create(tags=["a"], accessIPv4="192.0.2.7")
    history = await api.running.plane.repository.history(Instance, server_id)
    assert [recorded.type for recorded in history] == [
        "chronova.instance.requested.v1",
        "chronova.instance.details-changed.v1",
        "chronova.instance.tags-changed.v1",
    ]
    first = history[0].position
    assert [recorded.position for recorded in history] == [first, first + 1, first + 2]


async def test_before_2_19_the_description_is_the_name(api: Api) -> None:
    old = {"OpenStack-API-Version": "compute 2.18"}
    answer = await api("POST", "/v2.1/servers", json=await api.server_body(networks=[]), headers=old)
    assert answer.status_code == 202, answer.text
    server_id = answer.json()["server"]["id"]
    assert (await api.get(f"/v2.1/servers/{server_id}"))["server"]["description"] == "vm"


async def test_an_administrator_may_name_the_host(api: Api) -> None:
    await api.add_host("host-1")
    await api.add_host("host-2")
    unknown = await api("POST", "/v2.1/servers", json=await api.server_body(host="host-9"), cloud=ADMIN)
    assert unknown.status_code == 400
    assert unknown.json()["badRequest"]["message"] == "Compute host host-9 could not be found."
    api.running.run(api.running.plane.scheduler())
    for fields in ({"host": "host-2"}, {"availability_zone": "nova:host-2"}):
        server_id = await api.create(cloud=ADMIN, **fields)

        async def host(server_id: str = server_id) -> str | None:
            shown = (await api.get(f"/v2.1/servers/{server_id}", cloud=ADMIN))["server"]
            return shown["OS-EXT-SRV-ATTR:host"]  # type: ignore[no-any-return]

        assert await eventually(host) == "host-2"
