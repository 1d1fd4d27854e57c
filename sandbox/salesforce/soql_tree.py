"""What a SOQL query consists of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Value:
    """A literal: its kind (string, number, date, datetime, word) and its content."""

    kind: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """A field, or after HAVING an aggregate function of one, compared with a value."""

    path: str
    operator: str
    value: Value
    function: str = ""


@dataclass(frozen=True)
class Membership:
    """A field that must, or must not, be one of some values or of a subquery's results."""

    path: str
    values: tuple[Value, ...] | Query
    is_negated: bool


@dataclass(frozen=True)
class Logic:
    """Conditions joined by ``and``, ``or`` or ``not``."""

    operator: str
    operands: tuple[Condition, ...]


Condition = Comparison | Membership | Logic


@dataclass(frozen=True)
class Item:
    """Something selected or sorted by: a field, an aggregate function of a field, or FIELDS of a kind."""

    path: str
    function: str = ""  # count, count_distinct, min, max, fields
    alias: str = ""


@dataclass(frozen=True)
class Group:
    """The fields that make a group, and which groups are wanted."""

    paths: tuple[str, ...] = ()
    having: Condition | None = None


@dataclass(frozen=True)
class Term:
    """What to sort by."""

    item: Item
    is_descending: bool = False
    nulls: str | None = None


@dataclass
class Query:
    """A parsed query; without items it counts."""

    items: list[Item] = field(default_factory=list)
    sobject: str = ""
    where: Condition | None = None
    group: Group = Group()
    order: list[Term] = field(default_factory=list)
    limit: int | None = None
    offset: int | None = None

    @property
    def is_count(self) -> bool:
        """Whether only the number of records is asked for."""
        return not self.items

    @property
    def is_aggregate(self) -> bool:
        """Whether the result is not records, but figures about groups of them."""
        return bool(self.group.paths) or any(one.function not in {"", "fields"} for one in self.items)
