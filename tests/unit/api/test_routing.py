"""Finding a route by its path."""

import pytest
from starlette.responses import Response

from services.api.call import Call
from services.api.routing import Route, Routes


async def nothing(_call: Call) -> Response:
    return Response()


def table(*names: str) -> Routes:
    return Routes(Route(name.partition(" ")[0], name.partition(" ")[2], nothing, None) for name in names)


ROUTES = table("GET /flavors/detail", "GET /flavors/{id}", "DELETE /flavors/{id}", "GET /flavors/{id}/specs", "GET /")


@pytest.mark.parametrize(
    ("method", "path", "name", "values"),
    [
        ("GET", "/flavors/detail", "GET /flavors/detail", {}),
        ("GET", "/flavors/tiny", "GET /flavors/{id}", {"id": "tiny"}),
        ("GET", "/flavors/tiny/", "GET /flavors/{id}", {"id": "tiny"}),
        ("GET", "/flavors/detail/specs", "GET /flavors/{id}/specs", {"id": "detail"}),
        ("HEAD", "/flavors/tiny", "GET /flavors/{id}", {"id": "tiny"}),
        ("GET", "", "GET /", {}),
        ("GET", "/", "GET /", {}),
    ],
)
def test_a_path_is_found_with_its_values(method: str, path: str, name: str, values: dict[str, str]) -> None:
    found = ROUTES.find(method, path)
    assert found is not None
    assert (found[0].name, found[1]) == (name, values)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/flavors/tiny"), ("GET", "/flavors"), ("GET", "/flavors/a/b"), ("GET", "/nothing")]
)
def test_what_is_not_there_is_not_found(method: str, path: str) -> None:
    assert ROUTES.find(method, path) is None


def test_a_route_can_be_there_only_once() -> None:
    with pytest.raises(ValueError, match="routed twice"):
        table("GET /a/{id}", "GET /a/{name}")
