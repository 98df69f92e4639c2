"""Networks, subnets and ports."""

from typing import Any

from services.cli.clouds import ADMIN, DEMO
from services.conductor.reactions import Reactions
from services.scheduler.service import Scheduler
from tests.integration.api.conftest import BASE, Api
from tests.integration.conftest import eventually

COLLECTIONS = {
    "network": "networks",
    "subnet": "subnets",
    "port": "ports",
    "security_group": "security-groups",
    "security_group_rule": "security-group-rules",
}


async def test_networks_and_their_subnets_are_shown(api: Api) -> None:
    (network,) = (await api.get("/network/v2.0/networks"))["networks"]
    assert (network["name"], network["shared"], network["status"], network["mtu"]) == ("private", True, "ACTIVE", 1500)
    assert network["router:external"] is False
    shown = await api.get(f"/network/v2.0/networks/{network['id']}")
    assert shown["network"] == network
    (subnet,) = (await api.get(f"/network/v2.0/subnets?network_id={network['id']}"))["subnets"]
    assert network["subnets"] == [subnet["id"]]
    assert (subnet["ip_version"], subnet["gateway_ip"]) == (4, "10.128.0.1")
    assert subnet["allocation_pools"][0]["start"] == "10.128.0.2"


async def test_every_field_is_a_filter_and_fields_picks(api: Api) -> None:
    for query, count in (
        ("name=private", 1),
        ("name=other", 0),
        ("name=other&name=private", 1),
        ("shared=True", 1),
        ("router:external=True", 0),
        ("status=ACTIVE", 1),
        ("limit=1", 1),
    ):
        assert len((await api.get(f"/network/v2.0/networks?{query}"))["networks"]) == count, query
    (picked,) = (await api.get("/network/v2.0/networks?fields=id&fields=name"))["networks"]
    assert set(picked) == {"id", "name"}


async def test_a_servers_port_belongs_to_its_project(api: Api) -> None:
    server_id = await api.active()
    (port,) = (await api.get(f"/network/v2.0/ports?device_id={server_id}"))["ports"]
    assert (port["device_owner"], port["status"], port["device_id"]) == ("compute:nova", "ACTIVE", server_id)
    assert port["fixed_ips"][0]["ip_address"] == "10.128.0.2"
    assert "binding:host_id" not in port
    assert (await api.get(f"/network/v2.0/ports/{port['id']}"))["port"] == port
    assert len((await api.get("/network/v2.0/ports?fixed_ips=ip_address=10.128.0.2"))["ports"]) == 1
    (for_admins,) = (await api.get("/network/v2.0/ports", cloud=ADMIN))["ports"]
    assert for_admins["binding:host_id"] == "host-1"
    theirs = await api.create(cloud=ADMIN)
    await api.schedule(theirs)
    assert len((await api.get("/network/v2.0/ports"))["ports"]) == 1
    (hidden,) = (await api.get(f"/network/v2.0/ports?device_id={theirs}", cloud=ADMIN))["ports"]
    assert (await api("GET", f"/network/v2.0/ports/{hidden['id']}")).status_code == 404


async def test_what_is_not_there_is_said_as_neutron_says_it(api: Api) -> None:
    for collection, kind in (("networks", "Network"), ("subnets", "Subnet"), ("ports", "Port")):
        answer = await api("GET", f"/network/v2.0/{collection}/private")
        assert answer.status_code == 404
        assert answer.json() == {
            "NeutronError": {"type": f"{kind}NotFound", "message": f"{kind} private could not be found.", "detail": ""}
        }
    assert (await api("GET", "/network/v2.0/extensions/none")).status_code == 404


async def made(api: Api, kind: str, *, cloud: str = DEMO, **fields: Any) -> dict[str, Any]:
    answer = await api("POST", f"/network/v2.0/{COLLECTIONS[kind]}", json={kind: fields}, cloud=cloud)
    assert answer.status_code == 201, answer.text
    assert answer.headers["X-Event-Position"]
    resource: dict[str, Any] = answer.json()[kind]
    shown = await api.get(f"/network/v2.0/{COLLECTIONS[kind]}/{resource['id']}", cloud=cloud)
    assert shown[kind] == resource
    return resource


async def refused(api: Api, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
    """The status and Neutron's type of an error."""
    answer = await api(method, f"/network/v2.0/{path}", json=body, **options)
    return answer.status_code, answer.json()["NeutronError"]["type"]


async def test_a_network_with_its_subnet_is_made_changed_and_deleted(api: Api) -> None:
    network = await made(api, "network", name="back", mtu=1450, admin_state_up=True)
    assert (network["subnets"], network["mtu"], network["shared"]) == ([], 1450, False)
    pools = [{"start": "192.0.2.16", "end": "192.0.2.31"}]
    fields = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.7/24", "allocation_pools": pools}
    subnet = await made(api, "subnet", name="v4", dns_nameservers=["9.9.9.9"], **fields)
    assert (subnet["cidr"], subnet["gateway_ip"], subnet["allocation_pools"]) == ("192.0.2.0/24", "192.0.2.1", pools)
    assert (await api.get(f"/network/v2.0/networks/{network['id']}"))["network"]["subnets"] == [subnet["id"]]
    path = f"/network/v2.0/networks/{network['id']}"
    changed = await api("PUT", path, json={"network": {"name": "backend", "description": "d"}})
    assert (changed.status_code, changed.json()["network"]["name"]) == (200, "backend")
    changed = await api("PUT", f"/network/v2.0/subnets/{subnet['id']}", json={"subnet": {"dns_nameservers": []}})
    assert (changed.status_code, changed.json()["subnet"]["dns_nameservers"]) == (200, [])
    assert (await api("DELETE", f"/network/v2.0/subnets/{subnet['id']}")).status_code == 204
    assert (await api.get(path))["network"]["subnets"] == []
    assert (await api("DELETE", path)).status_code == 204
    assert await refused(api, "DELETE", f"networks/{network['id']}") == (404, "NetworkNotFound")
    assert [each["name"] for each in (await api.get("/network/v2.0/networks"))["networks"]] == ["private"]


async def test_what_cannot_be_is_refused_as_neutron_refuses_it(api: Api) -> None:
    network = await made(api, "network", name="n")
    in_it = {"network_id": network["id"]}
    before = await api.position()
    for kind, body, expected in (
        ("network", {"colour": "red"}, (400, "HTTPBadRequest")),
        ("network", {"name": 5}, (400, "HTTPBadRequest")),
        ("network", {"admin_state_up": False}, (400, "HTTPBadRequest")),
        ("network", {"shared": True}, (403, "PolicyNotAuthorized")),
        ("network", {"project_id": "other"}, (400, "HTTPBadRequest")),
        ("network", {"router:external": True}, (400, "HTTPBadRequest")),
        ("subnet", {"cidr": "192.0.2.0/24"}, (400, "HTTPBadRequest")),
        ("subnet", {**in_it, "cidr": "x"}, (400, "HTTPBadRequest")),
        ("subnet", {**in_it, "cidr": "192.0.2.0/30"}, (400, "InvalidInput")),
        ("subnet", {**in_it, "cidr": "10.130.0.0/24"}, (400, "InvalidInput")),  # overlaps the network private
        ("subnet", {**in_it, "cidr": "fd00::/64", "ip_version": 6}, (400, "InvalidInput")),
        ("subnet", {**in_it, "cidr": "192.0.2.0/24", "gateway_ip": None}, (400, "InvalidInput")),
        ("subnet", {**in_it, "cidr": "192.0.2.0/24", "gateway_ip": "192.0.3.1"}, (400, "InvalidInput")),
        ("subnet", {**in_it, "cidr": "192.0.2.0/24", "enable_dhcp": False}, (400, "InvalidInput")),
        ("subnet", {"network_id": "none", "cidr": "192.0.2.0/24"}, (404, "NetworkNotFound")),
        ("subnet", {"network_id": await api.network_id(), "cidr": "192.0.2.0/24"}, (403, "PolicyNotAuthorized")),
        ("port", {}, (400, "HTTPBadRequest")),
        ("port", {"network_id": "none"}, (404, "NetworkNotFound")),
        ("port", {**in_it, "mac_address": "x"}, (400, "InvalidInput")),
        ("port", {**in_it, "security_groups": ["none"]}, (404, "SecurityGroupNotFound")),
    ):
        found = await refused(api, "POST", COLLECTIONS[kind], {kind: body})
        assert found == expected, (kind, body)
    assert await refused(api, "POST", "networks", {}) == (400, "HTTPBadRequest")
    private = await api.network_id()
    assert await refused(api, "DELETE", f"networks/{private}") == (403, "PolicyNotAuthorized")
    assert await refused(api, "PUT", f"networks/{private}", {"network": {}}) == (403, "PolicyNotAuthorized")
    assert await api.position() - before <= 1  # the default group that a port would have been in
    await made(api, "subnet", **in_it, cidr="192.0.2.0/24")
    taken = {"subnet": {**in_it, "cidr": "198.51.100.0/24"}}
    assert (await refused(api, "POST", "subnets", taken))[0] == 409


async def test_a_port_is_made_with_the_address_that_was_named_and_keeps_it(api: Api) -> None:
    network_id = await api.network_id()
    fixed, mac = [{"ip_address": "10.128.0.77"}], "fa:16:3e:00:00:01"
    port = await made(api, "port", network_id=network_id, name="db", fixed_ips=fixed, mac_address=mac.upper())
    assert (port["name"], port["status"], port["mac_address"], port["device_id"]) == ("db", "DOWN", mac, "")
    assert port["fixed_ips"][0]["ip_address"] == "10.128.0.77"
    other = await made(api, "port", network_id=network_id)
    assert other["fixed_ips"][0]["ip_address"] == "10.128.0.2"
    for body, expected in (
        ({"fixed_ips": fixed}, (409, "IpAddressAlreadyAllocated")),
        ({"fixed_ips": [{"ip_address": "10.128.0.1"}]}, (400, "InvalidIpForSubnet")),
        ({"fixed_ips": [{"subnet_id": "other"}]}, (400, "InvalidInput")),
        ({"fixed_ips": [{}, {}]}, (400, "InvalidInput")),
        ({"mac_address": mac}, (409, "MacAddressInUse")),
    ):
        found = await refused(api, "POST", "ports", {"port": {"network_id": network_id, **body}})
        assert found == expected, body
    path = f"/network/v2.0/ports/{port['id']}"
    changed = await api("PUT", path, json={"port": {"name": "db-1", "security_groups": []}})
    assert (changed.json()["port"]["name"], changed.json()["port"]["security_groups"]) == ("db-1", [])
    assert await refused(api, "DELETE", f"networks/{network_id}", cloud=ADMIN) == (409, "NetworkInUse")
    subnet_id = port["fixed_ips"][0]["subnet_id"]
    assert await refused(api, "DELETE", f"subnets/{subnet_id}", cloud=ADMIN) == (409, "SubnetInUse")
    assert (await api("DELETE", path)).status_code == 204
    assert await refused(api, "GET", f"ports/{port['id']}") == (404, "PortNotFound")


async def test_a_server_takes_a_port_that_was_made_before_and_leaves_it_behind(api: Api) -> None:
    network = await made(api, "network", name="back")
    nowhere = await made(api, "port", network_id=network["id"])
    subnet = await made(api, "subnet", network_id=network["id"], cidr="192.0.2.0/24")
    port = await made(api, "port", network_id=network["id"])
    await api.add_host()
    plane = api.running.plane
    api.running.run(Scheduler(plane.client, plane.repository, api.clock).run())
    api.running.run(Reactions(plane.client, plane.repository, api.clock).run())
    server_id = await api.create(networks=[{"port": port["id"]}, {"uuid": await api.network_id()}])

    async def bound() -> bool:
        return bool((await api.get(f"/network/v2.0/ports/{port['id']}"))["port"]["device_id"] == server_id)

    await eventually(bound)

    async def placed() -> Any:
        return (await api.get(f"/v2.1/servers/{server_id}"))["server"]["addresses"]

    addresses = await eventually(placed)
    assert addresses["back"][0]["addr"] == port["fixed_ips"][0]["ip_address"] == "192.0.2.2"
    assert addresses["back"][0]["OS-EXT-IPS-MAC:mac_addr"] == port["mac_address"]
    assert addresses["private"][0]["addr"] == "10.128.0.2"
    shown = (await api.get(f"/network/v2.0/ports/{port['id']}"))["port"]
    assert (shown["status"], shown["device_owner"]) == ("ACTIVE", "compute:nova")

    for asked, status in (
        ([{"port": port["id"]}], 409),
        ([{"port": nowhere["id"]}], 400),
        ([{"port": "8e5bb1c0-0000-4000-8000-000000000000"}], 400),
    ):
        answer = await api("POST", "/v2.1/servers", json=await api.server_body(networks=asked))
        assert answer.status_code == status, answer.text
    assert await refused(api, "DELETE", f"ports/{port['id']}") == (409, "PortInUse")
    assert await refused(api, "PUT", f"ports/{port['id']}", {"port": {"device_id": ""}}) == (409, "PortInUse")

    assert (await api("DELETE", f"/v2.1/servers/{server_id}")).status_code == 204
    await api.settle(server_id)

    async def left() -> list[str]:
        return [each["id"] for each in (await api.get("/network/v2.0/ports?device_owner=compute:nova"))["ports"]]

    async def none_is_left() -> bool:
        return not await left()

    await eventually(none_is_left)
    again = (await api.get(f"/network/v2.0/ports/{port['id']}"))["port"]
    assert (again["device_id"], again["status"], again["fixed_ips"]) == ("", "DOWN", port["fixed_ips"])
    for path in (
        f"ports/{port['id']}",
        f"ports/{nowhere['id']}",
        f"subnets/{subnet['id']}",
        f"networks/{network['id']}",
    ):
        assert (await api("DELETE", f"/network/v2.0/{path}")).status_code == 204


async def test_a_network_without_a_subnet_is_no_network_for_servers(api: Api) -> None:
    network = await made(api, "network")
    answer = await api("POST", "/v2.1/servers", json=await api.server_body(networks=[{"uuid": network["id"]}]))
    assert (answer.status_code, "requires a subnet" in answer.text) == (400, True)


async def test_what_belongs_to_another_project_is_not_there(api: Api) -> None:
    network = await made(api, "network", cloud=ADMIN)
    subnet = await made(api, "subnet", cloud=ADMIN, network_id=network["id"], cidr="192.0.2.0/24")
    port = await made(api, "port", cloud=ADMIN, network_id=network["id"])
    group = await made(api, "security_group", cloud=ADMIN, name="theirs")
    for path in (
        f"networks/{network['id']}",
        f"subnets/{subnet['id']}",
        f"ports/{port['id']}",
        f"security-groups/{group['id']}",
    ):
        for method in ("GET", "DELETE"):
            assert (await refused(api, method, path))[0] == 404, path
    assert (await refused(api, "POST", "ports", {"port": {"network_id": network["id"]}}))[0] == 404
    answer = await api("POST", "/v2.1/servers", json=await api.server_body(networks=[{"port": port["id"]}]))
    assert answer.status_code == 400
    shared = {"network": {"shared": True}}
    assert (await api("PUT", f"/network/v2.0/networks/{network['id']}", json=shared, cloud=ADMIN)).status_code == 200
    mine = await made(api, "port", network_id=network["id"])
    unshared = await refused(api, "PUT", f"networks/{network['id']}", {"network": {"shared": False}}, cloud=ADMIN)
    assert unshared[0] == 409
    assert (await api("DELETE", f"/network/v2.0/ports/{mine['id']}")).status_code == 204


async def test_each_project_has_its_default_security_group(api: Api) -> None:
    (group,) = (await api.get("/network/v2.0/security-groups?name=default"))["security_groups"]
    rules = {(rule["direction"], rule["ethertype"], rule["remote_group_id"]) for rule in group["security_group_rules"]}
    outgoing = {("egress", "IPv4", None), ("egress", "IPv6", None)}
    assert rules == outgoing | {("ingress", "IPv4", group["id"]), ("ingress", "IPv6", group["id"])}
    assert (await api.get(f"/network/v2.0/security-groups/{group['id']}"))["security_group"] == group
    path = f"security-groups/{group['id']}"
    assert await refused(api, "DELETE", path) == (409, "SecurityGroupCannotRemoveDefault")
    assert (await refused(api, "PUT", path, {"security_group": {"name": "x"}}))[0] == 409
    second = {"security_group": {"name": "default"}}
    assert await refused(api, "POST", "security-groups", second) == (409, "SecurityGroupDefaultAlreadyExists")
    port = await made(api, "port", network_id=await api.network_id())
    assert port["security_groups"] == [group["id"]]
    assert await refused(api, "DELETE", path, cloud=ADMIN) == (409, "SecurityGroupInUse")
    assert (await api("DELETE", f"/network/v2.0/ports/{port['id']}")).status_code == 204
    assert (await api("DELETE", f"/network/v2.0/{path}", cloud=ADMIN)).status_code == 204
    (again,) = (await api.get("/network/v2.0/security-groups"))["security_groups"]
    assert again["id"] == group["id"]
    assert len(again["security_group_rules"]) == 4


async def test_security_groups_and_their_rules_are_kept(api: Api) -> None:
    group = await made(api, "security_group", name="web", description="d")
    assert len(group["security_group_rules"]) == 2
    in_it = {"security_group_id": group["id"], "direction": "ingress"}
    http = await made(api, "security_group_rule", **in_it, protocol="tcp", port_range_min=80, port_range_max="80")
    assert (http["port_range_min"], http["port_range_max"], http["ethertype"]) == (80, 80, "IPv4")
    from_here = {**in_it, "remote_ip_prefix": "192.0.2.7/24", "protocol": 1, "port_range_min": 8}
    ping = await made(api, "security_group_rule", **from_here)
    assert (ping["remote_ip_prefix"], ping["protocol"]) == ("192.0.2.0/24", "1")
    shown = (await api.get(f"/network/v2.0/security-groups/{group['id']}"))["security_group"]
    assert {http["id"], ping["id"]} < {rule["id"] for rule in shown["security_group_rules"]}
    for rule, expected in (
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}, (409, "SecurityGroupRuleExists")),
        ({"port_range_min": 80, "port_range_max": 80}, (400, "SecurityGroupProtocolRequiredWithPorts")),
        ({"protocol": "tcp", "port_range_min": 81, "port_range_max": 80}, (400, "SecurityGroupInvalidPortRange")),
        ({"protocol": "tcp", "port_range_max": 80}, (400, "SecurityGroupInvalidPortRange")),
        ({"protocol": "none"}, (400, "InvalidInput")),
        ({"remote_ip_prefix": "fd00::/8"}, (400, "InvalidInput")),
        ({"remote_ip_prefix": "x"}, (400, "HTTPBadRequest")),
        ({"remote_group_id": "none"}, (404, "SecurityGroupNotFound")),
        ({"direction": "up"}, (400, "HTTPBadRequest")),
    ):
        found = await refused(api, "POST", "security-group-rules", {"security_group_rule": {**in_it, **rule}})
        assert found == expected, rule
    assert (await api("DELETE", f"/network/v2.0/security-group-rules/{http['id']}")).status_code == 204
    assert await refused(api, "GET", f"security-group-rules/{http['id']}") == (404, "SecurityGroupRuleNotFound")
    port = await made(api, "port", network_id=await api.network_id(), security_groups=[group["id"]])
    assert await refused(api, "DELETE", f"security-groups/{group['id']}") == (409, "SecurityGroupInUse")
    assert (await api("DELETE", f"/network/v2.0/ports/{port['id']}")).status_code == 204
    assert (await api("DELETE", f"/network/v2.0/security-groups/{group['id']}")).status_code == 204
    left = (await api.get("/network/v2.0/security-group-rules"))["security_group_rules"]
    assert {rule["security_group_id"] for rule in left} != {group["id"]}
    assert ping["id"] not in {rule["id"] for rule in left}


async def test_everything_can_have_tags(api: Api) -> None:
    network = await made(api, "network", name="n")
    subnet = await made(api, "subnet", network_id=network["id"], cidr="192.0.2.0/24")
    port = await made(api, "port", network_id=network["id"])
    group = await made(api, "security_group", name="g")
    for collection, found in (("networks", network), ("subnets", subnet), ("ports", port), ("security-groups", group)):
        path = f"/network/v2.0/{collection}/{found['id']}/tags"
        assert (await api("PUT", path, json={"tags": ["red", "blue"]})).json() == {"tags": ["blue", "red"]}
        assert (await api("PUT", f"{path}/green")).status_code == 201
        assert (await api("GET", f"{path}/green")).status_code == 204
        assert (await api("DELETE", f"{path}/red")).status_code == 204
        assert (await api("DELETE", f"{path}/red")).status_code == 404
        assert await api.get(path) == {"tags": ["blue", "green"]}
        key = collection.replace("-", "_")
        for query, count in (("tags=blue,green", 1), ("tags=blue,red", 0), ("tags-any=blue,red", 1)):
            listed = (await api.get(f"/network/v2.0/{collection}?{query}"))[key]
            assert len(listed) == count, (collection, query)
        assert (await api("DELETE", path)).status_code == 204
        assert await api.get(path) == {"tags": []}


async def test_lists_are_sorted_and_cut_into_pages(api: Api) -> None:
    for name in ("b", "a", "c"):
        await made(api, "network", name=name)
    path, names = "/network/v2.0/networks?sort_key=name&sort_dir=desc&limit=2", []
    while path:
        page = await api.get(path)
        names += [network["name"] for network in page["networks"]]
        (link,) = page.get("networks_links", [{"href": ""}])
        path = link["href"].removeprefix(BASE)
    assert names == ["private", "c", "b", "a"]
    assert (await api("GET", "/network/v2.0/networks?sort_key=colour")).status_code == 400


async def test_how_much_is_in_use(api: Api) -> None:
    project = (await api.get("/identity/v3/auth/projects"))["projects"][0]["id"]
    network_id = await api.network_id()
    await made(api, "port", network_id=network_id)
    details = (await api.get(f"/network/v2.0/quotas/{project}/details"))["quota"]
    assert (details["port"], details["network"]["used"]) == ({"limit": -1, "used": 1, "reserved": 0}, 0)
    assert (await refused(api, "GET", "quotas/other"))[0] == 403
    path = f"/network/v2.0/network-ip-availabilities/{network_id}"
    found = (await api.get(path, cloud=ADMIN))["network_ip_availability"]
    assert (found["used_ips"], found["total_ips"]) == (1, 2**20 - 3)


async def test_what_this_cloud_has_not_is_said(api: Api) -> None:
    network_id = await api.network_id()
    asked = {"floatingip": {"floating_network_id": network_id}}
    assert await refused(api, "POST", "floatingips", asked) == (400, "BadRequest")
    assert await refused(api, "DELETE", "floatingips/x") == (404, "FloatingIPNotFound")
    assert await refused(api, "GET", "routers/x") == (404, "RouterNotFound")
    assert await refused(api, "POST", "routers", {"router": {}}) == (501, "HTTPNotImplemented")


async def test_what_there_is_none_of_is_empty(api: Api) -> None:
    for key in ("floatingips", "routers"):
        assert await api.get(f"/network/v2.0/{key}") == {key: []}
    assert await api.get("/network/v2.0/agents", cloud=ADMIN) == {"agents": []}
    assert (await api("GET", "/network/v2.0/agents")).status_code == 403
    assert (await api.get("/network/v2.0/quotas/any", cloud=ADMIN))["quota"]["port"] == -1
    assert (await api.get("/network/v2.0/extensions"))["extensions"]


async def test_version_documents_need_no_token(api: Api) -> None:
    assert (await api.http.get("/network")).json()["versions"][0]["id"] == "v2.0"
    assert (await api.http.get("/network/v2.0")).json()["resources"]
