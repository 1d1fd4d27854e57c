"""What a service answers to a request that changes records; every destination of the write-back speaks these words."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import ServiceError


@dataclass(frozen=True)
class RowResult:
    """What was answered for one record of an update."""

    success: bool
    error_code: str | None = None
    message: str | None = None


class LostAnswerError(ServiceError):
    """A change was sent and no usable answer came: it may have been applied or not. Only reading back can tell."""


class BusyError(ServiceError):
    """A change was not applied, and may be in a moment: the service is busy, or was not reached.

    Args:
        wait_seconds: how long the service asks to wait, None if it is silent.
    """

    def __init__(self, message: str, *, next_step: str | None = None, wait_seconds: float | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.wait_seconds = wait_seconds
