"""The gateway with everything on, and the servers that it is measured against."""

import contextlib
import json
import re
import subprocess
import urllib.request

from house import client as oauth
from house.gateway import Gateway
from house.machine import ROOT, Broken, folder, must, stop
from house.postgres import ROLE, Server
from weather_service import WeatherService

from .cores import LOAD, SERVER, on

# Every rule counts, and none refuses.
ENOUGH = "1000000/s"
TOOL = "get_alerts"
ARGUMENTS = {"state": "NY"}
MODERN = "2026-07-28"
REVISIONS = ("2025-06-18", "2025-11-25", MODERN)
RESULT = re.compile(r'^\{"jsonrpc":"2\.0","id":1,"result":(.*)\}$', re.DOTALL)


class Site:
    """A gateway's folder, database and configuration, with a weather service; the process may be started again and again."""

    def __init__(self, binary, stack, engine="sqlite", tenants="", sections=""):
        self.folder = stack.enter_context(folder("bench"))
        self.engine, self.server, self.database = engine, None, None
        url = f"sqlite://{self.folder}/gatehouse.db"
        if engine == "postgres":
            self.server = stack.enter_context(Server(self.folder / "postgres"))
            self.database = self.server.new_database()
            url = self.server.url(self.database, ROLE)
        weather = stack.enter_context(WeatherService())
        self.gateway = Gateway(binary, self.folder, url, weather.url, sections, tenants)
        text = self.gateway.configuration.read_text()
        text = text.replace('= "off"', f'= "{ENOUGH}"')
        text = text.replace("[rate_limits]\n", f'[rate_limits]\nper_tool = {{ {TOOL} = "{ENOUGH}" }}\n')
        text = text.replace("[weather]\n", '[weather]\ncache_ttl = "1h"\n')
        self.gateway.configuration.write_text(text)
        self.gateway.add_user()
        self.token = self.gateway.issue_token()

    def running(self, name="a"):
        """The gateway on its core, while a `with` block runs."""
        return self.gateway.replica(name, port=self.gateway.port, prefix=on(SERVER))

    def keys(self):
        """Where the key set of its tokens is kept."""
        file = self.folder / "keys.json"
        with urllib.request.urlopen(f"{self.gateway.url}/jwks", timeout=10) as answer:
            file.write_bytes(answer.read())
        return file

    def answer(self, body=None, result=None):
        """Where the result of a call is kept, for servers that answer with the same."""
        client = oauth.wire.send(
            self.gateway.port, self.gateway.host, "POST", "/mcp", oauth.call_headers(self.token), body or call(), 30
        )
        found = RESULT.match(client.body if isinstance(client.body, str) else client.body.decode())
        must(client.status == 200 and found and '"isError":true' not in found[1], f"the call: {client.status} {client.body[:500]}")
        file = self.folder / (result or "answer.json")
        file.write_text(found[1])
        return file


def call(revision="2025-11-25", tool=TOOL, method="tools/call"):
    """The message of a call."""
    params = {"name": tool, "arguments": ARGUMENTS} if method == "tools/call" else {}
    if revision == MODERN:
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, separators=(",", ":"))


def request(host, token, revision="2025-11-25", tool=TOOL, method="tools/call", path="/mcp"):
    """A call as `bench-load` sends it."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {revision}",
    ]
    if revision == MODERN:
        lines.append(f"Mcp-Method: {method}")
        if method == "tools/call":
            lines.append(f"Mcp-Name: {tool}")
    return "\n".join(lines) + "\n\n" + call(revision, tool, method)


class Bare:
    """A server of `bench-server`, while a `with` block runs."""

    def __init__(self, binary, kind, *arguments, core=SERVER):
        self.command = [*on(core), str(binary), kind, *map(str, arguments)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.line = self.process.stderr.readline()
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.line)
        if found is None:
            stop(self.process)
            raise Broken(f"{self.command} does not start: {self.line}{self.process.stderr.read()}")
        self.port = int(found[1])
        self.host = f"127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        stop(self.process)
        self.process.stderr.close()

    @property
    def pid(self):
        return self.process.pid


@contextlib.contextmanager
def behind(options, answer):
    """A server for a gateway to mount; it shares its core with the load."""
    with Bare(options.server, "handler", answer, core=LOAD) as server:
        yield server


def programs(folder=None):
    """Where scripts/bench.sh has its programs built, or another folder."""
    folder = folder or ROOT / "target" / "release"
    return folder / "gatehouse", folder / "bench-server", folder / "bench-load"
