"""The query resources: run SOQL, keep what is left behind a locator, give page after page."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.salesforce import aggregates, soql, soql_tree
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.recycle_bin import NO_UNDELETE
from sandbox.salesforce.schema import Schema, SObject
from sandbox.salesforce.state import State
from sandbox.salesforce.translate import Translation
from sandbox.world.ids import ORG_CODES, to_18
from sandbox.world.plan import timestamp_sql

MOST_PER_PAGE, FEWEST_PER_PAGE = 2_000, 200
MOST_OFFSET = 2_000
HISTORY_MONTHS, MOST_HISTORY_MONTHS = 18, 24  # of field history, in query and in queryAll
STRETCH = 50_000  # records that are made ready at a time: single pages out of a large table would be slow


@dataclass
class _Cursor:
    table: str
    total: int
    paths: list[str]
    sobject: SObject
    base: str
    opened_at: datetime
    ready: range = range(0)


class Queries:
    """The queries of one org's integration user and their open cursors."""

    def __init__(self, state: State, schema: Schema) -> None:
        self._state = state
        self._schema = schema
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._opened = 0

    def run(self, text: str, base: str, *, with_deleted: bool, page_size: int = MOST_PER_PAGE) -> str:
        """Run a query and give the body of its first page, as JSON.

        Raises:
            SalesforceError: the query cannot be parsed, or names what does not exist.
        """
        query = soql.parse(text)
        described = self._schema.sobject(query.sobject)
        translation = Translation(described, self._state.now)
        if query.is_aggregate:
            return self._aggregate(translation, query, with_deleted=with_deleted)
        paths = aggregates.paths(described, query)
        translation.json_record(paths, base)  # unknown fields are found before anything runs
        where = where_clause(translation, query, with_deleted=with_deleted)
        with self._state.reading():
            if query.is_count:
                counted = f"select count(*) from (select 1 from {translation.source}{where}{paging(query)})"
                (total,) = self._state.row(counted, translation.parameters)
                return json.dumps({"totalSize": total, "done": True, "records": []})
            order = translation.order(query.order)
            ids = f'select t."Id" as id from {translation.source}{where} order by {order}{paging(query)}'
            name = self._open(ids, translation, paths, base)
            return self._page(name, 0, page_size)

    def more(self, locator: str, *, page_size: int = MOST_PER_PAGE) -> str:
        """The body of the page that a locator points to, as JSON.

        Raises:
            SalesforceError: INVALID_QUERY_LOCATOR, it is not one or no longer open.
        """
        match = re.fullmatch(r"(\w{18})-(\d+)", locator)
        self._close_expired()
        if match is None or match[1] not in self._cursors or int(match[2]) > self._cursors[match[1]].total:
            raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        with self._state.reading():
            return self._page(match[1], int(match[2]), page_size)

    def _aggregate(self, translation: Translation, query: soql_tree.Query, *, with_deleted: bool) -> str:
        """All figures; they have no further pages."""
        where = where_clause(translation, query, with_deleted=with_deleted)  # first, like its parameters
        figures, tail = aggregates.select(translation, query)
        rows = self._state.rows(
            f"select {figures} from {translation.source}{where}{tail}{paging(query)}", translation.parameters
        )
        if len(rows) > MOST_PER_PAGE:
            message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results"
            raise SalesforceError(400, "EXCEEDED_ID_LIMIT", message)
        head = {"totalSize": len(rows), "done": True}
        return f'{json.dumps(head)[:-1]}, "records": [{",".join(text for (text,) in rows)}]}}'

    def _open(self, ids: str, translation: Translation, paths: list[str], base: str) -> str:
        self._opened += 1
        table = f"cursor_{self._schema.org}_{self._opened}"
        name = to_18(f"01g{ORG_CODES[self._schema.org]}{self._opened:09d}")
        self._state.execute(
            f"create temp table {table} as select id, row_number() over () - 1 as place from ({ids})",
            translation.parameters,
        )
        (total,) = self._state.row(f"select count(*) from {table}")
        self._cursors[name] = _Cursor(table, total, paths, translation.sobject, base, self._state.now)
        if len(self._cursors) > self._schema.switches.open_query_locators:
            self._close(next(iter(self._cursors)))
        return name

    def _page(self, name: str, start: int, page_size: int) -> str:
        cursor = self._cursors[name]
        end = min(start + page_size, cursor.total)
        if start not in cursor.ready or end - 1 not in cursor.ready:
            self._make_ready(cursor, start)
        rows = self._state.rows(
            f"select record from {cursor.table}_ready where place >= ? and place < ? order by place", [start, end]
        )
        is_done = end == cursor.total
        if is_done and start == 0:
            self._close(name)
        head = {"totalSize": cursor.total, "done": is_done}
        # The locator says /query/ also for queryAll, as Salesforce's does.
        more = {} if is_done else {"nextRecordsUrl": f"{cursor.base}/query/{name}-{end}"}
        return f'{json.dumps(head | more)[:-1]}, "records": [{",".join(text for (text,) in rows)}]}}'

    def _make_ready(self, cursor: _Cursor, start: int) -> None:
        translation = Translation(cursor.sobject, self._state.now)
        record = translation.json_record(cursor.paths, cursor.base)
        self._state.execute(
            f"""create or replace temp table {cursor.table}_ready as
            select c.place, {record} as record
            from {translation.source}
            join {cursor.table} as c on c.id = t."Id"
            where c.place >= ? and c.place < ?
            order by c.place""",
            [start, start + STRETCH],
        )
        cursor.ready = range(start, min(start + STRETCH, cursor.total))

    def _close_expired(self) -> None:
        oldest = self._state.now - timedelta(hours=self._schema.switches.query_locator_hours)
        for name in [name for name, cursor in self._cursors.items() if cursor.opened_at < oldest]:
            self._close(name)

    def _close(self, name: str) -> None:
        table = self._cursors.pop(name).table
        self._state.execute(f"drop table if exists {table}")  # a composite request may have taken it back
        self._state.execute(f"drop table if exists {table}_ready")


def where_clause(translation: Translation, query: soql_tree.Query, *, with_deleted: bool) -> str:
    """SQL for a query's conditions, with a space before it, or nothing."""
    conditions = [translation.condition(query.where)] if query.where else []
    described = translation.sobject
    is_gone = described.name in NO_UNDELETE and not described.schema.switches.deleted_members_in_query_all
    if (is_gone or not with_deleted) and "IsDeleted" in described.by_canonical_name:
        conditions.append('not t."IsDeleted"')
    if described.name == "LeadHistory":
        months = MOST_HISTORY_MONTHS if with_deleted else HISTORY_MONTHS
        conditions.append(f't."CreatedDate" >= {timestamp_sql(translation.now)} - interval {months} month')
    return f" where {' and '.join(conditions)}" if conditions else ""


def paging(query: soql_tree.Query) -> str:
    """SQL for limit and offset.

    Raises:
        SalesforceError: NUMBER_OUTSIDE_VALID_RANGE, the offset is larger than Salesforce takes.
    """
    if query.offset is not None and query.offset > MOST_OFFSET:
        raise SalesforceError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MOST_OFFSET}")
    limit = "" if query.limit is None else f" limit {query.limit}"
    return limit + ("" if query.offset is None else f" offset {query.offset}")


def page_size(options: str) -> int:
    """The page size that a ``Sforce-Query-Options`` header asks for, within Salesforce's bounds."""
    match = re.search(r"batchSize\s*=\s*(\d+)", options, re.IGNORECASE)
    return min(max(int(match[1]), FEWEST_PER_PAGE), MOST_PER_PAGE) if match else MOST_PER_PAGE
