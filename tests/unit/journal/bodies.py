"""Bodies of events, made up: right ones from the schema, and such as are nearly right."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
Bodies = st.SearchStrategy[Any]

INSTANTS = ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05+02:00")
ODD_VALUES: tuple[Any, ...] = (
    *INSTANTS,
    *(
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05Z\n",
        "٢٠٢٦-01-02T03:04:05Z",
        "chronova.host",
        "",
    ),
    *(None, True, False, 0, 1, 2, -1, 2**70, 0.0, 1.0, 2.0, 0.5, 1e300, [], {}, [None], {"x": None}),
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
anything = st.recursive(
    scalars | st.sampled_from(ODD_VALUES),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


floats = st.floats(allow_nan=False, allow_infinity=False)
RIGHT: Mapping[str, Callable[[Schema], Bodies]] = {
    "string": lambda schema: st.sampled_from(INSTANTS) if "pattern" in schema else st.text(max_size=5),
    "integer": lambda _: st.integers() | st.integers(-9, 9).map(float),
    "number": lambda _: st.integers() | floats,
    "boolean": lambda _: st.booleans(),
    "array": lambda schema: st.lists(right(schema["items"]), max_size=2),
    "object": lambda schema: (
        st.fixed_dictionaries({name: right(part) for name, part in schema["properties"].items()})
        if "properties" in schema
        else st.dictionaries(st.text(max_size=3), right(schema["additionalProperties"]), max_size=2)
    ),
}


def right(schema: Schema) -> Bodies:
    """What the schema allows."""
    if "const" in schema:
        return st.just(schema["const"])
    match schema.get("type"):
        case None:
            return anything
        case [name, "null"]:
            return st.none() | right({**schema, "type": name})
        case name:
            return RIGHT[name](schema)


def nearly_right(schema: Schema) -> Bodies:
    """Right but for one place, or so: what a typo, an older version or a forger would make of it."""
    return st.tuples(right(schema), st.randoms(use_true_random=False), anything).map(
        lambda drawn: _with_a_change(*drawn)
    )


def _with_a_change(body: Any, random: Any, other: Any) -> Any:
    if not isinstance(body, dict | list) or not body or random.random() < 0.2:
        return other
    if isinstance(body, list):
        at = random.randrange(len(body))
        return [*body[:at], _with_a_change(body[at], random, other), *body[at + 1 :]]
    if random.random() < 0.1:
        return {**body, "surplus": other}
    name = random.choice(list(body))
    if random.random() < 0.1:
        return {key: value for key, value in body.items() if key != name}
    return {**body, name: _with_a_change(body[name], random, other)}
