"""Folders and object stores by URL."""

from __future__ import annotations

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from pipelines.errors import ConfigurationError


def files_at(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL and the path in it. It remembers no listing: dlt and Spark write behind its back.

    Raises:
        ConfigurationError: what reads such a store is not installed.
    """
    try:
        files, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise ConfigurationError(
            f"{url} cannot be opened: {error}.",
            next_step="For S3, pip install -e '.[s3]'; for others dlt's extra of that name.",
        ) from None
    return files, path
