"""Reading from services over HTTP: timeouts, patience with busy services, and errors that name the service.

Only reads are repeated here. Whoever writes decides by itself what a lost answer means.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import tenacity

from pipelines.errors import ConfigurationError, OutreachError, ServiceError
from pipelines.http.answers import is_busy, is_html, reason_of, wanted_wait, without_addresses
from pipelines.http.patience import ATTEMPTS, RUN_AGAIN, TransientError, stop, wait
from pipelines.listening import is_loopback

USER_AGENT = "outreach-warehouse/0.1"  # Smartlead's proxy answers 403 to libraries that show only their own name
ATTEMPTS_TO_CONNECT = 4
LONGEST_WAIT_SECONDS = 120.0
DOWNLOAD_BLOCK_BYTES = 1 << 20
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
START_IT = "Start it on this machine (the sandbox: outreach sandbox up), then run the command again."

# httpx logs whole URLs, and Smartlead wants its key in them.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


@cache
def authorities() -> ssl.SSLContext:
    """Whom we trust to certify servers, read once: httpx by itself reads them for each client, 40 milliseconds."""
    return httpx.create_ssl_context()


class HttpService:
    """One service: a kept connection, and what all its requests share.

    Args:
        name: what people call the service; every error names it.
        base_url: paths given to :meth:`read` and :meth:`send` are joined to it; absolute URLs are used as they are.
        headers: sent with every request.
        params: query parameters sent with every request.
        secrets: values that no message may ever show.
        before_request: called before each attempt, for example a rate limiter.
        is_busy: whether an answer is worth another attempt; 429 and 5xx by default.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        before_request: Callable[[], None] | None = None,
        is_busy: Callable[[httpx.Response], bool] = is_busy,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._secrets = [secret for secret in secrets if secret]
        self._params = dict(params or {})
        self._before_request = before_request
        self._is_busy = is_busy
        self._sleep = sleep
        self._base_url = base_url.rstrip("/")
        self._client = httpx.Client(
            headers={"User-Agent": USER_AGENT, **(headers or {})}, timeout=TIMEOUT, verify=authorities()
        )

    def __enter__(self) -> HttpService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def read(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request that only reads, and return its successful answer.

        Connection errors, 429 and 5xx are tried again. ``request`` is what ``httpx.Client.request`` takes.

        Raises:
            ConfigurationError: the service refuses the credentials.
            ServiceError: it cannot be reached, stays busy, or refuses the request.
        """
        return self.check(self.read_any(method, path, **request))

    def read_any(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Like :meth:`read`, but 4xx answers (except 429) come back too, for callers that know what they mean."""
        return self._with_patience(lambda: self._attempt(lambda: self.send(method, path, **dict(request)), path))

    def download(self, path: str, file: Path, **request: Any) -> httpx.Response:
        """Read a body of any size into a file and return the answer, its body already read.

        The file is whole or the call fails: a connection that breaks in mid-body is another attempt. 4xx answers come
        back as from :meth:`read_any`, with their body instead of a file.
        """

        def fetch() -> httpx.Response:
            params = self._params | dict(request.get("params") or {})
            more = {name: value for name, value in request.items() if name != "params"}
            with self._client.stream("GET", self._url(path), params=params or None, **more) as response:
                if response.is_success:
                    with file.open("wb") as content:
                        for block in response.iter_bytes(DOWNLOAD_BLOCK_BYTES):
                            content.write(block)
                else:
                    response.read()
                return response

        return self._with_patience(lambda: self._attempt(fetch, path))

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request once, whatever it does, and return any answer.

        Raises:
            httpx.TransportError: no answer came; the request may have arrived or not.
        """
        if self._before_request:
            self._before_request()
        params = self._params | dict(request.pop("params", None) or {})
        return self._client.request(method, self._url(path), params=params or None, **request)

    def check(self, response: httpx.Response) -> httpx.Response:
        """Return a successful answer; raise what an unsuccessful one means."""
        if not response.is_success:
            raise self.error(response)
        return response

    def error(self, response: httpx.Response) -> OutreachError:
        """The error that an unsuccessful answer means."""
        reason = self.scrub(reason_of(response))
        where = f"{response.request.method} {response.request.url.path}"
        if response.status_code in {401, 403} and not is_html(response):
            return ConfigurationError(
                f"{self.name} refuses the credentials or their rights ({response.status_code} on {where}: {reason}).",
                next_step=f"Check the credentials that are configured for {self.name}.",
            )
        return ServiceError(
            f"{self.name} answered {response.status_code} to {where}: {reason}.",
            next_step=f"Check the configured address of {self.name}, then run the command again.",
        )

    def json(self, response: httpx.Response) -> Any:
        """The JSON of an answer.

        Raises:
            ServiceError: it is not JSON.
        """
        try:
            return response.json()
        except ValueError:
            raise ServiceError(
                f"{self.name} answered {response.request.method} {response.request.url.path} with something that is"
                f" not JSON ({response.headers.get('content-type', 'no content type')}).",
                next_step=f"Check that the configured address is {self.name}'s API.",
            ) from None

    def scrub(self, text: str) -> str:
        """The text without our secrets and without e-mail addresses."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return without_addresses(text)

    def _with_patience(self, attempt: Callable[[], httpx.Response]) -> httpx.Response:
        retrying = tenacity.Retrying(
            stop=stop,
            wait=wait,
            retry=tenacity.retry_if_exception_type(TransientError),
            sleep=self._sleep,
        )
        try:
            return retrying(attempt)
        except tenacity.RetryError as error:
            last = error.last_attempt
            problem = last.exception()
            raise ServiceError(
                f"{self.name} {self.scrub(str(problem))}; {last.attempt_number} attempts were made.",
                next_step=problem.next_step if isinstance(problem, TransientError) else RUN_AGAIN,
            ) from None

    def _attempt(self, request: Callable[[], httpx.Response], path: str) -> httpx.Response:
        try:
            response = request()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ConfigurationError(
                f"The address of {self.name} is not valid ({self.scrub(str(error))}).",
                next_step=f"Correct the base URL that is configured for {self.name}.",
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._unreachable(error, path) from None
        if self._is_busy(response):
            raise self._busy(response)
        return response

    def _unreachable(self, error: httpx.RequestError, path: str) -> TransientError:
        url = httpx.URL(self._url(path))
        connecting = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return TransientError(
            f"cannot be reached at {url.netloc.decode()} ({type(error).__name__})",
            attempts=ATTEMPTS_TO_CONNECT if connecting else ATTEMPTS,
            next_step=START_IT if is_loopback(url.host) else RUN_AGAIN,
        )

    def _busy(self, response: httpx.Response) -> Exception:
        wait_seconds = wanted_wait(response)
        where = f"{response.request.method} {response.request.url.path}"
        if wait_seconds is not None and wait_seconds > LONGEST_WAIT_SECONDS:
            return ServiceError(
                f"{self.name} answered {response.status_code} to {where} and asks to wait {wait_seconds:.0f} seconds.",
                next_step="Run the command again after that time; it continues where it stopped.",
            )
        return TransientError(
            f"answered {response.status_code} to {where} ({reason_of(response)})", wait_seconds=wait_seconds
        )

    def _url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self._base_url}/{path.lstrip('/')}"
