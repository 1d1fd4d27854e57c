"""The receiver's OpenAPI document."""

from __future__ import annotations

from typing import Any

from pipelines.inbox.intake import BODY_LIMIT_BYTES, BUSY_SECONDS
from pipelines.inbox.smartlead import SIGNATURE_HEADER

REFUSALS = {
    "400": "The body is not JSON, and its sender has not proved itself.",
    "401": "The secret is missing or wrong.",
    "408": "The body came too slowly.",
    "413": f"The body is larger than {BODY_LIMIT_BYTES:,} bytes.",
    "415": "The content type is not application/json.",
    "503": f"Not stored; send it again after {BUSY_SECONDS} seconds (Retry-After).",
}
STORED = {
    "type": "object",
    "required": ["status", "event_id", "problem"],
    "properties": {
        "status": {"enum": ["stored", "duplicate", "not_kept"]},
        "event_id": {"type": ["integer", "null"], "description": "null unless it was stored"},
        "problem": {"type": ["string", "null"], "description": "why the event was stored but marked"},
    },
}


def document(version: str) -> dict[str, Any]:
    """The document, as JSON-ready values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Outreach receiver",
            "version": version,
            "description": "An event is on the disk before its sender hears 200. Sending it again is harmless.",
        },
        "paths": {
            "/smartlead/webhook": _post("A webhook of Smartlead", [{"smartleadSignature": []}, {}]),
            "/clay/callback": _post("A callback of a Clay HTTP API column", [{"clayToken": []}]),
            "/health": _get("Whether the process is alive"),
            "/ready": _get("Whether the store can be reached; 503 when not", "503"),
            "/metrics": _get("Metrics in Prometheus' text format"),
            "/openapi.json": _get("This document"),
        },
        "components": {
            "schemas": {"Stored": STORED},
            "securitySchemes": {
                "smartleadSignature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": SIGNATURE_HEADER,
                    "description": "sha256= and the HMAC of the body; without it, secret_key in the body decides",
                },
                "clayToken": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _post(summary: str, security: list[dict[str, list[str]]]) -> dict[str, Any]:
    stored = {"application/json": {"schema": {"$ref": "#/components/schemas/Stored"}}}
    return {
        "post": {
            "summary": summary,
            "security": security,
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": {
                "200": {"description": "Stored, or known already", "content": stored},
                **{status: {"description": reason} for status, reason in REFUSALS.items()},
            },
        }
    }


def _get(summary: str, *more: str) -> dict[str, Any]:
    return {
        "get": {
            "summary": summary,
            "responses": {status: {"description": summary} for status in ("200", *more)},
        }
    }
