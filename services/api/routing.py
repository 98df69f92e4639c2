"""Routes as data, and a tree that finds one in as many look-ups as the path has segments."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from starlette.responses import Response

if TYPE_CHECKING:
    from services.api.call import Call

Handler: TypeAlias = "Callable[[Call], Awaitable[Response]]"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of an API: what answers a method on a path, and which policy says who may ask.

    Segments in braces match anything and are handed over by name. Without a policy the route is open: no token is needed.
    """

    method: str
    template: str
    handler: Handler
    policy: str | None

    @property
    def name(self) -> str:
        """How tables name it: `GET /servers/{id}`."""
        return f"{self.method} {self.template}"


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    any_child: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Routes:
    """The routes of one API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._root = _Node()
        for route in self.all:
            self._add(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route, and the values of its segments in braces. A slash at the end does not matter; HEAD is met by GET."""
        values: list[str] = []
        node = _walk(self._root, [part for part in path.split("/") if part], values)
        if node is None:
            return None
        found = node.routes.get(method) or (node.routes.get("GET") if method == "HEAD" else None)
        if found is None:
            return None
        route, names = found
        return route, dict(zip(names, values, strict=True))

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for part in route.template.split("/"):
            if not part:
                continue
            if part.startswith("{"):
                names.append(part[1:-1])
                node.any_child = node.any_child or _Node()
                node = node.any_child
            else:
                node = node.children.setdefault(part, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.name} is routed twice")
        node.routes[route.method] = (route, tuple(names))


def _walk(node: _Node, parts: list[str], values: list[str]) -> _Node | None:
    """Literal segments first: `/flavors/detail` is not the flavor named detail."""
    if not parts:
        return node if node.routes else None
    literal = node.children.get(parts[0])
    if literal is not None and (found := _walk(literal, parts[1:], values)) is not None:
        return found
    if node.any_child is None:
        return None
    values.append(parts[0])
    found = _walk(node.any_child, parts[1:], values)
    if found is None:
        values.pop()
    return found
