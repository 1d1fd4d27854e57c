"""What an export reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class ExportSummary:
    """What an export found and did. ``open`` rows may or may not have arrived; the next export settles them.

    ``rows_in_clay`` and what follows compare the table with the members, None and empty where it cannot be read:
    ``missing_in_clay`` says of each member that is not there what is known of its row.
    """

    org: str
    campaign_id: str
    campaign_name: str
    table_id: str
    as_of_at: str
    members: int
    exportable: int
    without_keys: int
    already_accepted: int
    found_in_clay: int = 0
    to_send: int = 0
    accepted: int = 0
    rejected: int = 0
    open: int = 0
    is_dry_run: bool = False
    rows_in_clay: int | None = None
    is_table_full: bool = False
    missing_in_clay: dict[str, str] = field(default_factory=dict)
    repeated_in_clay: list[str] = field(default_factory=list)
    foreign_in_clay: int = 0

    def as_dict(self) -> dict[str, object]:
        """For ``--json`` and the run history."""
        return asdict(self)
