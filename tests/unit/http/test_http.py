"""Reading over HTTP: patience with busy services, and errors that hide what must stay hidden."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.errors import ConfigurationError, OutreachError, ServiceError
from pipelines.http.answers import service_time, wanted_wait
from pipelines.http.patience import ATTEMPTS
from pipelines.http.service import ATTEMPTS_TO_CONNECT, HttpService

KEY = "top-secret-key"


class Script:
    """A service that gives the scripted answers one after the other, the last one for ever."""

    def __init__(self, serve: Callable[[ASGIApp], str], *answers: Response) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.waits: list[float] = []
        url = serve(Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])]))
        self.service = HttpService("Smartlead", url, params={"api_key": KEY}, secrets=[KEY], sleep=self.waits.append)

    async def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def read(self) -> httpx.Response:
        return self.service.read("GET", "campaigns/")


@pytest.fixture
def script(serve: Callable[[ASGIApp], str]) -> Callable[..., Script]:
    return lambda *answers: Script(serve, *answers)


OK = JSONResponse({"fine": True})


def test_shows_a_user_agent_and_the_key(script: Callable[..., Script]) -> None:
    service = script(OK)
    assert service.read().json() == {"fine": True}
    (request,) = service.requests
    assert request.headers["user-agent"].startswith("outreach-warehouse/")
    assert request.query_params["api_key"] == KEY


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        (JSONResponse({}, 429, headers={"Retry-After": "7"}), 7.0),
        (JSONResponse({"error": {"message": "slow down", "retry_after": 30}}, 429), 30.0),
        (JSONResponse({}, 429), None),
        (HTMLResponse("<h1>Bad gateway</h1>", 502), None),
        (JSONResponse({}, 503, headers={"Retry-After": "nonsense"}), None),
    ],
)
def test_waits_as_long_as_the_service_wants(
    script: Callable[..., Script], busy: Response, expected: float | None
) -> None:
    service = script(busy, busy, OK)
    assert service.read().json() == {"fine": True}
    assert len(service.waits) == 2
    if expected is None:
        assert 1 <= service.waits[0] <= 2 <= service.waits[1] <= 3
    else:
        assert service.waits == [expected, expected]


def test_a_date_to_wait_for_is_measured_by_the_clock_of_the_service() -> None:
    world = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
    headers = {"date": format_datetime(world), "retry-after": format_datetime(world.replace(minute=1))}
    response = httpx.Response(429, headers=headers)
    assert wanted_wait(response) == 60.0
    assert service_time(response) == world


def test_gives_up_on_a_service_that_stays_busy(script: Callable[..., Script]) -> None:
    service = script(JSONResponse({"message": f"busy, {KEY}, ask ann@lead.example"}, 503))
    with pytest.raises(ServiceError, match="Smartlead answered 503") as caught:
        service.read()
    assert len(service.requests) == ATTEMPTS
    assert KEY not in str(caught.value)
    assert "ann@lead.example" not in str(caught.value)


def test_does_not_wait_for_an_hour(script: Callable[..., Script]) -> None:
    service = script(JSONResponse({}, 429, headers={"Retry-After": "3600"}))
    with pytest.raises(ServiceError, match="3600 seconds"):
        service.read()
    assert service.waits == []


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (JSONResponse({"message": "Invalid API Key"}, 401), ConfigurationError, "Invalid API Key"),
        (JSONResponse({"error": "not allowed"}, 403), ConfigurationError, "not allowed"),
        (HTMLResponse("<title>Cloudflare</title>", 403), ServiceError, "HTML page"),
        (JSONResponse({"error": "Campaign not found"}, 404), ServiceError, "Campaign not found"),
        (JSONResponse({"error": {"message": "bad offset"}}, 400), ServiceError, "bad offset"),
        (
            JSONResponse([{"errorCode": "INVALID_FIELD", "message": "No such column"}], 400),
            ServiceError,
            "INVALID_FIELD",
        ),
        (PlainTextResponse("nope", 405), ServiceError, "nope"),
        (Response(status_code=418), ServiceError, "no reason given"),
    ],
)
def test_a_refusal_is_not_repeated_and_says_why(
    script: Callable[..., Script], answer: Response, error: type[OutreachError], words: str
) -> None:
    service = script(answer)
    with pytest.raises(error, match=words) as caught:
        service.read()
    assert len(service.requests) == 1
    assert "Smartlead" in str(caught.value)
    assert caught.value.next_step


def test_an_answer_that_is_not_json_is_an_error(script: Callable[..., Script]) -> None:
    service = script(HTMLResponse("<h1>Welcome</h1>"))
    with pytest.raises(ServiceError, match="not JSON"):
        service.service.json(service.read())


def test_an_unreachable_service_is_named_with_its_address_and_never_with_the_key() -> None:
    waits: list[float] = []
    service = HttpService("Clay", "http://127.0.0.1:9", params={"api_key": KEY}, secrets=[KEY], sleep=waits.append)
    with pytest.raises(ServiceError, match=r"Clay cannot be reached at 127\.0\.0\.1:9") as caught:
        service.read("GET", "me")
    assert len(waits) == ATTEMPTS_TO_CONNECT - 1
    assert "outreach sandbox up" in (caught.value.next_step or "")
    assert KEY not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["not a url", "ftp://example.com", "http://[::1"])
def test_an_address_that_is_none_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="Clay"):
        HttpService("Clay", url, sleep=lambda _: None).read("GET", "me")


def test_the_key_never_reaches_a_log(script: Callable[..., Script], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script(OK).read()
    assert KEY not in caplog.text


def test_send_is_never_repeated(script: Callable[..., Script]) -> None:
    service = script(JSONResponse({}, 503), OK)
    assert service.service.send("POST", "row", json={}).status_code == 503
    assert len(service.requests) == 1
