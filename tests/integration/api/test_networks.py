"""Networks, subnets and ports."""

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api


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


async def test_changes_are_refused_honestly(api: Api) -> None:
    before = await api.position()
    for method, path in (("POST", "networks"), ("POST", "subnets"), ("DELETE", "ports/x"), ("PUT", "routers/x")):
        answer = await api(method, f"/network/v2.0/{path}", json={})
        assert (answer.status_code, answer.json()["NeutronError"]["type"]) == (501, "HTTPNotImplemented")
    assert await api.position() == before


async def test_each_project_has_its_default_security_group(api: Api) -> None:
    (group,) = (await api.get("/network/v2.0/security-groups?name=default"))["security_groups"]
    assert group["security_group_rules"] == []
    assert (await api.get(f"/network/v2.0/security-groups/{group['id']}"))["security_group"] == group


async def test_what_there_is_none_of_is_empty(api: Api) -> None:
    for key in ("floatingips", "routers"):
        assert await api.get(f"/network/v2.0/{key}") == {key: []}
    assert await api.get("/network/v2.0/agents", cloud=ADMIN) == {"agents": []}
    assert (await api("GET", "/network/v2.0/agents")).status_code == 403
    assert (await api.get("/network/v2.0/quotas/any"))["quota"]["port"] == -1
    assert (await api.get("/network/v2.0/extensions"))["extensions"]


async def test_version_documents_need_no_token(api: Api) -> None:
    assert (await api.http.get("/network")).json()["versions"][0]["id"] == "v2.0"
    assert (await api.http.get("/network/v2.0")).json()["resources"]
