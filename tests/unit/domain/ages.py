"""One event type in three ages of the code. Nothing in Chronova has a second version yet, so tests have this one."""

from collections.abc import Callable
from typing import Any, ClassVar

from domain.aggregate import Aggregate, Created, Event


def first_age() -> type[Created]:
    class Shelf(Aggregate):
        TOPIC: ClassVar[str] = "chronova.shelf"
        KIND: ClassVar[str] = "shelf"

    class ShelfBuilt(Created):
        """A shelf was built."""

        TOPIC: ClassVar[str] = "chronova.shelf.built.v1"

        maker: str  # forename and surname
        width: int  # in metres

    return ShelfBuilt


def second_age() -> type[Created]:
    class Shelf(Aggregate):
        TOPIC: ClassVar[str] = "chronova.shelf"
        KIND: ClassVar[str] = "shelf"

    class ShelfBuilt(Created):
        """A shelf was built."""

        TOPIC: ClassVar[str] = "chronova.shelf.built.v2"

        maker: str
        width_mm: int

        class V1:
            """A shelf was built, to the metre."""

            maker: str
            width: int  # in metres

        @staticmethod
        def upcast_v1_v2(parts: dict[str, Any]) -> None:
            parts["width_mm"] = parts.pop("width") * 1000

    return ShelfBuilt


def third_age() -> type[Created]:
    class Shelf(Aggregate):
        TOPIC: ClassVar[str] = "chronova.shelf"
        KIND: ClassVar[str] = "shelf"

        makers: list[str]
        width_mm: int
        colour: str | None

    class ShelfBuilt(Created):
        """A shelf was built."""

        TOPIC: ClassVar[str] = "chronova.shelf.built.v3"

        makers: list[str]
        width_mm: int
        colour: str | None

        class V1:
            """A shelf was built, to the metre."""

            maker: str
            width: int  # in metres

        class V2:
            """A shelf was built, by one."""

            maker: str
            width_mm: int

        @staticmethod
        def upcast_v1_v2(parts: dict[str, Any]) -> None:
            parts["width_mm"] = parts.pop("width") * 1000

        @staticmethod
        def upcast_v2_v3(parts: dict[str, Any]) -> None:
            parts["makers"] = [parts.pop("maker")]
            parts["colour"] = None

        def apply(self, aggregate: Shelf) -> None:
            """It stands."""
            aggregate.makers, aggregate.width_mm, aggregate.colour = self.makers, self.width_mm, self.colour

    return ShelfBuilt


AGES: tuple[Callable[[], type[Event]], ...] = (first_age, second_age, third_age)
