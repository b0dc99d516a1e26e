#!/usr/bin/env python3
"""Puts each proxy of deploy/proxies that this machine has in front of a running gateway and looks at what
comes through: the challenge, the metadata, and an event stream while it is still open.

Run by tests/clients/run.py. What is replaced in the files: addresses, and where the certificate is.
"""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

PROXIES = Path(__file__).parents[2] / "deploy" / "proxies"
GATEWAY = urllib.parse.urlsplit(os.environ["GATEHOUSE_URL"])
REVISION = "2025-11-25"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def replaced(name, folder, *pairs):
    text = (PROXIES / name).read_text()
    for ours, theirs in pairs:
        assert ours in text, f"{name} has no {ours!r}"
        text = text.replace(ours, theirs)
    path = folder / name
    path.write_text(text)
    return path


def certificate(folder):
    key, pem = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return key, pem


def nginx(folder, port):
    key, pem = certificate(folder)
    site = replaced(
        "nginx.conf",
        folder,
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:8080", GATEWAY.netloc),
        ("/etc/ssl/mcp.example.com.pem", str(pem)),
        ("/etc/ssl/private/mcp.example.com.key", str(key)),
    )
    whole = folder / "whole.conf"
    paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole.write_text(f"pid {folder}/pid; daemon off; user root; events {{}} http {{ access_log off; {paths} include {site}; }}")
    if os.getuid() != 0:
        whole.write_text(whole.read_text().replace("user root;", ""))
    return ["nginx", "-e", f"{folder}/errors", "-c", str(whole)], True


def caddy(folder, port):
    site = replaced(
        "Caddyfile", folder, ("mcp.example.com {", f"http://:{port} {{\n\tbind 127.0.0.1"), ("127.0.0.1:8080", GATEWAY.netloc)
    )
    site.write_text("{\n\tadmin off\n}\n" + site.read_text())
    return ["caddy", "run", "--config", str(site), "--adapter", "caddyfile"], False


def haproxy(folder, port):
    key, pem = certificate(folder)
    both = folder / "both.pem"
    both.write_text(pem.read_text() + key.read_text())
    configuration = replaced(
        "haproxy.cfg",
        folder,
        ("bind :443", f"bind 127.0.0.1:{port}"),
        ("/etc/haproxy/mcp.example.com.pem", str(both)),
        ("127.0.0.1:8080", GATEWAY.netloc),
    )
    return ["haproxy", "-db", "-f", str(configuration)], True


class Way:
    """Requests that go through a proxy to the gateway, under the gateway's name."""

    def __init__(self, port, tls):
        self.port = port
        self.connections = []
        self.context = None
        if tls:
            self.context = ssl.create_default_context()
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def send(self, method, path, headers=None, body=None):
        make = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
        options = {"context": self.context} if self.context else {}
        connection = make("127.0.0.1", self.port, timeout=20, **options)
        self.connections.append(connection)
        given = {"Host": GATEWAY.netloc, "Accept": "application/json, text/event-stream"} | (headers or {})
        if body is not None:
            given["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, given)
        return connection.getresponse()

    def close(self):
        for connection in self.connections:
            connection.close()

    def wait(self, process, log):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert process.poll() is None, f"{process.args[0]} ended: {log.read_text()}"
            try:
                if self.send("GET", "/readyz").status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)
        raise SystemExit(f"nothing answers: {log.read_text()}")


def call(method, **parameters):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


def check_way(way, token):
    refused = way.send("POST", "/mcp", body=call("ping"))
    assert refused.status == 401 and "resource_metadata=" in refused.getheader("WWW-Authenticate"), refused.status
    metadata = way.send("GET", "/.well-known/oauth-protected-resource/mcp")
    assert json.loads(metadata.read())["resource"] == f"{GATEWAY.geturl()}/mcp"
    other = way.send("GET", "/.well-known/oauth-protected-resource/mcp", {"Host": "elsewhere.example.com"})
    assert other.status == 421, f"the proxy does not keep Host: {other.status}"
    bearer = {"Authorization": f"Bearer {token}"}
    hello = call("initialize", protocolVersion=REVISION, capabilities={}, clientInfo={"name": "trial", "version": "1"})
    opened = way.send("POST", "/mcp", bearer, hello)
    assert opened.status == 200, opened.read()
    session = bearer | {"Mcp-Session-Id": opened.getheader("Mcp-Session-Id"), "MCP-Protocol-Version": REVISION}
    begun = time.monotonic()
    stream = way.send("GET", "/mcp", session | {"Accept": "text/event-stream"})
    assert stream.status == 200 and stream.getheader("Content-Type").startswith("text/event-stream"), stream.read()
    first = stream.readline()
    head = time.monotonic() - begun
    assert first.startswith((b"id:", b"retry:", b"data:", b":")), first
    assert head < 5, f"the first line of a stream took {head:.1f} s"
    while stream.readline().strip():
        pass
    kept = stream.readline()
    silence = time.monotonic() - begun
    assert kept.startswith(b":"), kept
    stream.close()
    return f"first line of an open stream after {head * 1000:.0f} ms, the next after {silence:.0f} s"


def check_proxy(make, token):
    with tempfile.TemporaryDirectory(prefix="gatehouse-proxy-") as name:
        folder, port = Path(name), free_port()
        command, tls = make(folder, port)
        log = folder / "log"
        environment = os.environ | {"HOME": name, "XDG_DATA_HOME": name, "XDG_CONFIG_HOME": name}
        with open(log, "w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        way = Way(port, tls)
        try:
            way.wait(process, log)
            return check_way(way, token)
        finally:
            way.close()
            process.terminate()
            try:
                process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                # Caddy waits for every connection, without an end.
                process.kill()
                process.wait(timeout=20)


def check_chart_test(folder):
    """The script that `helm test` runs in a pod, against this gateway."""
    root = PROXIES.parents[1]
    chart = root / "deploy" / "helm" / "gatehouse"
    command = [root / ".tools" / "deployment" / "helm" / "helm", "template", "gate", chart, "--show-only", "templates/tests/reach.yaml"]
    command += ["--values", chart / "ci" / "least-values.yaml"]
    rendered = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout
    container = yaml.safe_load(rendered)["spec"]["containers"][0]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    environment = os.environ | given | {"SERVICE": GATEWAY.netloc, "HOST": GATEWAY.netloc}
    script = container["args"][0].replace("/tmp/", f"{folder}/")
    quiet = {"stdout": subprocess.DEVNULL, "timeout": 60}
    subprocess.run([*container["command"], script], env=environment, check=True, **quiet)
    elsewhere = environment | {"HOST": "elsewhere.example.com"}
    failed = subprocess.run([*container["command"], script], env=elsewhere, stderr=subprocess.DEVNULL, **quiet)
    assert failed.returncode != 0, "the chart's test passes under a name that is not served"


def main():
    with tempfile.TemporaryDirectory(prefix="gatehouse-chart-") as folder:
        check_chart_test(folder)
    print("the chart's own test: passes here, and fails under another name")
    issue = [os.environ["GATEHOUSE_BINARY"], "--config", os.environ["GATEHOUSE_CONFIGURATION"], "token", "issue"]
    issue += ["--username", os.environ["GATEHOUSE_USERNAME"]]
    # The file leaves the port to the system; the issuer has to be the running gateway's.
    known = os.environ | {"GATEHOUSE__SERVER__PUBLIC_URL": GATEWAY.geturl()}
    token = subprocess.run(issue, env=known, check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout.strip()
    makers = (nginx, caddy, haproxy)
    for make in makers:
        if not shutil.which(make.__name__):
            sys.exit(f"{make.__name__} is not installed: scripts/install-system-packages.sh")
    with ThreadPoolExecutor() as pool:
        for make, found in zip(makers, pool.map(lambda make: check_proxy(make, token), makers)):
            print(f"{make.__name__}: {found}")


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin"
    main()
