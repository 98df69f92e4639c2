from datetime import UTC, datetime

import pytest

from domain.errors import Invalid, QuotaExceeded
from domain.identity.project import Project, create_project
from domain.project.quota import change_quota, limits_of, reset_quota
from domain.project.usage import Ask, UsageReserved, overrun, reserve

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TINY = {"instances": 1, "cores": 1, "ram": 128}


def project(**limits: int) -> Project:
    made = create_project("p", name="p", at=AT)
    if limits:
        change_quota(made, limits, at=AT)
    return made


def wanted(*names: str, least: int = 0, **amounts: int) -> Ask:
    return Ask({name: {**TINY, **amounts} for name in names}, least=least)


def test_requests_are_granted_in_their_order_until_the_quota_is_used_up_by_one_event() -> None:
    demo = project(instances=2)
    before = len(demo.pending_events)
    first, second, third = reserve(demo, [wanted("a"), wanted("b"), wanted("c")], defaults={}, at=AT)
    assert (first, second) == (("a",), ("b",))
    assert isinstance(third, QuotaExceeded)
    assert str(third) == "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances"
    assert [type(event) for event in demo.pending_events[before:]] == [UsageReserved]


def test_a_request_is_granted_as_far_as_it_fits_when_it_can_do_with_less() -> None:
    demo = project(instances=2)
    assert reserve(demo, [wanted("a", "b", "c", least=1)], defaults={}, at=AT) == [("a", "b")]
    (refused,) = reserve(demo, [wanted("d", "e", least=1)], defaults={}, at=AT)
    assert str(refused) == "Quota exceeded for instances: Requested 1-2, but already used 2 of 2 instances"


def test_all_or_none_where_nothing_else_is_said() -> None:
    (refused,) = reserve(project(instances=2), [wanted("a", "b", "c")], defaults={}, at=AT)
    assert isinstance(refused, QuotaExceeded)


def test_the_sentence_lists_every_resource_that_is_short() -> None:
    demo = project(instances=1, cores=3, ram=-1)
    reserve(demo, [wanted("a", cores=2)], defaults={}, at=AT)
    (refused,) = reserve(demo, [wanted("b", cores=2)], defaults={}, at=AT)
    assert str(refused) == (
        "Quota exceeded for cores, instances: Requested 2, 1, but already used 2, 1 of 3, 1 cores, instances"
    )


def test_only_what_is_taken_more_is_held_to_the_limits() -> None:
    demo = project(cores=4)
    reserve(demo, [wanted("a", cores=4)], defaults={}, at=AT)
    change_quota(demo, {"cores": 2}, force=True, at=AT)
    (grown,) = reserve(demo, [wanted("a", cores=5)], defaults={}, at=AT)
    assert isinstance(grown, QuotaExceeded)
    assert reserve(demo, [wanted("a", cores=3)], defaults={}, at=AT) == [("a",)]
    assert demo.usage["cores"] == 3
    event = demo.pending_events[-1]
    assert isinstance(event, UsageReserved)
    assert overrun(demo, event.limits) == ()


def test_the_projects_own_limits_come_before_those_of_the_class_and_those_before_the_first() -> None:
    limits = limits_of({"instances": 1}, {"instances": 2, "cores": 3})
    assert (limits["instances"], limits["cores"], limits["ram"]) == (1, 3, 51200)


def test_a_limit_below_what_is_taken_must_be_forced() -> None:
    demo = project(instances=3)
    reserve(demo, [wanted("a", "b")], defaults={}, at=AT)
    sentence = "Quota limit 1 for instances must be greater than or equal to already used and reserved 2."
    with pytest.raises(Invalid, match=sentence):
        change_quota(demo, {"instances": 1}, at=AT)
    change_quota(demo, {"instances": 1}, force=True, at=AT)
    reset_quota(demo, at=AT)
    assert demo.limits == {}


@pytest.mark.parametrize("wrong", [{"instances": -2}, {"horses": 1}])
def test_what_is_no_limit_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        change_quota(project(), wrong, at=AT)
