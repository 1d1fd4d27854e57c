"""Clay's callbacks (an HTTP API column calls us): how they prove themselves, and what identifies one."""

from __future__ import annotations

import hmac
import json
from typing import Any

from pipelines.inbox.bodies import Body, kind_text
from pipelines.inbox.events import InboxEvent, dedupe_key

SOURCE = "clay"
IDENTIFYING = {
    "enrichment": ("enriched_at",),
    "reply_classification": ("message_id", "classification", "classified_at"),
}


def has_valid_token(authorization: str, secret: str) -> bool:
    """Whether the Authorization header shows the secret as a bearer token."""
    return hmac.compare_digest(authorization.strip().encode(), f"Bearer {secret}".encode())


def callback_event(body: Body) -> InboxEvent:
    """The inbox event of a callback. Re-runs, automatic runs and retries in Clay all send the same fact again."""
    if body.error:
        return InboxEvent(SOURCE, "callback", dedupe_key(body.text), None, body.text, body.error)
    kind = body.payload.get("kind")
    is_known = isinstance(kind, str) and kind in IDENTIFYING
    return InboxEvent(
        source=SOURCE,
        channel="callback",
        dedupe_key=_key(kind, body.payload) if is_known else dedupe_key(_canonical(body.payload)),
        event_type=kind_text(kind),
        body=body.text,
        parse_error=None if is_known else f"unknown kind {kind_text(kind)}",
    )


def _key(kind: Any, payload: dict[str, Any]) -> str:
    names = ("table_id", "row_id", *IDENTIFYING[kind])
    values = [payload.get(name) for name in names]
    # An incomplete callback is a fact of its own, not the same as every other incomplete one.
    return dedupe_key(kind, *values) if all(values) else dedupe_key(kind, _canonical(payload))


def _canonical(payload: dict[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True)
