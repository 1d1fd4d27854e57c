"""What a field is, and short ways to describe one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SQL_TYPES = {"boolean": "boolean", "date": "date", "datetime": "timestamp", "int": "integer"}
DECIMALS = {"currency", "double", "percent"}  # everything else is text


class Access(StrEnum):
    """What field-level security allows the integration user."""

    WRITE = "write"
    READ = "read"
    NONE = "none"


@dataclass(frozen=True)
class Field:
    """One field of one object in one org.

    A computed field has an ``expression``: SQL over ``{Field}`` and ``{Relationship.Field}`` in canonical names. Those
    that Salesforce would show as a formula also have its text.
    """

    name: str
    type: str
    length: int = 0
    access: Access = Access.READ
    values: tuple[str, ...] = ()
    inactive_values: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    relationship: str | None = None
    expression: str | None = None
    formula: str | None = None
    only_in: str | None = None
    is_external_id: bool = False
    api_name: str = ""
    precision: int = 0
    scale: int = 0

    @property
    def sql_type(self) -> str:
        """The column type in DuckDB."""
        if self.type in DECIMALS:
            return f"decimal({self.precision},{self.scale})"
        return SQL_TYPES.get(self.type, "varchar")

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.type == "int" or self.type in DECIMALS

    @property
    def is_stored(self) -> bool:
        """Whether the object's table has a column for it."""
        return self.expression is None


def text(name: str, length: int = 255) -> Field:
    """A text."""
    return Field(name, "string", length)


def flag(name: str, access: Access = Access.READ) -> Field:
    """A checkbox."""
    return Field(name, "boolean", access=access)


def moment(name: str) -> Field:
    """A date and time."""
    return Field(name, "datetime")


def day(name: str) -> Field:
    """A date."""
    return Field(name, "date")


def number(name: str, kind: str = "int", precision: int = 0, scale: int = 0) -> Field:
    """A whole number, or with precision and scale an amount (currency, double, percent)."""
    return Field(name, kind, precision=precision, scale=scale)


def reference(name: str, *objects: str, relationship: str | None = None) -> Field:
    """A lookup to records of some objects."""
    return Field(name, "reference", 18, references=objects, relationship=relationship or name.removesuffix("Id"))


def choice(name: str, *values: str, access: Access = Access.READ, inactive: tuple[str, ...] = ()) -> Field:
    """A picklist."""
    return Field(name, "picklist", 40, access, values, inactive)
