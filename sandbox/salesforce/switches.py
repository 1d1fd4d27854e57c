"""What nobody here knows for sure of the real service, and what an administrator may have set: one switch each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Switches:
    """The settings of one org; read and changed through ``/_sandbox/switches``."""

    # A permission of the integration user.
    edit_converted_leads: bool = False  # "View and Edit Converted Leads"
    # What the administrator has set up.
    duplicate_leads: str = "allow"  # a lead with another's e-mail address: allow; alert, which a header passes; block
    # What is not known for sure.
    deleted_members_in_query_all: bool = True  # else deleted campaign members are gone at once, as a user reports
    converted_members_keep_lead: bool = True  # else the members of a converted lead have only the contact's id
    email_change_clears_bounce: bool = True  # a new e-mail address empties EmailBouncedReason and EmailBouncedDate
    failed_rows_have_id: bool = False  # a row of a collection that failed repeats the id it was sent with
    precondition_body: bool = True  # a 412 explains itself in the body
    bulk_errors_name_fields: bool = True  # sf__Error ends with the fields and two dashes
    per_app_usage: bool = False  # Sforce-Limit-Info tells the connected app's own usage as well
    daily_limit_message: str = "TotalRequests Limit exceeded."
    # Sizes and times.
    open_query_locators: int = 10  # of a user; the oldest goes when there are more
    query_locator_hours: int = 48  # after which a query's next page is no longer there
    most_replicated_ids: int = 600_000  # in one answer of updated or deleted; above it EXCEEDED_ID_LIMIT
    replication_ignores_seconds: bool = False  # updated and deleted cut start and end to the minute
    recycle_bin_days: int = 0  # after how many days a record leaves the bin (really 15); 0: only when it is emptied
    deleted_log_days: int = 15  # how far back deleted reaches

    def change(self, values: Mapping[str, Any]) -> None:
        """Set some switches by name.

        Raises:
            ValueError: there is no such switch, or the value has another type; nothing is set.
        """
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"there is no switch '{name}'; there are {', '.join(known)}")
            if type(value) is not known[name]:
                raise ValueError(f"switch '{name}' takes a {known[name].__name__}")
        for name, value in values.items():
            setattr(self, name, value)

    def all(self) -> dict[str, Any]:
        """Every switch and its value."""
        return asdict(self)
