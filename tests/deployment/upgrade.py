#!/usr/bin/env python3
"""Replaces the replicas of one release by those of the next, on one database, while a client goes on calling and
refreshing through whichever of them is ready.

    tests/deployment/upgrade.py OLD NEW NODE NODE_MODULES [CONFIGURATION]

Both go by the configuration of the earlier one, which is the composition's unless said: scripts/upgrade.sh builds the
two and gives it. It prints how many requests there were and ends with 1 if one of them failed.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import compose


class Replica:
    def __init__(self, program, configuration, folder, name):
        self.port = compose.free_port()
        self.log = folder / f"{name}.log"
        environment = os.environ | {"GATEHOUSE__SERVER__LISTEN": f"127.0.0.1:{self.port}"}
        command = [program, "--config", str(configuration), "serve"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=environment)
        try:
            compose.wait_for(f"http://127.0.0.1:{self.port}/readyz", self.process)
        except SystemExit as error:
            raise SystemExit(f"{error}\n{self.log.read_text()}") from error

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=40) == 0, self.log.read_text()


class Front:
    """Sends requests to the replicas in turn, as a load balancer would that knows which ones are ready."""

    def __init__(self, host):
        self.host = host
        self.replicas = []
        self.turn = 0
        self.lock = threading.Lock()

    def send(self, method, path, body, headers):
        with self.lock:
            self.turn += 1
            replica = self.replicas[self.turn % len(self.replicas)]
        connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=20)
        try:
            connection.request(method, path, body, {"Host": self.host} | headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def take_out(self, replica):
        with self.lock:
            self.replicas.remove(replica)
        # What was sent before is still on its way; the chart waits five seconds.
        time.sleep(1)


class Client(threading.Thread):
    """Calls, and refreshes its token at every twentieth call, until it is told to stop."""

    def __init__(self, front, client, token):
        super().__init__()
        self.front, self.client, self.token = front, client, token
        self.over = threading.Event()
        self.calls, self.refreshes, self.failures = 0, 0, []

    def run(self):
        while not self.over.is_set():
            try:
                self.once()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))

    def once(self):
        headers = {
            "Authorization": f"Bearer {self.token['access_token']}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        }
        call = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
        call["params"] = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "trial", "version": "1"}}
        status, body = self.front.send("POST", "/mcp", json.dumps(call), headers)
        self.calls += 1
        if status != 200:
            self.failures.append(f"/mcp {status} {body[:200]}")
        if self.calls % 20 == 0:
            form = {"grant_type": "refresh_token", "refresh_token": self.token["refresh_token"], "client_id": self.client}
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            status, body = self.front.send("POST", "/token", urllib.parse.urlencode(form), kind)
            self.refreshes += 1
            if status == 200:
                self.token = json.loads(body)
            else:
                self.failures.append(f"/token {status} {body[:200]}")
        time.sleep(0.02)


def upgrade(old, new, node, modules, template, folder, postgres):
    ports = (compose.free_port(), compose.free_port())
    gateway, issuer = (f"http://127.0.0.1:{port}" for port in ports)
    kept, configuration = compose.prepare(folder, postgres, ports, template)
    owner = os.environ | {"GATEHOUSE__DATABASE__URL__FILE": str(kept / "owner-url")}
    migrate = ["--config", str(configuration), "migrate", "--grant-to", "gatehouse"]
    compose.run(old, *migrate, env=owner)
    shutil.copy(compose.COMPOSE / "identity-provider" / "provider.mjs", folder)
    (folder / "node_modules").symlink_to(Path(modules).resolve())
    surroundings = os.environ | {"ISSUER": issuer, "GATEWAY": gateway, "CLIENT_SECRET_FILE": str(kept / "idp-secret")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    provider = subprocess.Popen([node, "provider.mjs"], cwd=folder, env=surroundings, **quiet)
    front, started = Front(gateway.removeprefix("http://")), []

    def start(program, name):
        started.append(Replica(program, configuration, folder, name))
        return started[-1]

    try:
        compose.wait_for(f"{issuer}/.well-known/openid-configuration", provider)
        # The browser needs the public address itself.
        entrance = subprocess.Popen([old, "--config", str(configuration), "serve"], **quiet)
        try:
            compose.wait_for(f"{gateway}/readyz", entrance)
            client, token = compose.sign_in(gateway, "authorization_code", "refresh_token")
        finally:
            entrance.terminate()
            entrance.wait(timeout=40)
        front.replicas = [start(old, "old-1"), start(old, "old-2")]
        caller = Client(front, client, token)
        caller.start()
        try:
            time.sleep(2)
            compose.run(new, *migrate, env=owner)
            time.sleep(2)
            late = start(old, "old-3")  # one of the earlier release, started on the newer tables
            front.replicas.append(late)
            for number, replica in enumerate(list(front.replicas), 1):
                front.replicas.append(start(new, f"new-{number}"))
                time.sleep(1)
                front.take_out(replica)
                replica.stop()
            time.sleep(2)
        finally:
            caller.over.set()
            caller.join()
        print(f"{caller.calls} calls, {caller.refreshes} refreshes, {len(caller.failures)} failed")
        assert caller.refreshes and not caller.failures, caller.failures[:5]
    except BaseException:
        for replica in started:
            print(replica.log.read_text()[-2000:], file=sys.stderr)
        raise
    finally:
        for process in [provider, *(replica.process for replica in started)]:
            process.terminate()
            process.wait(timeout=40)


def main():
    old, new, node, modules, *given = sys.argv[1:]
    template = Path(given[0]) if given else compose.COMPOSE / "gatehouse.toml"
    programs = [str(Path(program).absolute()) for program in (old, new, node)]
    script = str(compose.ROOT / "scripts" / "postgres.sh")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as postgres:
        server = compose.run(script, "start", postgres, stdout=subprocess.PIPE)
        try:
            upgrade(*programs, modules, template, Path(folder), server.stdout.strip())
        finally:
            compose.run(script, "stop", postgres)


if __name__ == "__main__":
    main()
