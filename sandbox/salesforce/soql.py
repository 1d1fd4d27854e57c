"""SOQL: from text to a tree. What the grammar does not know is answered as MALFORMED_QUERY, as Salesforce would."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from sandbox.salesforce.errors import SalesforceError, malformed_query
from sandbox.salesforce.soql_tree import Comparison, Condition, Group, Item, Logic, Membership, Query, Term, Value

GRAMMAR = r"""
    query: "SELECT"i selection "FROM"i PATH where? group? order? limit? offset?
    selection: item ("," item)*            -> items
        | FUNCTION "(" ")"                 -> count
    item: expression PATH?
    expression: PATH                       -> plain
        | FUNCTION "(" PATH ")"            -> call
    where: "WHERE"i condition
    ?condition: factor
        | factor ("AND"i factor)+          -> both
        | factor ("OR"i factor)+           -> either
    ?factor: "(" condition ")"
        | "NOT"i factor                    -> negated
        | expression OPERATOR value        -> comparison
        | PATH "LIKE"i STRING              -> like
        | PATH "IN"i set                   -> member
        | PATH "NOT"i "IN"i set            -> no_member
    set: "(" value ("," value)* ")"        -> values
        | "(" subquery ")"
    subquery: "SELECT"i PATH "FROM"i PATH where?
    value: STRING | NUMBER | DATE | DATETIME | WORD
    group: "GROUP"i "BY"i PATH ("," PATH)* having?
    having: "HAVING"i condition
    order: "ORDER"i "BY"i term ("," term)*
    term: expression DIRECTION? ("NULLS"i NULLS)?
    limit: "LIMIT"i NUMBER
    offset: "OFFSET"i NUMBER

    FUNCTION.2: /(count_distinct|count|min|max|fields)(?=\s*\()/i
    OPERATOR: "<=" | ">=" | "!=" | "<>" | "=" | "<" | ">"
    DIRECTION.1: /(asc|desc)\b/i
    NULLS: /first|last/i
    PATH: /[a-z_]\w*(\.[a-z_]\w*)*/i
    WORD.2: /(null|true|false|today|yesterday|tomorrow|(this|last|next)_(week|month|quarter|year)
        |(last|next)_90_days|(last|next)_n_(days|weeks|months|years):\d+|n_days_ago:\d+)\b/ix
    DATETIME.5: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
    DATE.4: /\d{4}-\d\d-\d\d/
    NUMBER.3: /[+-]?\d+(\.\d+)?/
    STRING: /'(\\.|[^'\\])*'/s
    %ignore /\s+/
"""
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
LIKE_ESCAPES = {"_": r"\_", "%": r"\%", "\\": r"\\"}


def parse(text: str) -> Query:
    """Parse a query.

    Raises:
        SalesforceError: MALFORMED_QUERY.
    """
    query: Query = _tree(text, "query")
    return query


def parse_condition(text: str) -> Condition:
    """Parse what may follow ``where``.

    Raises:
        SalesforceError: MALFORMED_QUERY.
    """
    condition: Condition = _tree(text, "condition")
    return condition


def _tree(text: str, start: str) -> Any:
    try:
        return _Builder().transform(_PARSER.parse(text, start=start))
    except UnexpectedInput as error:
        raise malformed_query(f"unexpected token: '{_unexpected(error, text)}'") from None
    except VisitError as error:
        if isinstance(error.orig_exc, SalesforceError):
            raise error.orig_exc from None
        raise


def like_pattern(value: Value) -> str:
    r"""The pattern of a LIKE for SQL's ``like … escape '\'``."""
    return _unescape(value.text, LIKE_ESCAPES)


class _Builder(Transformer[Token, Any]):
    """Turns the parse tree into the classes above."""

    def query(self, parts: list[Any]) -> Query:
        query = Query(items=parts[0], sobject=str(parts[1]))
        for name, value in parts[2:]:
            setattr(query, name, value)
        return query

    def subquery(self, parts: list[Any]) -> Query:
        query = Query(items=[Item(str(parts[0]))], sobject=str(parts[1]))
        if parts[2:]:
            query.where = parts[2][1]
        return query

    def items(self, parts: list[Item]) -> list[Item]:
        return parts

    def count(self, parts: list[Token]) -> list[Item]:
        if str(parts[0]).lower() != "count":
            raise malformed_query("unexpected token: ')'")
        return []

    def item(self, parts: list[Any]) -> Item:
        selected: Item = parts[0]
        return replace(selected, alias=str(parts[1])) if parts[1:] else selected

    def plain(self, parts: list[Token]) -> Item:
        return Item(str(parts[0]))

    def call(self, parts: list[Token]) -> Item:
        return Item(str(parts[1]), function=str(parts[0]).lower())

    def group(self, parts: list[Any]) -> tuple[str, Group]:
        having = parts.pop() if not isinstance(parts[-1], Token) else None
        return "group", Group(tuple(str(part) for part in parts), having)

    def having(self, parts: list[Condition]) -> Condition:
        return parts[0]

    def where(self, parts: list[Condition]) -> tuple[str, Condition]:
        return "where", parts[0]

    def both(self, parts: list[Condition]) -> Logic:
        return Logic("and", tuple(parts))

    def either(self, parts: list[Condition]) -> Logic:
        return Logic("or", tuple(parts))

    def negated(self, parts: list[Condition]) -> Logic:
        return Logic("not", tuple(parts))

    def comparison(self, parts: list[Any]) -> Comparison:
        left: Item = parts[0]
        return Comparison(left.path, str(parts[1]).replace("<>", "!="), parts[2], left.function)

    def like(self, parts: list[Token]) -> Comparison:
        return Comparison(str(parts[0]), "like", Value("pattern", str(parts[1])[1:-1]))

    def member(self, parts: list[Any]) -> Membership:
        return Membership(str(parts[0]), parts[1], is_negated=False)

    def no_member(self, parts: list[Any]) -> Membership:
        return Membership(str(parts[0]), parts[1], is_negated=True)

    def values(self, parts: list[Value]) -> tuple[Value, ...]:
        return tuple(parts)

    def set(self, parts: list[Query]) -> Query:
        return parts[0]

    def value(self, parts: list[Token]) -> Value:
        token = parts[0]
        if token.type == "STRING":
            return Value("string", _unescape(str(token)[1:-1], ESCAPES))
        return Value(token.type.lower(), str(token))

    def order(self, parts: list[Term]) -> tuple[str, list[Term]]:
        return "order", parts

    def term(self, parts: list[Any]) -> Term:
        words = [str(part).lower() for part in parts[1:]]
        nulls = next((word for word in words if word in {"first", "last"}), None)
        return Term(parts[0], "desc" in words, nulls)

    def limit(self, parts: list[Token]) -> tuple[str, int]:
        return "limit", int(parts[0])

    def offset(self, parts: list[Token]) -> tuple[str, int]:
        return "offset", int(parts[0])


def _unexpected(error: UnexpectedInput, text: str) -> str:
    token = getattr(error, "token", None)
    if token is None:
        return text[error.pos_in_stream or 0 :][:1]
    return "<EOF>" if token.type == "$END" else str(token)


def _unescape(text: str, escapes: dict[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        letter = match[1]
        known = escapes | {key: value for key, value in ESCAPES.items() if key not in escapes}
        if letter not in known:
            raise malformed_query(f"invalid escape sequence '\\{letter}'")
        return known[letter]

    return re.sub(r"\\(.)", replacement, text, flags=re.DOTALL)


_PARSER = Lark(GRAMMAR, start=["query", "condition"], parser="lalr")
