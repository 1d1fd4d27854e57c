"""The receiver: an event is committed to the inbox before its sender hears 200.

Answers: 200 stored, or known already · 400 not JSON and its sender not known · 401 wrong or no secret · 408 the body
came too slowly · 413 larger than 8 MB · 415 not JSON by its content type · 503 not stored, send it again.
Once the sender has proved itself, nothing is turned away: a body that cannot be read is stored as received, with the
reason in ``parse_error``, and acknowledged, so that it is not sent for ever. An event of an unknown kind is stored and
marked in the same place.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.config.running import Receiver
from pipelines.errors import ConfigurationError, StoreError
from pipelines.inbox import clay, smartlead
from pipelines.inbox.bodies import read_body
from pipelines.inbox.events import NOT_KEPT, InboxEvent
from pipelines.inbox.group_commit import GroupCommit
from pipelines.inbox.intake import BUSY_SECONDS, Bodies, Body, RefusedRequest, RequestRate
from pipelines.inbox.metrics import Metrics
from pipelines.inbox.openapi import document
from pipelines.store import reading

EventReader = Callable[[Request, Body], Awaitable[InboxEvent]]
log = logging.getLogger(__name__)


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
    intake = _Intake(engine, settings.requests_per_second)

    async def smartlead_webhook(request: Request, content: Body) -> InboxEvent:
        raw = await content.read()
        body = read_body(raw)
        signature = request.headers.get(smartlead.SIGNATURE_HEADER)
        if signature is not None:
            is_genuine = smartlead.has_valid_signature(raw, signature, smartlead_secret)
        else:
            is_genuine = smartlead.has_valid_secret(body, smartlead_secret)
        if not is_genuine and signature is None and body.error:
            raise RefusedRequest(400, f"The body is {body.error}.")
        if not is_genuine:
            raise RefusedRequest(401, "The secret is missing or wrong.")
        return smartlead.webhook_event(body, smartlead_secret)

    async def clay_callback(request: Request, content: Body) -> InboxEvent:
        if not clay.has_valid_token(request.headers.get("authorization", ""), clay_secret):
            raise RefusedRequest(401, "The bearer token is missing or wrong.")
        return clay.callback_event(read_body(await content.read()))

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> JSONResponse:
        try:
            await run_in_threadpool(_check_store, engine)
        except (StoreError, sa.exc.TimeoutError) as error:
            return _not_stored(error)
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        return Response(intake.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(_: Request) -> JSONResponse:
        return JSONResponse(document(version("outreach-warehouse")))

    return Starlette(
        routes=[
            Route("/smartlead/webhook", intake.endpoint(smartlead.SOURCE, smartlead_webhook), methods=["POST"]),
            Route("/clay/callback", intake.endpoint(clay.SOURCE, clay_callback), methods=["POST"]),
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/openapi.json", openapi),
        ],
    )


class _Intake:
    """What both sources share: the way of a request into the inbox, its limits and its counts."""

    def __init__(self, engine: sa.Engine, requests_per_second: int) -> None:
        self._requests_per_second = requests_per_second
        self._bodies = Bodies()
        self.metrics = Metrics()
        self._inbox = GroupCommit(engine, self.metrics.committed)
        self.metrics.watch(lambda: self._inbox.waiting, lambda: self._bodies.held_bytes)

    def endpoint(self, source: str, read_event: EventReader) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a source; ``read_event`` raises RefusedRequest for what must not be stored."""
        rate = RequestRate(self._requests_per_second)

        async def answer(request: Request) -> Response:
            started_at = time.perf_counter()
            response = await self._answer(request, rate, read_event)
            self.metrics.answered(source, response.status_code, time.perf_counter() - started_at)
            return response

        return answer

    async def _answer(self, request: Request, rate: RequestRate, read_event: EventReader) -> Response:
        try:
            rate.take()
            with self._bodies.reading(request) as body:
                return await self._store(await read_event(request, body))
        except RefusedRequest as refusal:
            return _refused(refusal)
        except ClientDisconnect:
            return JSONResponse({"error": "The sender closed the connection."}, 400)
        except (StoreError, ConfigurationError, sa.exc.SQLAlchemyError) as error:
            return _not_stored(error)

    async def _store(self, event: InboxEvent) -> Response:
        event_id = await self._inbox.store(event)
        status = {None: "duplicate", NOT_KEPT: "not_kept"}.get(event_id, "stored")
        if event.parse_error and event_id:
            log.warning("%s %s, event %s, is marked: it cannot be used", event.source, event.channel, event_id)
        self.metrics.stored(event.source, "marked" if event.parse_error and event_id else status)
        return JSONResponse({"status": status, "event_id": event_id or None, "problem": event.parse_error})


def _check_store(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        connection.execute(sa.text("select 1"))


def _refused(refusal: RefusedRequest) -> JSONResponse:
    headers = {"Retry-After": str(BUSY_SECONDS)} if refusal.status == 503 else None
    return JSONResponse({"error": refusal.reason}, refusal.status, headers)


def _not_stored(error: Exception) -> JSONResponse:
    log.error("Not stored: %s", error)
    return _refused(RefusedRequest(503, "The event could not be stored; send it again later."))
