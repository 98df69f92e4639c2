"""All documents of docs/events/, and whether those on disk are they.

A schema that was written once keeps its shape: the log holds events of it. Only what is said of its parts may change.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.registry import KNOWN
from journal.event_docs.asyncapi import asyncapi
from journal.event_docs.index import index
from journal.event_docs.schemas import documented_schema, shape_of

COMMAND = "script/event-docs"


def documents() -> dict[str, str]:
    """File name → content, from the registry as it is. Raises TypeError for an event that cannot be documented."""
    events = sorted(KNOWN.values(), key=lambda known: (known.kind, known.fact, known.version))
    return {
        **{f"{known.topic}.json": _json(documented_schema(known)) for known in events},
        "asyncapi.json": _json(asyncapi(events)),
        "README.md": index(events),
    }


def refusals(directory: Path) -> Iterator[str]:
    """Why the documents may not be written: sentences, one for each event type whose past would be changed."""
    wanted = documents()
    for path in sorted(directory.glob("chronova.*.json")):
        if path.name not in wanted:
            yield f"{path.stem} was written once and must be read for ever, but no event class declares it."
        elif shape_of(json.loads(path.read_text())) != shape_of(json.loads(wanted[path.name])):
            yield (
                f"{path.stem} has other parts than before, and the log holds events with those: let the class declare the next "
                f"version (domain/evolution.py). If none was ever written, delete {path.name} and its samples, and try again."
            )


def out_of_date(directory: Path) -> list[str]:
    """The documents that are missing on disk, or are not as the registry has it: file names."""
    return [name for name, content in documents().items() if _read(directory / name) != content]


def write(directory: Path) -> list[str]:
    """Write what is out of date; returns the names. It is for the caller to look for refusals first."""
    wanted, names = documents(), out_of_date(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).write_text(wanted[name])
    return names


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
