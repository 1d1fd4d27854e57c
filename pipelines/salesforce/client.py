"""A small Salesforce client: reads are repeated with patience, writes never are.

It refuses nothing by itself but creates, upserts and deletes nothing either: those calls do not exist here (R10).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import orjson

from pipelines.config.services import SalesforceOrg
from pipelines.errors import ConfigurationError, DataError, ServiceError
from pipelines.http.answers import service_time, wanted_wait
from pipelines.http.service import HttpService
from pipelines.salesforce import quota
from pipelines.salesforce.auth import Session, sign_in
from pipelines.salesforce.quota import Quota
from pipelines.updates import BusyError, LostAnswerError, RowResult

CLIENT_NAME = "outreach-warehouse"
RETRIEVE_LIMIT = 2_000
UPDATE_LIMIT = 200
WRITE_HEADERS = {
    "Content-Type": "application/json",
    "Sforce-Auto-Assign": "FALSE",  # Salesforce else re-runs lead assignment and may change the owner (R10)
    "Sforce-Call-Options": f"client={CLIENT_NAME}",
}


@dataclass(frozen=True)
class Query:
    """A query that runs: how many records it has, and its pages."""

    size: int
    pages: Iterator[list[dict[str, Any]]]


class SalesforceClient:
    """One org, signed in as its integration user when the first request is made."""

    def __init__(self, org: str, connection: SalesforceOrg) -> None:
        self.org = org
        self._connection = connection
        secret = connection.client_secret.get_secret_value() if connection.client_secret else ""
        self._service = HttpService(f"Salesforce {org}", connection.login_url, secrets=[secret], is_busy=quota.is_busy)
        self._session: Session | None = None
        self._signing_in = threading.Lock()
        self.quota = Quota(org, connection.quota_reserve)

    def __enter__(self) -> SalesforceClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._service.close()

    @property
    def organization_id(self) -> str:
        """The 18-character id of the org that we are signed in to."""
        return self._signed_in().organization_id

    @property
    def user_id(self) -> str:
        """The id of the integration user that we are signed in as."""
        return self._signed_in().user_id

    @property
    def clock_ahead(self) -> timedelta:
        """How far this machine's clock was ahead of Salesforce's when we signed in."""
        return self._signed_in().clock_ahead

    def server_time(self) -> datetime:
        """What time it is in Salesforce (UTC); the answer also tells how much of the quota is left."""
        return service_time(self.read_any("GET", "limits"))

    def query(self, soql: str, *, include_deleted: bool = False) -> Iterator[list[dict[str, Any]]]:
        """Run a query and give its records page by page, without their ``attributes``; fractions are ``Decimal``.

        Args:
            soql: the query.
            include_deleted: whether records in the recycle bin and merged ones are read too (queryAll).

        Raises:
            DataError: Salesforce does not accept the query.
            ServiceError: an answer is malformed, or the service cannot be reached.
        """
        return self.open_query(soql, include_deleted=include_deleted).pages

    def open_query(self, soql: str, *, include_deleted: bool = False) -> Query:
        """Like :meth:`query`, and say how many records there are before all are read."""
        path = "queryAll" if include_deleted else "query"
        first = self._page(self._read("GET", f"{self._data_path}/{path}", params={"q": soql}), 1)
        return Query(int(first["totalSize"]), self._pages(first))

    def count(self, object_name: str) -> int:
        """How many records of an object the integration user can see."""
        return self.open_query(f"SELECT COUNT() FROM {object_name}").size

    def _pages(self, page: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        number = 1
        while True:
            yield [
                {name: value for name, value in record.items() if name != "attributes"} for record in page["records"]
            ]
            if page["done"]:
                return
            number += 1
            page = self._page(self._read("GET", page["nextRecordsUrl"]), number)

    def _page(self, response: httpx.Response, number: int) -> dict[str, Any]:
        page = self._json(response, number)
        if not isinstance(page.get("records"), list) or not isinstance(page.get("done"), bool):
            raise self._malformed("records and done", number)
        if not page["done"] and not isinstance(page.get("nextRecordsUrl"), str):
            raise self._malformed("nextRecordsUrl", number)
        if not isinstance(page.get("totalSize"), int):
            raise self._malformed("totalSize", number)
        return page

    def read_json(self, method: str, resource: str, **request: Any) -> dict[str, Any]:
        """The JSON object that a resource of the API version in use answers, for example ``jobs/query``."""
        return self._json(self._read(method, f"{self._data_path}/{resource}", **request), 1)

    def read_json_or_none(self, method: str, resource: str, **request: Any) -> dict[str, Any] | None:
        """Like :meth:`read_json`; None when there is no such thing (404)."""
        response = self.read_any(method, resource, **request)
        return None if response.status_code == 404 else self._json(self._service.check(response), 1)

    def read_any(self, method: str, resource: str, **request: Any) -> httpx.Response:
        """The answer of a resource, refusals included; it may be sent more than once."""
        return self._patiently(method, f"{self._data_path}/{resource}", **request)

    def create(self, resource: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create something, for example in ``jobs/query``, and give what Salesforce answers. The request is sent once.

        Raises:
            DataError: Salesforce does not accept it.
            LostAnswerError: no usable answer came; it may exist or not.
            ServiceError: nothing was created.
        """
        response = self._write("POST", f"{self._data_path}/{resource}", body)
        if quota.is_busy(response):
            raise self._lost(f"it answered {response.status_code}")
        try:
            return self._json(self._accepted(response), 1)
        except ServiceError:
            if response.is_success:
                raise self._lost("its answer was malformed") from None
            raise

    def download(self, resource: str, params: Mapping[str, str], file: Path) -> httpx.Headers:
        """Read the body of a resource into a file, whole or not at all, and return the headers of the answer."""
        response = self._renewing_session(
            lambda headers: self._service.download(
                f"{self._data_path}/{resource}", file, params=dict(params), headers=headers
            )
        )
        return self._service.check(response).headers

    def describe(self, object_name: str) -> dict[str, dict[str, Any]]:
        """The fields of an object that the integration user can see, by API name."""
        description = self.read_json("GET", f"sobjects/{object_name}/describe")
        return {field["name"]: field for field in description["fields"]}

    def retrieve(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any] | None]:
        """Read records by id, in the given order; None for a record that is missing or not visible."""
        if len(ids) > RETRIEVE_LIMIT:
            raise ValueError(f"at most {RETRIEVE_LIMIT} ids can be read at once")
        body = {"ids": list(ids), "fields": list(fields)}
        records = self._read("POST", f"{self._data_path}/composite/sobjects/{object_name}", json=body)
        found: list[dict[str, Any] | None] = self._service.json(records)
        if not isinstance(found, list) or len(found) != len(ids):
            raise self._malformed("the records that were read by id", 1)
        return found

    def update(self, object_name: str, records: Sequence[dict[str, Any]]) -> list[RowResult]:
        """Update up to 200 records by id, each on its own, and give Salesforce's answer for each, in order.

        The request is sent once. A session that has expired is renewed first: a 401 means that nothing was applied.

        Raises:
            LostAnswerError: no usable answer came, so nobody knows whether it was applied.
            BusyError: nothing was applied, and may be in a moment.
            DataError: Salesforce does not accept the request, for example because of one record; nothing was applied.
            ServiceError: Salesforce refused the whole request; nothing was applied.
        """
        if len(records) > UPDATE_LIMIT:
            raise ValueError(f"at most {UPDATE_LIMIT} records can be updated at once")
        rows = [{"attributes": {"type": object_name}, **record} for record in records]
        body = {"allOrNone": False, "records": rows}
        response = self._write("PATCH", f"{self._data_path}/composite/sobjects", body)
        if response.status_code >= 500:
            raise self._lost(f"it answered {response.status_code}")
        if quota.is_busy(response):
            raise BusyError(
                f"Salesforce {self.org} is busy ({response.status_code}: {self._service.error(response).message})",
                next_step="Run the command again later.",
                wait_seconds=wanted_wait(response),
            )
        self._accepted(response)
        try:
            results = [_row_result(row) for row in orjson.loads(response.content)]
        except (ValueError, KeyError, TypeError, IndexError):
            raise self._lost("its answer was malformed") from None
        if len(results) != len(records):
            raise self._lost(f"it answered {len(results)} of {len(records)} records")
        return results

    @property
    def _data_path(self) -> str:
        return f"{self._signed_in().instance_url}/services/data/{self._connection.api_version}"

    def _signed_in(self) -> Session:
        with self._signing_in:
            if self._session is None:
                self._session = sign_in(self.org, self._connection, self._service)
            return self._session

    def _read(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._accepted(self._patiently(method, path, **request))

    def _accepted(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == 400:
            raise DataError(
                f"Salesforce {self.org} does not accept a request: {self._service.error(response).message}",
                next_step="Check the field names of the org in dbt_project.yml and the user's field permissions.",
            )
        return self._service.check(response)

    def _patiently(self, method: str, path: str, **request: Any) -> httpx.Response:
        more = request.pop("headers", {})
        return self._renewing_session(
            lambda headers: self._service.read_any(method, self._absolute(path), headers=headers | more, **request)
        )

    def _renewing_session(self, request: Callable[[dict[str, str]], httpx.Response]) -> httpx.Response:
        """Send a read; when the session has expired, once more with a new one."""
        self.quota.check_reserve()
        session = self._signed_in()
        response = request({"Authorization": f"Bearer {session.access_token}"})
        if response.status_code == 401:
            self._end(session)
            response = request(self._authorization())
        self.quota.note(response)
        return response

    def _write(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        content = orjson.dumps(body)
        for is_last_attempt in (False, True):
            session = self._signed_in()
            headers = {"Authorization": f"Bearer {session.access_token}"} | WRITE_HEADERS
            try:
                response = self._service.send(method, self._absolute(path), content=content, headers=headers)
            except httpx.ConnectError as error:
                raise BusyError(
                    f"Salesforce {self.org} cannot be reached ({type(error).__name__}); nothing was sent.",
                    next_step="Run the command again later.",
                ) from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise self._lost(type(error).__name__) from None
            if response.status_code != 401 or is_last_attempt:
                break
            self._end(session)
        self.quota.note(response)
        return response

    def _end(self, session: Session) -> None:
        """Sign in again at the next request, unless another thread has done so already."""
        with self._signing_in:
            if self._session is session:
                self._session = None

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._signed_in().access_token}"}

    def _absolute(self, path: str) -> str:
        return self._signed_in().instance_url + path if path.startswith("/") else path

    def _json(self, response: httpx.Response, page_number: int) -> dict[str, Any]:
        try:
            content = json.loads(response.content, parse_float=Decimal)
        except ValueError:
            content = self._service.json(response)  # raises the error that names the service
        if not isinstance(content, dict):
            raise self._malformed("object", page_number)
        return content

    def _malformed(self, expected: str, page_number: int) -> ServiceError:
        return _malformed_page(self.org, expected, page_number)

    def _lost(self, what: str) -> LostAnswerError:
        return LostAnswerError(
            f"No usable answer came from Salesforce {self.org} to a request that changes something ({what}).",
            next_step="Run the command again: it looks at first what was applied.",
        )


def connect(org: str, connection: SalesforceOrg) -> SalesforceClient:
    """A client for one org; use it as a context manager.

    Raises:
        ConfigurationError: the login URL is not one.
    """
    if not connection.login_url.startswith(("https://", "http://")):
        raise ConfigurationError(
            f"The login_url of org '{org}' is not a URL.", next_step="Use the org's My Domain address with https://."
        )
    return SalesforceClient(org, connection)


def _malformed_page(org: str, expected: str, page_number: int) -> ServiceError:
    return ServiceError(
        f"Salesforce {org} sent a malformed page (page {page_number} has no valid {expected}).",
        next_step="Run the command again; nothing of this object was changed in the warehouse.",
    )


_TAKEN = RowResult(success=True)


def _row_result(row: dict[str, Any]) -> RowResult:
    if row["success"]:
        return _TAKEN
    error = row["errors"][0]
    return RowResult(success=False, error_code=str(error["statusCode"]), message=str(error["message"])[:300])
