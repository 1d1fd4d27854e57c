"""A CONNECT proxy that knows a few hosts, all of them on this machine, and lets nothing out."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

LOOPBACK, HTTPS = "127.0.0.1", "443"
CHUNK = 65_536


@dataclass(frozen=True)
class Proxy:
    """Leads ``CONNECT`` for any of the hosts to one port of this machine, and refuses everything else."""

    port: int
    hosts: Collection[str]
    upstream_port: int

    async def start(self) -> asyncio.Server:
        """Listen on loopback."""
        return await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, *_ = [*head.split("\r\n")[0].split(), "", ""]
            host, _, port = target.rpartition(":")
            if method != "CONNECT" or port != HTTPS or host.lower() not in self.hosts:
                await _refuse(writer, f"The sandbox's proxy leads to {', '.join(self.hosts)}; not to {target}.\n")
                return
            upstream_reader, upstream_writer = await asyncio.open_connection(LOOPBACK, self.upstream_port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one side has gone, so the other one is let go
        finally:
            writer.close()


async def _refuse(writer: asyncio.StreamWriter, text: str) -> None:
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\nConnection: close\r\n"
    writer.write(f"{head}\r\n{text}".encode("latin-1"))
    await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
