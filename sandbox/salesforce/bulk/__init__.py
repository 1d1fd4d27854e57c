"""Bulk API 2.0: query jobs whose results are files, and ingest jobs that take one."""
