"""Links, as every resource of the compute API carries them, and moments as it writes them."""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from urllib.parse import urlencode

from starlette.datastructures import QueryParams


def links(base: str, kind: str, resource_id: str) -> list[dict[str, str]]:
    """A resource's own links: with the API version, and the bookmark without."""
    return [
        {"rel": "self", "href": f"{base}/v2.1/{kind}/{resource_id}"},
        {"rel": "bookmark", "href": f"{base}/{kind}/{resource_id}"},
    ]


def bookmark(base: str, kind: str, resource_id: str) -> list[dict[str, str]]:
    """The bookmark alone."""
    return [{"rel": "bookmark", "href": f"{base}/{kind}/{resource_id}"}]


def next_link(base: str, path: str, query: Mapping[str, str], marker: str) -> list[dict[str, str]]:
    """Where the next page of a list is."""
    given = query.multi_items() if isinstance(query, QueryParams) else query.items()
    asked = sorted(((name, value) for name, value in given if name != "marker"), key=itemgetter(0))
    return [{"rel": "next", "href": f"{base}{path}?{urlencode([*asked, ('marker', marker)])}"}]


def second(moment: datetime | None) -> str | None:
    """To the second, with a Z: how `created` and `updated` are written."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro(moment: datetime | None) -> str | None:
    """To the microsecond, without a zone: how all other moments are written."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
