"""The receiver: an event is committed to the inbox before its sender hears 200.

Answers: 200 stored, or known already · 400 not JSON and not authenticated by a header · 401 wrong or no secret ·
408 the body came too slowly · 413 larger than 1 MB · 415 not JSON by its content type · 503 not stored, send it again.
Once the sender has proved itself by a header, nothing is turned away: a body that cannot be read is stored as received,
with the reason in ``parse_error``. An event of an unknown kind is stored and marked in the same place.
"""

from __future__ import annotations

import asyncio
import logging

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pipelines.config import Receiver
from pipelines.errors import ConfigurationError, StoreError
from pipelines.inbox import clay, smartlead
from pipelines.inbox.bodies import read_body
from pipelines.inbox.events import InboxEvent, append
from pipelines.store import reading

BODY_LIMIT_BYTES = 1_000_000
BODY_SECONDS = 30.0
log = logging.getLogger(__name__)


class _RefusedRequest(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def receiver_app(engine: sa.Engine, settings: Receiver) -> Starlette:
    """The ASGI application that receives Smartlead's webhooks and Clay's callbacks.

    Raises:
        ConfigurationError: a secret is empty.
    """
    smartlead_secret = settings.smartlead_secret.get_secret_value()
    clay_secret = settings.clay_secret.get_secret_value()
    if not smartlead_secret or not clay_secret:
        raise ConfigurationError(
            "A secret of the receiver is empty: anybody could send events.",
            next_step="Set OUTREACH_RECEIVER__SMARTLEAD_SECRET and OUTREACH_RECEIVER__CLAY_SECRET.",
        )

    async def smartlead_webhook(request: Request) -> JSONResponse:
        raw = await _read(request)
        body = read_body(raw)
        signature = request.headers.get(smartlead.SIGNATURE_HEADER)
        if signature is not None:
            is_genuine = smartlead.has_valid_signature(raw, signature, smartlead_secret)
        elif body.error:
            raise _RefusedRequest(400, f"The body is {body.error}.")
        else:
            is_genuine = smartlead.has_valid_secret(body.payload, smartlead_secret)
        if not is_genuine:
            raise _RefusedRequest(401, "The secret is missing or wrong.")
        return await _store(engine, smartlead.webhook_event(body, smartlead_secret))

    async def clay_callback(request: Request) -> JSONResponse:
        if not clay.has_valid_token(request.headers.get("authorization", ""), clay_secret):
            raise _RefusedRequest(401, "The bearer token is missing or wrong.")
        return await _store(engine, clay.callback_event(read_body(await _read(request))))

    async def health(_: Request) -> JSONResponse:
        await run_in_threadpool(_check_store, engine)
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/smartlead/webhook", smartlead_webhook, methods=["POST"]),
            Route("/clay/callback", clay_callback, methods=["POST"]),
            Route("/health", health),
        ],
        exception_handlers={
            _RefusedRequest: _refuse,
            StoreError: _not_stored,
            sa.exc.TimeoutError: _not_stored,
            ClientDisconnect: _gone,
        },
    )


async def _read(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _RefusedRequest(415, "The content type must be application/json.")
    if int(request.headers.get("content-length", "0")) > BODY_LIMIT_BYTES:
        raise _RefusedRequest(413, f"The body is larger than {BODY_LIMIT_BYTES:,} bytes.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_at_most(request, BODY_LIMIT_BYTES)
    except TimeoutError:
        raise _RefusedRequest(408, f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None


async def _read_at_most(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _RefusedRequest(413, f"The body is larger than {limit:,} bytes.")
    return bytes(body)


async def _store(engine: sa.Engine, event: InboxEvent) -> JSONResponse:
    (event_id,) = await run_in_threadpool(append, engine, [event])
    status = "duplicate" if event_id is None else "stored"
    log.info("%s %s %s: %s", event.source, event.channel, event.event_type, status)
    return JSONResponse({"status": status, "event_id": event_id, "problem": event.parse_error})


def _check_store(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        connection.execute(sa.text("select 1"))


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, _RefusedRequest)  # noqa: S101  # Starlette's type for handlers is wider
    return JSONResponse({"error": error.reason}, status_code=error.status)


async def _not_stored(_: Request, error: Exception) -> JSONResponse:
    log.error("Not stored: %s", error)
    return JSONResponse({"error": "The event could not be stored; send it again later."}, status_code=503)


async def _gone(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"error": "The sender closed the connection."}, status_code=400)
