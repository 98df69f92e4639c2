"""Bodies and queries that are wrong, in Nova's words."""

from typing import Any

import pytest

from projections.tables import instances
from services.api.compute.create_schema import create_schema
from services.api.compute.server_actions import ACTIONS
from services.api.compute.server_filters import matches
from services.api.compute.server_queries import check_query
from services.api.errors import Refusal

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
GOOD = {"name": "x", "flavorRef": "42", "imageRef": IMAGE, "networks": "none"}


def refusal_of(body: Any, version: tuple[int, int] = (2, 96)) -> str:
    with pytest.raises(Refusal) as refused:
        create_schema(version).check(body)
    assert refused.value.status == 400
    return refused.value.message


def test_the_right_body_passes() -> None:
    create_schema((2, 96)).check({"server": GOOD})


def test_an_unknown_field_is_named_with_the_whole_value() -> None:
    body = {"server": {"name": "x", "flavorRef": "42", "networks": "none", "bogus": 1}}
    assert refusal_of(body) == (
        "Invalid input for field/attribute server. Value: {'name': 'x', 'flavorRef': '42', 'networks': 'none', "
        "'bogus': 1}. Additional properties are not allowed ('bogus' was unexpected)"
    )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "'server' is a required property"),
        (None, "None is not of type 'object'"),
        ([], "[] is not of type 'object'"),
        ({"server": 1}, "Invalid input for field/attribute server. Value: 1. 1 is not of type 'object'"),
        (
            {"server": {**GOOD, "name": ""}},
            "Invalid input for field/attribute name. Value: . '' should be non-empty",
        ),
        (
            {"server": {**GOOD, "name": " x"}},
            (
                "An invalid 'name' value was provided. The name must be: printable characters. "
                "Can not start or end with whitespace."
            ),
        ),
        (
            {"server": {**GOOD, "name": 5}},
            "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string'",
        ),
        (
            {"server": {**GOOD, "user_data": "%%"}},
            "Invalid input for field/attribute user_data. Value: %%. '%%' is not a 'base64'",
        ),
        (
            {"server": {**GOOD, "min_count": 0}},
            "Invalid input for field/attribute min_count. Value: 0. 0 is less than the minimum of 1",
        ),
        (
            {"server": {**GOOD, "metadata": {"a": 1}}},
            "Invalid input for field/attribute a. Value: 1. 1 is not of type 'string'",
        ),
    ],
)
def test_what_is_wrong_is_said_as_nova_says_it(body: Any, sentence: str) -> None:
    assert refusal_of(body) == sentence


def test_networks_must_be_named_from_2_37_on() -> None:
    body = {"server": {"name": "x", "flavorRef": "42", "imageRef": IMAGE}}
    create_schema((2, 36)).check(body)
    assert "'networks' is a required property" in refusal_of(body, (2, 37))


def test_a_field_is_unknown_before_its_version() -> None:
    body = {"server": {**GOOD, "networks": [], "description": "d"}}
    create_schema((2, 19)).check(body)
    assert "'description' was unexpected" in refusal_of(body, (2, 18))


def test_user_data_of_65535_letters_is_the_largest() -> None:
    create_schema((2, 96)).check({"server": {**GOOD, "user_data": "aaaa" * 16383}})
    assert "is too long" in refusal_of({"server": {**GOOD, "user_data": "aaaa" * 16384}})


def test_a_reboot_is_soft_or_hard() -> None:
    schema = ACTIONS["reboot"].schema((2, 1))
    schema.check({"reboot": {"type": "SOFT"}})
    schema.check({"reboot": {"type": "Hard"}})
    with pytest.raises(Refusal) as refused:
        schema.check({"reboot": {"type": "MEDIUM"}})
    assert refused.value.message == (
        "Invalid input for field/attribute type. Value: MEDIUM. "
        "'MEDIUM' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']"
    )


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"limit": ["-1"]}, "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'"),
        ({"foo": ["1"]}, "'foo' does not match any of the regexes: '^_'"),
    ],
)
def test_a_wrong_query_is_refused_in_novas_words(query: dict[str, list[str]], sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_query(query, (2, 96), admin=False)
    assert (refused.value.status, refused.value.message) == (400, sentence)


def test_unknown_parameters_are_ignored_before_2_75() -> None:
    check_query({"foo": ["1"]}, (2, 74), admin=False)


@pytest.mark.parametrize("pattern", ["(a+)+b", "a*b*c*d", "x" * 256, "[", "a**"])
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(Refusal) as refused:
        matches(instances.c.name, pattern)
    assert refused.value.status == 400


@pytest.mark.parametrize("pattern", ["web", "^web$", "web-[0-9]+", ".*web.*", r"a\*b\*c\*d", "a|b"])
def test_a_usual_pattern_is_accepted(pattern: str) -> None:
    matches(instances.c.name, pattern)
