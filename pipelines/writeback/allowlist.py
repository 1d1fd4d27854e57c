"""The reviewed policy files: which fields may be written, and which approvals are in force."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from pipelines.errors import ConfigurationError
from pipelines.salesforce.ids import to_18
from pipelines.writeback.policy import FieldRule, Policy

ALLOWLIST_FILE = Path("seeds/field_allowlist.csv")
APPROVALS_FILE = Path("seeds/legal_approvals.csv")
_STATUSES = {"active", "pending_legal", "off"}
_POLICIES = {policy.value for policy in Policy if policy is not Policy.OVERRIDE}
_VALUE_TYPES = {"boolean", "text"}
_BOOLEANS = {"true": True, "false": False}
Row = dict[str, str]
Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Allowlist:
    """The rules by object and field, and the hash of the reviewed file."""

    rules: dict[tuple[str, str], FieldRule]
    hash: str

    def rule(self, object_name: str, field: str) -> FieldRule | None:
        """The rule for a field by its canonical name, None if it is not listed."""
        return self.rules.get((object_name, field))


@dataclass(frozen=True)
class Approval:
    """One row of the legal approvals."""

    approval_id: str
    org: str
    campaign_id: str
    object: str
    field: str
    valid_from: date
    valid_until: date

    def covers(self, org: str, campaign_id: str | None, rule: FieldRule, day: date) -> bool:
        """Whether this approval allows a field to be written for a campaign on a day (R4)."""
        return (self.org, self.campaign_id, self.object, self.field) == (
            org,
            campaign_id,
            rule.object,
            rule.field,
        ) and self.valid_from <= day <= self.valid_until


def read_allowlist(project_dir: Path) -> Allowlist:
    """Read and check the allowlist.

    Raises:
        ConfigurationError: the file is missing, lists a field twice, or has a value that is not known; names the line.
    """
    file = project_dir / ALLOWLIST_FILE
    rules = parse_rows(file, _rule)
    by_field = {(rule.object, rule.field): rule for rule in rules}
    if len(by_field) != len(rules):
        raise ConfigurationError(f"{file} lists a field twice.", next_step="Keep one row for each object and field.")
    return Allowlist(by_field, hashlib.sha256(file.read_bytes()).hexdigest())


def read_approvals(project_dir: Path) -> list[Approval]:
    """Read and check the legal approvals.

    Raises:
        ConfigurationError: the file is missing or a row cannot be read; names the line.
    """
    return parse_rows(project_dir / APPROVALS_FILE, _approval)


def parse_rows(file: Path, parse: Callable[[Row], Parsed]) -> list[Parsed]:
    """Read a reviewed CSV file, one object for each row.

    Raises:
        ConfigurationError: the file is missing or a row cannot be read; names the line.
    """
    return [_parsed(file, number, row, parse) for number, row in _rows(file)]


def _rows(file: Path) -> list[tuple[int, Row]]:
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            return list(enumerate(csv.DictReader(lines), start=2))
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}.",
            next_step="Run the command in the project directory, or set OUTREACH_PROJECT_DIR.",
        ) from None


def _parsed(file: Path, number: int, row: Row, parse: Callable[[Row], Parsed]) -> Parsed:
    try:
        return parse(row)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{file}, line {number} cannot be used: {type(error).__name__}: {error}.",
            next_step="Correct the line; dbt build checks the file too.",
        ) from None


def _rule(row: Row) -> FieldRule:
    return FieldRule(
        object=row["object"],
        field=row["field"],
        direction=row["direction"],
        status=_one_of(_STATUSES, row["status"]),
        is_writable=_BOOLEANS[row["is_writable"].lower()],
        policy=Policy(_one_of(_POLICIES, row["policy"])),
        value_type=_one_of(_VALUE_TYPES, row["value_type"]),
        approval_required=_BOOLEANS[row["approval_required"].lower()],
        owner=row["owner"],
        four_eyes=_BOOLEANS[row["four_eyes"].lower()],
    )


def _approval(row: Row) -> Approval:
    return Approval(
        approval_id=row["approval_id"],
        org=row["org"],
        campaign_id=to_18(row["campaign_id"]),
        object=row["object"],
        field=row["field"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_until=date.fromisoformat(row["valid_until"]),
    )


def _one_of(allowed: set[str], value: str) -> str:
    if value not in allowed:
        raise ValueError(f"'{value}' is not one of {', '.join(sorted(allowed))}")
    return value
