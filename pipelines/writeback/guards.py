"""Guards: what about a plan is unusual enough that a person has to look at it before anything is written.

The limits are reviewed data, ``seeds/write_guards.csv``. A plan within them is pushed as it is; any objection needs an
approval of the plan by somebody else than its planner (four eyes), or, for the first write of a field alone, a flag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.errors import ConfigurationError
from pipelines.writeback.allowlist import Allowlist, Row, parse_rows
from pipelines.writeback.plan import Plan
from pipelines.writeback.policy import Policy

GUARDS_FILE = Path("seeds/write_guards.csv")
Field = tuple[str, str]
OrgField = tuple[str, str, str]


class Kind(StrEnum):
    """Which guard objects."""

    TOO_MANY = "too_many_records"
    TOO_LARGE_A_SHARE = "too_large_a_share"
    FIRST_RUN = "first_run"
    FOUR_EYES = "four_eyes"
    OVERRIDE = "override"


@dataclass(frozen=True)
class Guard:
    """One row of the reviewed limits; ``max_share`` is 0 to 1."""

    object: str
    field: str
    cadence: str
    max_records: int
    max_share: float
    share_from_records: int
    owner: str


@dataclass(frozen=True)
class Objection:
    """One reason why a plan needs a person's consent, about one field of one org."""

    kind: Kind
    org: str
    object: str
    field: str
    why: str

    def __str__(self) -> str:
        return f"{self.org} {self.object}.{self.field}: {self.why}"


def read_guards(project_dir: Path) -> dict[Field, Guard]:
    """The limits by object and field.

    Raises:
        ConfigurationError: the file is missing, has a row that cannot be read, or lists a field twice.
    """
    file = project_dir / GUARDS_FILE
    rows = parse_rows(file, _guard)
    guards = {(row.object, row.field): row for row in rows}
    if len(guards) != len(rows):
        raise ConfigurationError(f"{file} lists a field twice.", next_step="Keep one row for each object and field.")
    return guards


def cadence_fields(project_dir: Path, cadence: str) -> set[Field]:
    """The fields that one cadence of the scheduler writes.

    Raises:
        ConfigurationError: no field has this cadence.
    """
    guards = read_guards(project_dir)
    fields = {key for key, guard in guards.items() if guard.cadence == cadence}
    if not fields:
        known = ", ".join(sorted({guard.cadence for guard in guards.values()}))
        raise ConfigurationError(f"There is no cadence '{cadence}'.", next_step=f"Choose from {known}.")
    return fields


def objections(
    plan: Plan, allowlist: Allowlist, guards: Mapping[Field, Guard], written_before: set[OrgField]
) -> list[Objection]:
    """What the guards have against pushing a plan without further consent.

    Args:
        plan: what would be written.
        allowlist: says which fields always need four eyes.
        guards: the limits; a field without a row may not be written at all.
        written_before: the fields of each org for which the ledger has an applied write.

    Raises:
        ConfigurationError: a field of the plan has no row in the limits.
    """
    planned = Counter((change.org, change.object, change.field) for change in plan.changes)
    overridden = Counter((one.org, one.object, one.field) for one in plan.changes if one.policy == Policy.OVERRIDE)
    found = []
    for (org, object_name, field), count in sorted(planned.items()):
        guard = guards.get((object_name, field))
        if guard is None:
            raise ConfigurationError(
                f"{GUARDS_FILE} has no row for {object_name}.{field}; nothing was written.",
                next_step="Add a reviewed row with its limits.",
            )
        rule = allowlist.rule(object_name, field)
        reasons = [
            (Kind.TOO_MANY, _too_many(guard, count)),
            (Kind.TOO_LARGE_A_SHARE, _too_large(guard, count, plan.record_counts.get(f"{org} {object_name}", 0))),
            (Kind.FIRST_RUN, None if (org, object_name, field) in written_before else "was never written before"),
            (Kind.OVERRIDE, "takes back what is set once" if overridden[org, object_name, field] else None),
            (Kind.FOUR_EYES, "the allowlist demands four eyes" if rule and rule.four_eyes else None),
        ]
        found += [Objection(kind, org, object_name, field, why) for kind, why in reasons if why]
    return found


def _too_many(guard: Guard, count: int) -> str | None:
    if count <= guard.max_records:
        return None
    return f"{count:,} records, the limit is {guard.max_records:,}"


def _too_large(guard: Guard, count: int, records: int) -> str | None:
    if count < guard.share_from_records or count <= guard.max_share * records:
        return None
    return f"{count:,} of {records:,} records in the org, the limit is {guard.max_share:.0%}"


def _guard(row: Row) -> Guard:
    guard = Guard(
        object=row["object"],
        field=row["field"],
        cadence=row["cadence"],
        max_records=int(row["max_records"]),
        max_share=float(row["max_share"]),
        share_from_records=int(row["share_from_records"]),
        owner=row["owner"],
    )
    if guard.max_records < 0 or not 0 <= guard.max_share <= 1:
        raise ValueError("a limit is out of its range")
    return guard
