"""What a field is, and short ways to describe one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SQL_TYPES = {"boolean": "boolean", "date": "date", "datetime": "timestamp"}  # everything else is text


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

    @property
    def sql_type(self) -> str:
        """The column type in DuckDB."""
        return SQL_TYPES.get(self.type, "varchar")

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


def reference(name: str, *objects: str, relationship: str | None = None) -> Field:
    """A lookup to records of some objects."""
    return Field(name, "reference", 18, references=objects, relationship=relationship or name.removesuffix("Id"))


def choice(name: str, *values: str, access: Access = Access.READ, inactive: tuple[str, ...] = ()) -> Field:
    """A picklist."""
    return Field(name, "picklist", 40, access, values, inactive)
