"""What is the same for all of the compute API: versions, errors, headers, limits."""

import re
from typing import Any

import httpx

from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import BASE, Api
from tests.integration.conftest import eventually

NOWHERE = "8e5bb1c0-0000-4000-8000-000000000000"
NO_ROUTE = "404 Not Found\n\nThe resource could not be found.\n\n   \n"


async def test_version_documents_need_no_token(api: Api) -> None:
    root = await api.http.get("/")
    assert root.status_code == 200
    (version,) = root.json()["versions"]
    assert (version["id"], version["version"], version["min_version"]) == ("v2.1", "2.96", "2.1")
    for path in ("/v2.1", "/v2.1/"):
        shown = await api.http.get(path, headers={"OpenStack-API-Version": ""})
        assert shown.status_code == 200
        assert shown.json()["version"]["links"][0] == {"rel": "self", "href": f"{BASE}/v2.1/"}
        assert shown.headers["OpenStack-API-Version"] == "compute 2.1"


async def test_every_answer_has_a_fresh_request_id_and_says_its_version(api: Api) -> None:
    first, second = await api("GET", "/v2.1/servers"), await api("GET", "/v2.1/servers")
    for answer in (first, second):
        assert re.fullmatch(r"req-[0-9a-f-]{36}", answer.headers["x-openstack-request-id"])
        assert answer.headers["x-compute-request-id"] == answer.headers["x-openstack-request-id"]
        assert answer.headers["OpenStack-API-Version"] == "compute 2.96"
        assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.96"
        assert answer.headers["Vary"] == "OpenStack-API-Version, X-OpenStack-Nova-API-Version"
    assert first.headers["x-openstack-request-id"] != second.headers["x-openstack-request-id"]


async def test_errors_are_answered_as_nova_answers_them(api: Api) -> None:
    def fault(key: str, code: int, message: str) -> dict[str, Any]:
        return {key: {"code": code, "message": message}}

    too_new, no_version = {"OpenStack-API-Version": "compute 2.999"}, {"X-OpenStack-Nova-API-Version": "abc"}
    cases: list[tuple[str, dict[str, str], dict[str, Any]]] = [
        (
            "/v2.1/servers",
            too_new,
            fault(
                "computeFault", 406, "Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.96."
            ),
        ),
        (
            "/v2.1/servers",
            {"OpenStack-API-Version": "", **no_version},
            fault(
                "badRequest",
                400,
                "API Version String abc is of invalid format. Must be of format MajorNum.MinorNum.",
            ),
        ),
        (f"/v2.1/servers/{NOWHERE}", {}, fault("itemNotFound", 404, f"Instance {NOWHERE} could not be found.")),
        (
            "/v2.1/os-services",
            {},
            fault("forbidden", 403, "Policy doesn't allow os_compute_api:os-services:list to be performed."),
        ),
        (
            f"/v2.1/servers?marker={NOWHERE}",
            {},
            fault("badRequest", 400, f"marker [{NOWHERE}] not found"),
        ),
        (
            "/v2.1/servers?limit=-1",
            {},
            fault(
                "badRequest",
                400,
                "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'",
            ),
        ),
        (
            "/v2.1/servers?all_tenants=1",
            {},
            fault(
                "forbidden", 403, "Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed."
            ),
        ),
    ]
    for path, headers, body in cases:
        answer = await api("GET", path, headers=headers)
        (error,) = body.values()
        assert (answer.status_code, answer.json()) == (error["code"], body), path
    refused = await api("GET", "/v2.1/servers", headers=too_new)
    assert refused.headers["OpenStack-API-Version"] == "compute 2.999"
    malformed = await api("GET", "/v2.1/servers", headers={"OpenStack-API-Version": "", **no_version})
    assert "OpenStack-API-Version" not in malformed.headers


async def test_without_a_token_nothing_is_told(api: Api) -> None:
    for path in ("/v2.1/servers", "/v2.1/nothing", "/nothing", "/image/v2/images", "/network/v2.0/ports"):
        for headers in ({}, {"X-Auth-Token": "wrong"}):
            answer = await api.http.get(path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.json()["error"]["message"] == "The request you have made requires authentication."
            assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{BASE}/identity"'


async def test_an_unknown_route_and_a_wrong_method_are_plain_404s(api: Api) -> None:
    for method, path in (
        ("GET", "/v2.1/nothing"),
        ("DELETE", "/v2.1/flavors"),
        ("PUT", "/v2.1/servers"),
        ("GET", "/x"),
    ):
        answer = await api(method, path)
        assert (answer.status_code, answer.text) == (404, NO_ROUTE), path
        assert answer.headers["Content-Type"].startswith("text/plain")


async def test_an_endpoint_that_a_version_does_not_have_is_not_found(api: Api) -> None:
    answer = await api("GET", "/v2.1/os-hypervisors/statistics", cloud=ADMIN)
    assert answer.status_code == 404
    assert answer.json()["itemNotFound"]["message"] == "API version '2.96' is not supported on this method."
    older = {"OpenStack-API-Version": "compute 2.87"}
    assert (await api("GET", "/v2.1/os-hypervisors/statistics", cloud=ADMIN, headers=older)).status_code == 200


async def test_the_project_may_stand_in_the_path_when_it_is_the_tokens(api: Api) -> None:
    token = await api.get("/identity/v3/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]})
    own = token["token"]["project"]["id"]
    assert (await api("GET", f"/v2.1/{own}/servers")).status_code == 200
    other = await api("GET", "/v2.1/0123456789abcdef/servers")
    assert other.status_code == 400
    assert other.json()["badRequest"]["message"].startswith("Malformed request URL")


async def test_bodies_that_cannot_be_read_are_refused(api: Api) -> None:
    async def post(content: bytes, kind: str = "application/json") -> httpx.Response:
        return await api("POST", "/v2.1/servers", content=content, headers={"Content-Type": kind})

    before = await api.position()
    for content in (b"{", b"\xff", b'{"server": }', b"server"):
        answer = await post(content)
        assert (answer.status_code, answer.json()["badRequest"]["message"]) == (400, "Malformed request body")
    assert (await post(b"")).json()["badRequest"]["message"] == "None is not of type 'object'"
    assert (await post(rb'{"server": {"name": "a\u0000b"}}')).status_code == 400
    assert (await post(b"a=b", "application/x-www-form-urlencoded")).json()["badMediaType"]["code"] == 415
    large = await post(b'{"server": "' + b"x" * (1 << 20) + b'"}')
    assert (large.status_code, large.json()["overLimit"]["message"]) == (413, "Request is too large.")
    assert await api.position() == before


async def test_a_body_without_a_length_is_cut_off_at_the_limit(api: Api) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1 << 16
            yield b" " * (1 << 16)

    answer = await api("POST", "/v2.1/servers", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert sent <= 2 << 20


async def test_while_the_log_is_away_commands_are_refused_and_questions_answered(api: Api) -> None:
    server_id = await api.active()
    api.running.server.kill()

    async def gone() -> bool:
        return not api.running.plane.client.is_connected

    await eventually(gone)
    answer = await api.act(server_id, {"os-stop": None})
    assert answer.status_code == 503
    assert answer.json()["serviceUnavailable"]["code"] == 503
    assert answer.headers["Retry-After"] == "1"
    assert (await api.get(f"/v2.1/servers/{server_id}"))["server"]["status"] == "ACTIVE"
    api.running.server.start()


async def test_an_answer_waits_for_the_position_that_it_is_asked_for(api: Api) -> None:
    server_id = await api.active()
    stopped = await api.act(server_id, {"os-stop": None})
    position = stopped.headers["X-Event-Position"]
    assert int(position) == await api.position()
    shown = await api.get(f"/v2.1/servers/{server_id}", headers={"X-Min-Position": position})
    assert shown["server"]["OS-EXT-STS:task_state"] == "powering-off"
    wrong = await api("GET", "/v2.1/servers", headers={"X-Min-Position": "soon"})
    assert wrong.status_code == 400


async def test_a_fault_of_the_service_itself_is_500_and_logged_with_its_request_id(api: Api, caplog: Any) -> None:
    server_id = await api.active()

    async def broken(_host: str, _instance: str, _lines: int | None) -> str:
        raise ValueError("a password: s3cret")

    object.__setattr__(api.dependencies, "console_output", broken)
    answer = await api.act(server_id, {"os-getConsoleOutput": {}})
    fault = answer.json()["computeFault"]
    assert (answer.status_code, fault["code"]) == (500, 500)
    assert fault["message"].endswith("<class 'ValueError'>")
    assert "s3cret" not in answer.text
    assert answer.headers["x-openstack-request-id"] in caplog.text


async def test_health_tells_the_position_of_the_read_model(api: Api) -> None:
    answer = await api.http.get("/v1/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "position": await api.position()})
