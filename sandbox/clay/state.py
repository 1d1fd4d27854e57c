"""Clay's state: the rows of its tables, what is still to be sent, and beside it what the simulation knows."""

from __future__ import annotations

from pathlib import Path

from sandbox.database import Database

DATABASE = "clay.sqlite"
SUBMISSIONS_PER_SOURCE = 50_000  # counted over the life of a webhook source, deleted rows included
ROWS_PER_TABLE = 50_000  # a full table takes no more rows, and says nothing

SCHEMA = """
create table if not exists rows (
    row_number integer primary key autoincrement, row_id text unique, table_id text, row_key text, email text,
    inputs text, submitted_at text, due_on text, status text default 'pending', cells text default '{}',
    updated_at text, ids_fate text, pushed_at text);
create index if not exists rows_by_key on rows (table_id, row_key);
create index if not exists rows_by_email on rows (email, table_id);
create index if not exists rows_by_table on rows (table_id, updated_at, row_number);
create index if not exists rows_due on rows (status, due_on, row_number);
create index if not exists rows_to_push on rows (status, pushed_at, table_id);
create table if not exists sources (table_id text primary key, submissions integer default 0);
create table if not exists callbacks (
    id integer primary key autoincrement, body text, is_delivered integer default 0);
create index if not exists callbacks_open on callbacks (is_delivered, id);
create table if not exists classifications (
    id integer primary key autoincrement, row_id text, classification text, given_at text, is_correction integer);
create table if not exists lookups (
    id integer primary key autoincrement, subject text, lookup_key text, is_match integer, credits integer);
create table if not exists corrections (
    id integer primary key autoincrement, due_on text, row_id text, classification text);
"""


def open_database(directory: Path) -> Database:
    """Open the state."""
    return Database(directory / DATABASE, SCHEMA)
