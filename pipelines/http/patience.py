"""How often and after what wait a request is tried again."""

from __future__ import annotations

import tenacity

ATTEMPTS = 7  # about a minute of patience with a service that does not say how long to wait
FIRST_WAIT_SECONDS = 1.0
RUN_AGAIN = "Run the command again later; it continues where it stopped."


class TransientError(Exception):
    """Worth another attempt, after the wait that the service wants if it said so."""

    def __init__(
        self,
        message: str,
        *,
        wait_seconds: float | None = None,
        attempts: int = ATTEMPTS,
        next_step: str = RUN_AGAIN,
    ) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds
        self.attempts = attempts
        self.next_step = next_step


def _problem(state: tenacity.RetryCallState) -> TransientError | None:
    problem = state.outcome.exception() if state.outcome else None
    return problem if isinstance(problem, TransientError) else None


def stop(state: tenacity.RetryCallState) -> bool:
    """Whether it was tried often enough."""
    problem = _problem(state)
    return state.attempt_number >= (problem.attempts if problem else ATTEMPTS)


_backoff = tenacity.wait_exponential_jitter(initial=FIRST_WAIT_SECONDS, max=60.0, jitter=1.0)


def wait(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: what the service wants, else ever longer."""
    problem = _problem(state)
    wanted = problem.wait_seconds if problem else None
    return _backoff(state) if wanted is None else wanted
