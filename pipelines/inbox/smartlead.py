"""Smartlead's webhooks: how they prove themselves, and what identifies one."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

from pipelines.inbox.bodies import Body, kind_text, without_secret
from pipelines.inbox.events import InboxEvent, dedupe_key

SOURCE = "smartlead"
SECRET_KEYS = ("secret_key", "secretkey")  # the second one in Smartlead's own test event
SECRET_IN_TEXT = re.compile(rf'"(?:{"|".join(SECRET_KEYS)})"\s*:\s*"([^"]*)"')
SIGNATURE_HEADER = "x-smartlead-signature"
CATEGORY_OBSERVED = "LEAD_CATEGORY_OBSERVED"  # ours: what a poll saw
EVENT_TYPES = {
    "EMAIL_SENT",
    "FIRST_EMAIL_SENT",
    "EMAIL_OPEN",
    "EMAIL_LINK_CLICK",
    "EMAIL_REPLY",
    "EMAIL_BOUNCE",
    "LEAD_UNSUBSCRIBED",
    "LEAD_CATEGORY_UPDATED",
    "CAMPAIGN_STATUS_CHANGED",
    "UNTRACKED_REPLIES",
    "MANUAL_STEP_REACHED",
}
# Smartlead's pages print these; the wire shows the names above. Both are understood.
DOCUMENTED_NAMES = {
    "EMAIL_OPENED": "EMAIL_OPEN",
    "OPENED": "EMAIL_OPEN",
    "EMAIL_CLICKED": "EMAIL_LINK_CLICK",
    "CLICKED": "EMAIL_LINK_CLICK",
    "EMAIL_REPLIED": "EMAIL_REPLY",
    "REPLIED": "EMAIL_REPLY",
    "EMAIL_BOUNCED": "EMAIL_BOUNCE",
    "BOUNCED": "EMAIL_BOUNCE",
    "EMAIL_UNSUBSCRIBED": "LEAD_UNSUBSCRIBED",
    "UNSUBSCRIBED": "LEAD_UNSUBSCRIBED",
}


def has_valid_signature(raw: bytes, signature: str, secret: str) -> bool:
    """Whether the signature header is the HMAC of the raw body."""
    expected = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().encode())


def has_valid_secret(body: Body, secret: str) -> bool:
    """Whether the body shows the secret, also one that is no JSON."""
    if body.error:
        found = SECRET_IN_TEXT.search(body.text)
        shown: Any = found.group(1) if found else None
    else:
        shown = next((body.payload[name] for name in SECRET_KEYS if body.payload.get(name)), None)
    return isinstance(shown, str) and hmac.compare_digest(shown.encode(), secret.encode())


def webhook_event(body: Body, secret: str) -> InboxEvent:
    """The inbox event of a webhook whose sender has proved itself. The secret in its body is not kept."""
    text = without_secret(body, secret)
    if body.error:
        return InboxEvent(SOURCE, "webhook", dedupe_key(text), None, text, body.error)
    shown = kind_text(body.payload.get("event_type") or body.payload.get("event"))
    event_type = DOCUMENTED_NAMES.get(shown, shown) if shown else None
    return InboxEvent(
        source=SOURCE,
        channel="webhook",
        dedupe_key=_key(event_type, body.payload),
        event_type=event_type,
        body=text,
        parse_error=None if event_type in EVENT_TYPES else f"unknown event type {event_type}",
    )


def _key(event_type: str | None, payload: dict[str, Any]) -> str:
    """No webhook carries an event id. A message id alone would not do: sent, open and click share it."""
    when = _when(payload)
    if not when:  # some types show no time: only equal payloads are surely the same fact
        return dedupe_key(event_type, json.dumps(payload | dict.fromkeys(SECRET_KEYS), sort_keys=True))
    return dedupe_key(
        event_type,
        payload.get("campaign_id"),
        _whose(payload),
        when,
        _category_change(payload) if event_type == "LEAD_CATEGORY_UPDATED" else _message_id(payload),
    )


def _whose(payload: dict[str, Any]) -> str:
    for name in ("stats_id", "sl_email_lead_id", "lead_id"):
        if payload.get(name):
            return str(payload[name])
    email = payload.get("sl_lead_email") or payload.get("lead_email") or payload.get("to_email")
    return str(email or "").lower()


def _when(payload: dict[str, Any]) -> str:
    names = ("event_timestamp", "time_replied", "time_opened", "time_clicked", "time_sent", "timestamp")
    return next((str(payload[name]) for name in names if payload.get(name)), "")


def _message_id(payload: dict[str, Any]) -> str:
    for name in ("reply_message", "bounce_message"):
        message = payload.get(name)
        if isinstance(message, dict) and message.get("message_id"):
            return str(message["message_id"])
    return str(payload.get("bounce_reply_message_id") or "")


def _category_change(payload: dict[str, Any]) -> str:
    change = payload.get("lead_category")
    change = change if isinstance(change, dict) else {}
    new = change.get("new_id") or payload.get("lead_category_id") or payload.get("category")
    return f"{change.get('old_id')}>{new}"
