"""What an answer of Clay's lookups says, whichever of the shapes that others have written down it has."""

from __future__ import annotations

import math
from typing import Any

from pipelines.errors import DataError

# Around the record of a person or company there may be nothing, or any of these, one inside the other.
WRAPPERS = {
    "person": ("person", "people", "data", "result", "results"),
    "company": ("company", "companies", "data", "result", "results"),
}
# One of these makes an object a record; without any, it may be a receipt for a job.
FIELDS = {
    "person": {"first_name", "firstName", "full_name", "fullName", "name", "title", "job_title", "jobTitle", "headline"}
    | {"linkedin_url", "linkedinUrl", "linkedin"},
    "company": {"company_name", "companyName", "name", "industry", "employee_count", "employeeCount", "size"}
    | {"description", "linkedin_url", "linkedinUrl", "website"},
}
CREDITS = ("credits_used", "creditsUsed", "credits_consumed", "creditsConsumed", "credit_cost")
AROUND_CREDITS = ("usage", "meta", "billing")
NOTHING_FOUND = {"not_found", "no_match", "not found"}


def record_of(subject: str, content: Any) -> dict[str, Any] | None:
    """The record of a ``person`` or a ``company`` in an answer, None for a miss.

    Raises:
        DataError: it has none of the known shapes, or several records, of which none may be guessed.
    """
    if content is None or content in ({}, []):
        return None
    if isinstance(content, list) and len(content) == 1:
        return record_of(subject, content[0])
    if not isinstance(content, dict):
        raise _unknown(subject, "several records" if isinstance(content, list) else "no object")
    if content.get("found") is False or str(content.get("status", "")).lower() in NOTHING_FOUND:
        return None
    for name in WRAPPERS[subject]:
        if name in content and (content[name] is None or isinstance(content[name], dict | list)):
            return record_of(subject, content[name])
    if not FIELDS[subject] & content.keys():
        raise _unknown(subject, f"only {', '.join(sorted(content))}")
    return content


def credits_of(content: Any) -> int | None:
    """The credits that an answer names, rounded up; None if it names none."""
    if not isinstance(content, dict):
        return None
    places = [content, *(content[name] for name in AROUND_CREDITS if isinstance(content.get(name), dict))]
    named = [place[name] for place in places for name in CREDITS if name in place]
    numbers = [value for value in named if isinstance(value, int | float) and not isinstance(value, bool)]
    return math.ceil(max(numbers)) if numbers and max(numbers) >= 0 else None


def _unknown(subject: str, what: str) -> DataError:
    return DataError(
        f"Clay's answer about a {subject} has an unknown shape: {what}.",
        next_step="It is kept in clay_lookups of the operational store. Compare it with what docs/clay.md assumes.",
    )
