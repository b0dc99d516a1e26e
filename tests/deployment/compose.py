#!/usr/bin/env python3
"""Walks through docker-compose.yml without containers: its scripts, its provider and its configuration
run as processes of this machine, and ada signs in.

    tests/deployment/compose.py GATEHOUSE NODE NODE_MODULES

What is put in the place of the containers: addresses and the folder of the secrets. Postgres is the
machine's own.
"""

import base64
import hashlib
import html
import http.client
import http.cookiejar
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
MESSAGE = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, timeout=60, **options)


def wait_for(url, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer")


class Stay(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the caller."""

    def redirect_request(self, *arguments):
        return None


class Browser:
    """Follows redirects until one leads to the client."""

    def __init__(self, client):
        self.client = client
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), Stay
        )

    def go(self, url, form=None):
        while True:
            headers = {}
            if form is not None:
                parts = urllib.parse.urlsplit(url)
                headers["Origin"] = f"{parts.scheme}://{parts.netloc}"
            data = None if form is None else urllib.parse.urlencode(form).encode()
            try:
                with self.opener.open(urllib.request.Request(url, data, headers), timeout=20) as answer:
                    return answer.url, answer.read().decode()
            except urllib.error.HTTPError as error:
                if error.code not in (302, 303):
                    raise SystemExit(f"{url}: {error.code} {error.read().decode()[:800]}") from error
                url, form = urllib.parse.urljoin(url, error.headers["Location"]), None
                if url.startswith(self.client):
                    return url, ""


def hidden_fields(page):
    inputs = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page)
    attribute = lambda tag, name: re.search(rf'{name}="([^"]*)"', tag).group(1)
    return {attribute(tag, "name"): html.unescape(attribute(tag, "value")) for tag in inputs}


def post_json(url, body, headers=()):
    request = urllib.request.Request(url, json.dumps(body).encode(), dict(headers))
    request.add_header("Content-Type", "application/json")
    request.add_header("Accept", "application/json, text/event-stream")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def sign_in(gateway, *grants):
    """Ada's way to a token. Answers with the client that she allowed it, and the answer of /token."""
    back = "http://127.0.0.1:9/callback"
    wanted = {"client_name": "Trial", "redirect_uris": [back], "token_endpoint_auth_method": "none"}
    if grants:
        wanted["grant_types"] = grants
    client = post_json(f"{gateway}/register", wanted)
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": back,
        "scope": "mcp:tools metrics:read",
        "state": "s",
        "resource": f"{gateway}/mcp",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    browser = Browser(back)
    where, page = browser.go(f"{gateway}/authorize?{urllib.parse.urlencode(query)}")
    approval = dict(hidden_fields(page))
    button = re.search(r'<button[^>]*name="([^"]+)"[^>]*value="([^"]+)"', page)
    if button:
        approval[button.group(1)] = button.group(2)
    action = re.search(r'<form[^>]*action="([^"]*)"', page)
    target = urllib.parse.urljoin(where, html.unescape(action.group(1))) if action else where
    where, page = browser.go(target, approval)
    assert "Who are you?" in page, f"no provider at {where}: {page[:800]}"
    where, page = browser.go(where, {"login": "ada"})
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(where).query))
    assert "code" in answer, f"no code at {where}: {page[:800]}"
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": back,
        "client_id": client["client_id"],
        "code_verifier": verifier,
    }
    with urllib.request.urlopen(f"{gateway}/token", urllib.parse.urlencode(form).encode(), timeout=20) as answer:
        return client["client_id"], json.loads(answer.read())


def list_tools(gateway, token):
    headers = {"Authorization": f"Bearer {token}", "MCP-Protocol-Version": "2025-06-18"}
    hello = {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "trial", "version": "1"}},
    }
    request = urllib.request.Request(f"{gateway}/mcp", json.dumps(hello).encode(), dict(headers))
    request.add_header("Content-Type", "application/json")
    request.add_header("Accept", "application/json, text/event-stream")
    with urllib.request.urlopen(request, timeout=20) as answer:
        session = answer.headers.get("Mcp-Session-Id")
    if session:
        headers["Mcp-Session-Id"] = session
    return [tool["name"] for tool in post_json(f"{gateway}/mcp", MESSAGE, headers)["result"]["tools"]]


def prepare(folder, postgres, ports, template=COMPOSE / "gatehouse.toml"):
    """The secrets, the roles and the configuration, with this machine's addresses in them."""
    kept = folder / "secrets"
    kept.mkdir()
    run("bash", str(COMPOSE / "make-secrets.sh"), str(kept))
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    run("bash", str(COMPOSE / "make-secrets.sh"), str(kept))
    assert before == {path.name: path.read_bytes() for path in kept.iterdir()}, "secrets were made twice"
    server = urllib.parse.urlsplit(postgres)
    environment = os.environ | {
        "SECRETS": str(kept),
        "PGHOST": server.hostname,
        "PGPORT": str(server.port),
        "POSTGRES_USER": server.username,
    }
    run("bash", str(COMPOSE / "make-roles.sh"), env=environment, stdout=subprocess.DEVNULL)
    for name in ("gatehouse-url", "owner-url"):
        path = kept / name
        text = path.read_text().replace("@database/", f"@{server.hostname}:{server.port}/")
        path.unlink()
        path.write_text(text)
    text = template.read_text()
    for ours, theirs in (
        ("0.0.0.0:8080", f"127.0.0.1:{ports[0]}"),
        ("127.0.0.1:8080", f"127.0.0.1:{ports[0]}"),
        ("127.0.0.1:9000", f"127.0.0.1:{ports[1]}"),
        ("/secrets/", f"{kept}/"),
    ):
        assert ours in text, ours
        text = text.replace(ours, theirs)
    configuration = folder / "gatehouse.toml"
    configuration.write_text(text)
    return kept, configuration


def without_rights(folder):
    """As in its container: a user who owns nothing and can write nowhere."""
    if os.getuid() != 0:
        return []
    folder.chmod(0o755)
    return ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]


def walk(gatehouse, node, modules, folder, postgres):
    ports = (free_port(), free_port())
    gateway, issuer = (f"http://127.0.0.1:{port}" for port in ports)
    kept, configuration = prepare(folder, postgres, ports)
    program = shutil.copy(gatehouse, folder)
    command = [program, "--config", str(configuration)]
    owner = os.environ | {"GATEHOUSE__DATABASE__URL__FILE": str(kept / "owner-url")}
    run(*command, "check-config")
    run(*command, "migrate", "--grant-to", "gatehouse", env=owner)
    for file in ("provider.mjs", "healthy.mjs"):
        shutil.copy(COMPOSE / "identity-provider" / file, folder)
    (folder / "node_modules").symlink_to(Path(modules).resolve())
    surroundings = os.environ | {
        "ISSUER": issuer,
        "GATEWAY": gateway,
        "CLIENT_SECRET_FILE": str(kept / "idp-secret"),
    }
    processes = []
    try:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(subprocess.Popen([node, "provider.mjs"], cwd=folder, env=surroundings, **quiet))
        wait_for(f"{issuer}/.well-known/openid-configuration", processes[0])
        with open(folder / "log", "w") as log:
            serve = {"stdout": subprocess.DEVNULL, "stderr": log, "cwd": "/", "env": os.environ | {"TMPDIR": "/nowhere"}}
            processes.append(subprocess.Popen([*without_rights(folder), *command, "serve"], **serve))
        wait_for(f"{gateway}/readyz", processes[1])
        run(node, str(folder / "healthy.mjs"), f"{issuer}/.well-known/openid-configuration")
        # As the composition has it, with the folder in the place of the container.
        health = '["CMD", "/usr/local/bin/gatehouse", "--config", "/etc/gatehouse.toml", "health"]'
        assert f"test: {health}" in (ROOT / "docker-compose.yml").read_text()
        run(*without_rights(folder), *command, "health", cwd="/")
        _, token = sign_in(gateway)
        assert set(token["scope"].split()) >= {"mcp:tools", "metrics:read"}, token["scope"]
        tools = list_tools(gateway, token["access_token"])
        assert "get_internal_metric" in tools, tools
        print(f"ada signed in, may do {token['scope']!r} and sees {len(tools)} tools")
    except BaseException:
        if (folder / "log").exists():
            print((folder / "log").read_text(), file=sys.stderr)
        raise
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=30)
    assert processes[1].returncode == 0, f"the gateway ended with {processes[1].returncode}"


def main():
    gatehouse, node, modules = sys.argv[1:]
    script = str(ROOT / "scripts" / "postgres.sh")
    # Postgres may run as somebody else, who has to get into its folder.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as postgres:
        server = run(script, "start", postgres, stdout=subprocess.PIPE)
        try:
            programs = (str(Path(program).absolute()) for program in (gatehouse, node))
            walk(*programs, modules, Path(folder), server.stdout.strip())
        finally:
            run(script, "stop", postgres)


if __name__ == "__main__":
    main()
