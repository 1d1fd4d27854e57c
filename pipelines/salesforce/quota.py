"""An org's daily allowance of API calls: what is used, what is kept for the business, and when Salesforce says stop."""

from __future__ import annotations

import re

import httpx

from pipelines.errors import QuotaError

# Salesforce Edge answers 406 and 420 for moments while it sets a route up.
_MOMENTARY = {406, 420, 429}
_LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
_API_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")


class Quota:
    """The calls of one client, and the org's usage as its answers tell it (``Sforce-Limit-Info``).

    Args:
        org: for the errors.
        reserve: the share of the daily allowance that is left to the business, 0 to 1.
    """

    def __init__(self, org: str, reserve: float) -> None:
        self._org = org
        self._reserve = reserve
        self.calls = 0
        self.usage: tuple[int, int] | None = None

    def __str__(self) -> str:
        used = f", {self.usage[0]:,} of {self.usage[1]:,} of the day are used" if self.usage else ""
        return f"{self.calls} API calls{used}"

    def note(self, response: httpx.Response) -> None:
        """Count a call.

        Raises:
            QuotaError: Salesforce says that the allowance is gone.
        """
        self.calls += 1
        if usage := _API_USAGE.search(response.headers.get("sforce-limit-info", "")):
            self.usage = (int(usage[1]), int(usage[2]))
        if response.status_code == 403 and _LIMIT_EXCEEDED in response.text and not is_busy(response):
            raise QuotaError(
                f"Salesforce {self._org} has no API calls left for now ({_LIMIT_EXCEEDED}).",
                next_step="The allowance is counted over the last 24 hours: run the command again later.",
            )

    def check_reserve(self) -> None:
        """Check that the reserve for the business is untouched.

        Raises:
            QuotaError: it would be used by the next call.
        """
        if self.usage and self.usage[0] >= self.usage[1] * (1 - self._reserve):
            raise QuotaError(
                f"Salesforce {self._org} has used {self.usage[0]:,} of its {self.usage[1]:,} API calls of the day;"
                f" {self._reserve:.0%} are kept for the business.",
                next_step="Run the command again later, or lower quota_reserve of the org.",
            )


def is_busy(response: httpx.Response) -> bool:
    """Whether another attempt in seconds may succeed; too many calls at once is, a used-up day is not."""
    if response.status_code in _MOMENTARY or response.status_code >= 500:
        return True
    if response.status_code != 403:
        return False
    text = response.text
    return _LIMIT_EXCEEDED in text and "concurrent" in text.lower()
