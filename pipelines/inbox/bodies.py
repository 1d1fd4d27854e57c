"""Request bodies: as text that every database can keep, and as a JSON object where they are one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

KIND_CHARACTERS = 200
NOT_UTF8 = "not valid JSON: its characters are not valid UTF-8"


@dataclass(frozen=True)
class Body:
    """A request body: its text, and either the JSON object in it or the reason why there is none."""

    text: str
    payload: dict[str, Any]
    error: str | None = None


def read_body(raw: bytes) -> Body:
    """Read a body. Bytes that are no UTF-8, and NUL, which PostgreSQL cannot keep, are shown as ``\\x…``."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Body(_storable(raw.decode("utf-8", errors="backslashreplace")), {}, NOT_UTF8)
    try:
        payload = JSON.decode(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(payload, ensure_ascii=False).encode()  # half a surrogate pair would break every reader later
    except UnicodeEncodeError:
        return Body(text, {}, NOT_UTF8)
    except (ValueError, RecursionError) as error:
        return Body(_storable(text), {}, f"not valid JSON: {_reason(error)}")
    if not isinstance(payload, dict):
        return Body(text, {}, f"not a JSON object but a {type(payload).__name__}")
    return Body(text, payload)


def without_secret(body: Body, secret: str) -> str:
    """The text of a body without the secret that its sender shows in it."""
    as_json = json.dumps(secret)[1:-1]
    return body.text.replace(as_json, "[removed]").replace(secret, "[removed]")


def kind_text(value: Any) -> str | None:
    """What a payload says of its own kind, short enough for a column and without NUL; None when it says nothing."""
    return str(value)[:KIND_CHARACTERS].replace("\x00", "\\x00") if value else None


def _storable(text: str) -> str:
    return text.replace("\x00", "\\x00")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (character {error.pos})"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
