"""An answer that cannot be unpacked: read again if it was a reading, lost if something was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.clay.webhook import TableWebhook
from pipelines.config.services import ClayWebhook, HubSpot, SalesforceOrg
from pipelines.errors import ServiceError
from pipelines.http.service import HttpService
from pipelines.hubspot.client import HubSpotClient
from pipelines.salesforce.client import SalesforceClient
from pipelines.updates import LostAnswerError

IDENTITY = "https://login.example/id/00D000000000001EAA/005000000000001AAA"
TOKEN = "/services/oauth2/token"


class Corrupt:
    """A service that signs in whoever asks, and answers everything else with 200 and a broken body."""

    def __init__(self, serve: Callable[[ASGIApp], str]) -> None:
        self.requests: list[str] = []
        self.url = serve(Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH"])]))

    async def _answer(self, request: Request) -> Response:
        if request.url.path == TOKEN:
            return JSONResponse({"id": IDENTITY, "access_token": "token", "instance_url": self.url})
        self.requests.append(f"{request.method} {request.url.path}")
        return Response(b"this is no gzip", headers={"Content-Encoding": "gzip"})


@pytest.fixture
def corrupt(serve: Callable[[ASGIApp], str]) -> Corrupt:
    return Corrupt(serve)


@pytest.mark.parametrize("write", ["update", "create"])
def test_salesforce_may_have_written(corrupt: Corrupt, write: str) -> None:
    org = SalesforceOrg(login_url=corrupt.url, client_id="app", client_secret="secret")
    body: Any = [{"id": "00QIc0aaaaaaaaAMAQ"}] if write == "update" else {}
    with SalesforceClient("icare", org) as client, pytest.raises(LostAnswerError, match="DecodingError"):
        getattr(client, write)("Lead", body)
    assert len(corrupt.requests) == 1


def test_hubspot_may_have_written(corrupt: Corrupt) -> None:
    account = HubSpot(base_url=corrupt.url, access_token="token")
    with HubSpotClient(account) as client, pytest.raises(LostAnswerError, match="DecodingError"):
        client.upsert({"ann@lead.example": {"company": "Acme"}})
    assert len(corrupt.requests) == 1


def test_clay_may_have_taken_the_row(corrupt: Corrupt) -> None:
    webhook = TableWebhook("t_icare_3", ClayWebhook(webhook_url=f"{corrupt.url}/webhook"))
    outcome = webhook.send({"email": "ann@lead.example"})
    webhook.close()
    assert (outcome.status, outcome.detail, outcome.fatal) == ("unknown", "no usable answer came: DecodingError", None)
    assert len(corrupt.requests) == 1


def test_a_reading_is_repeated_and_then_an_error_that_names_the_service(corrupt: Corrupt) -> None:
    waits: list[float] = []
    with (
        HttpService("Smartlead", corrupt.url, sleep=waits.append) as service,
        pytest.raises(ServiceError, match=r"Smartlead .*DecodingError"),
    ):
        service.read("GET", "campaigns")
    assert len(corrupt.requests) == len(waits) + 1 > 1
