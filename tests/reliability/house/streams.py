"""Event streams that stay open."""

import json
import socket
import threading

from . import wire
from .client import JSON
from .machine import must

REVISION = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": REVISION, "io.modelcontextprotocol/clientCapabilities": {}}
LISTEN = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 9,
        "method": "subscriptions/listen",
        "params": {"_meta": META, "notifications": {"toolsListChanged": True}},
    }
)


def listen_request(host, token):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"} | JSON
    headers |= {"MCP-Protocol-Version": REVISION, "Mcp-Method": "subscriptions/listen"}
    return wire.head("POST", "/mcp", host, headers, len(LISTEN)) + LISTEN.encode()


class Stream:
    """One that has begun; what comes is read by a thread of its own."""

    def __init__(self, replica, token):
        self._socket = socket.create_connection(("127.0.0.1", replica.port), timeout=60)
        self._socket.sendall(listen_request(replica.gateway.host, token))
        first = self._socket.recv(65536)
        while b"acknowledged" not in first:
            more = self._socket.recv(65536)
            must(more, f"no stream: {first[:500]}")
            first += more
        self._text = first
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            while piece := self._socket.recv(65536):
                self._text += piece
        except OSError:
            self._text += b"[reset]"

    def ended_with_last_message(self):
        """Whether the answer to the request came and then the end, as HTTP has it."""
        self._thread.join(30)
        self._socket.close()
        return b'"resultType":"complete"' in self._text and self._text.endswith(b"0\r\n\r\n")
