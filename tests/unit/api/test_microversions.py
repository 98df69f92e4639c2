"""Which microversion a request is answered in, and what there is in which."""

import pytest
from starlette.datastructures import Headers

from services.api.compute.microversions import MAXIMUM, MINIMUM, SPANS, exists, negotiate, version_headers
from services.api.compute.routes import ALL as ROUTES
from services.api.compute.server_fields import FIELDS
from services.api.errors import Refusal


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, (2, 1)),
        ({"OpenStack-API-Version": "compute 2.53"}, (2, 53)),
        ({"X-OpenStack-Nova-API-Version": "2.53"}, (2, 53)),
        ({"OpenStack-API-Version": "compute latest"}, MAXIMUM),
        ({"X-OpenStack-Nova-API-Version": "latest"}, MAXIMUM),
        ({"OpenStack-API-Version": "identity 3.1"}, (2, 1)),
        ({"OpenStack-API-Version": "identity 3.1, compute 2.60"}, (2, 60)),
        ({"OpenStack-API-Version": "compute 2.60", "X-OpenStack-Nova-API-Version": "2.3"}, (2, 60)),
        ({"OpenStack-API-Version": "compute 2.96"}, (2, 96)),
    ],
)
def test_a_request_is_answered_in_the_version_that_its_headers_name(
    headers: dict[str, str], version: tuple[int, int]
) -> None:
    assert negotiate(Headers(headers)) == version


@pytest.mark.parametrize("version", ["2.97", "2.999", "2.0", "3.0", "1.1"])
def test_a_version_that_there_is_not_is_406_and_says_which_there_are(version: str) -> None:
    with pytest.raises(Refusal) as refused:
        negotiate(Headers({"OpenStack-API-Version": f"compute {version}"}))
    assert refused.value.status == 406
    assert refused.value.message == (
        f"Version {version} is not supported by the API. Minimum is 2.1 and maximum is 2.96."
    )
    assert refused.value.headers == version_headers(version)


@pytest.mark.parametrize("version", ["abc", "2", "2.", "2.01", "-2.1", "2.1.1"])
def test_what_is_not_a_version_is_400(version: str) -> None:
    with pytest.raises(Refusal) as refused:
        negotiate(Headers({"X-OpenStack-Nova-API-Version": version}))
    assert refused.value.status == 400
    assert "is of invalid format. Must be of format MajorNum.MinorNum." in refused.value.message


def test_every_span_lies_within_the_supported_versions_and_is_not_empty() -> None:
    for name, span in SPANS.items():
        assert MINIMUM <= span.since <= span.until <= MAXIMUM, name
        assert (span.since, span.until) != (MINIMUM, MAXIMUM), f"{name} always exists: it needs no line"


def test_every_endpoint_and_server_field_in_the_table_is_one() -> None:
    routes = {route.name for route in ROUTES}
    fields = {f"server.{field.span or field.name}" for field in FIELDS}
    for name in SPANS:
        if name.partition(" ")[0] in ("GET", "POST", "PUT", "DELETE"):
            assert name in routes
        elif name.startswith("server."):
            assert name in fields


def test_a_field_exists_from_its_first_version_to_its_last() -> None:
    assert not exists("server.locked", (2, 8))
    assert exists("server.locked", (2, 9))
    assert exists("server.flavor as a link", (2, 46))
    assert not exists("server.flavor as a link", (2, 47))
    assert exists("server.id", (2, 1))
