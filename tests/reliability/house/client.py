"""An OAuth client and the messages that it sends: registers, has its person sign in, exchanges, refreshes, calls."""

import base64
import concurrent.futures
import hashlib
import json
import secrets
import sys
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "clients"))

import sign_in  # noqa: E402

from . import wire  # noqa: E402
from .gateway import PASSWORD  # noqa: E402
from .machine import Broken, must  # noqa: E402

BACK = "https://client.example/callback"
SCOPE = "mcp:tools metrics:read"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
BY_ITSELF = {"Sec-Fetch-Site": "none"}  # so that a consent that is remembered is enough
REVISION = "2025-11-25"
METADATA = {
    "redirect_uris": [BACK],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "client_name": "Trial",
}


def decoded(part):
    """A part of a JWT, as text."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def call_headers(token, **more):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    return headers | JSON | {"MCP-Protocol-Version": REVISION} | more


def tool_call(name="get_internal_metric", **arguments):
    """A call that needs nobody but the gateway, unless another tool is named."""
    if name == "get_internal_metric":
        arguments = {"metric_name": "requests"}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}})


class Client:
    """A registered client of one person, whose browser is signed in and has approved it."""

    def __init__(self, gateway, path="", port=None, browser=None):
        self.gateway, self.path = gateway, path
        self.issuer = gateway.url + path
        self.port = port or gateway.port
        answer = self.send("POST", "/register", JSON, json.dumps(METADATA))
        must(answer.status == 201, f"/register: {answer.status} {answer.body[:300]}")
        self.id = answer.json()["client_id"]
        # The browser of a person who signed in for another client, where one is given.
        self.browser, self._approved = browser or sign_in.new_browser(), False

    def send(self, method, path, headers=(), body=None, port=None, timeout=60):
        return wire.send(port or self.port, self.gateway.host, method, self.path + path, headers, body, timeout)

    def authorization_path(self, verifier):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "scope": SCOPE,
            "state": "s",
            "resource": f"{self.issuer}/mcp",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.path}/authorize?{urllib.parse.urlencode(query)}"

    def code(self, name="ada"):
        """A new code with its verifier; the first one costs its person a sign-in."""
        verifier = secrets.token_urlsafe(48)
        url = self.gateway.url + self.authorization_path(verifier)
        if not self._approved:
            address = sign_in.approve(url, name, PASSWORD, self.browser)
            self._approved = True
        else:
            with self.browser.open(urllib.request.Request(url, headers=BY_ITSELF), timeout=20) as answer:
                address = answer.headers["Location"] or ""
        found = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query).get("code")
        if not found:
            raise Broken(f"no code at {address!r}")
        return found[0], verifier

    def exchange_form(self, code, verifier):
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return urllib.parse.urlencode(form | {"client_id": self.id, "redirect_uri": BACK})

    def refresh_form(self, token):
        return urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": token, "client_id": self.id})

    def exchange(self, code, verifier, port=None):
        return self.send("POST", "/token", FORM, self.exchange_form(code, verifier), port)

    def refresh(self, token, port=None, timeout=60):
        return self.send("POST", "/token", FORM, self.refresh_form(token), port, timeout)

    def tokens(self):
        """Access and refresh token, by way of a code."""
        answer = self.exchange(*self.code())
        must(answer.status == 200, f"/token: {answer.status} {answer.body[:300]}")
        body = answer.json()
        return body["access_token"], body["refresh_token"]

    def call(self, token, port=None, timeout=60, body=None):
        return self.send("POST", "/mcp", call_headers(token), body or tool_call(), port, timeout)


def probe(replica, path="/readyz", timeout=10):
    """The status of a probe; zero where nobody answers."""
    try:
        return wire.send(replica.port, replica.gateway.host, "GET", path, timeout=timeout).status
    except (OSError, TimeoutError, EOFError, ValueError):
        return 0


def many_tokens(gateway, count):
    """Tokens of as many clients of one person, whose browser is signed in."""
    first = Client(gateway)
    tokens = [first.tokens()[0]]

    def another(_):
        return Client(gateway, browser=first.browser).tokens()[0]

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        return tokens + list(pool.map(another, range(count - 1)))
