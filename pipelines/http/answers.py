"""What an answer says: whether to try again, how long to wait, when it was given, and why it is not what we wanted."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

E_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")


def is_busy(response: httpx.Response) -> bool:
    """Whether an answer is worth another attempt: 429 and 5xx."""
    return response.status_code == 429 or response.status_code >= 500


def without_addresses(text: str) -> str:
    """The text with a word in place of each e-mail address (R8)."""
    return E_MAIL.sub("[e-mail]", text)


def wanted_wait(response: httpx.Response) -> float | None:
    """How many seconds the service asks us to wait (header as seconds or date, or the body), None if it is silent."""
    header = response.headers.get("retry-after", "").strip()
    if header.replace(".", "", 1).isdigit():
        return float(header)
    if header:
        try:
            until = parsedate_to_datetime(header).astimezone(UTC)
        except (ValueError, TypeError):
            return None
        seconds_left: float = (until - service_time(response)).total_seconds()
        return max(0.0, seconds_left)
    body = _json_or_none(response)
    error = body.get("error") if isinstance(body, dict) else None
    seconds = error.get("retry_after") if isinstance(error, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else None


def service_time(response: httpx.Response) -> datetime:
    """When the service answered, by its own clock; by ours where it does not say."""
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC)


def reason_of(response: httpx.Response) -> str:
    """What an unsuccessful answer says: ``message``, ``error``, ``error.message`` or Salesforce's list of them."""
    body = _json_or_none(response)
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, dict):
        error = body.get("error")
        candidates = (
            error.get("message") if isinstance(error, dict) else None,
            body.get("message"),
            body.get("error_description"),
            error,
        )
        said = next((text for text in candidates if isinstance(text, str)), "no reason given")
        code = body.get("errorCode")
        return f"{code}: {said[:300]}" if code else said[:300].rstrip(".")
    return "an HTML page" if is_html(response) else (response.text[:300].strip().rstrip(".") or "no reason given")


def _json_or_none(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def is_html(response: httpx.Response) -> bool:
    """Whether a page for people came where a document was expected."""
    return "html" in response.headers.get("content-type", "")
