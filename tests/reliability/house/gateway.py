"""Replicas of a gateway binary on one database, and the commands that its operator has."""

import base64
import json
import os
import re
import secrets
import subprocess
import threading
from pathlib import Path

from . import machine
from .machine import Broken, free_port, must

TENANT = "default"
PASSWORD = secrets.token_urlsafe(18)
START_SECONDS = 60
# What one person, one client and one address do here is more than any of them may.
UNLIMITED = [
    "per_address", "per_tenant", "per_client", "per_principal", "tool_calls", "register", "register_per_tenant",
    "authorize", "token", "token_per_principal",
]  # fmt: skip


class Gateway:
    """What replicas have in common: configuration, key, public address. The first replica listens at that address."""

    def __init__(self, binary, folder, database, weather="http://127.0.0.1:9", sections="", tenants=""):
        self.binary, self.folder = str(binary), folder
        self.database = database
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.configuration = folder / "gatehouse.toml"
        key = folder / "encryption-key"
        key.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        limits = "".join(f'{rule} = "off"\n' for rule in UNLIMITED)
        self.configuration.write_text(
            f'[server]\nlisten = "{self.host}"\npublic_url = "{self.url}"\nadmin_listen = ""\n'
            f'[database]\nurl = "{database}"\n[keys]\nencryption_key = {{ file = "{key}" }}\n'
            f'[weather]\nbase_url = "{weather}"\ncontact = "ops@example.com"\n[telemetry]\nlog = "json"\n'
            f"[rate_limits]\n{limits}{sections}\n{tenants}"
        )

    def run(self, *command, given=None, database=None, environment=()):
        """What a command of the gateway prints."""
        variables = os.environ | dict(environment)
        if database:
            variables["GATEHOUSE__DATABASE__URL"] = database
        command = [self.binary, "--config", str(self.configuration), *command]
        done = subprocess.run(command, input=given, env=variables, text=True, capture_output=True, timeout=120)
        if done.returncode != 0:
            raise Broken(f"`gatehouse {' '.join(command[3:])}` ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout.strip()

    def add_user(self, name="ada", role="admin", tenant=TENANT):
        self.run("user", "add", "--tenant", tenant, "--username", name, "--role", role, "--password-stdin", given=PASSWORD)

    def issue_token(self, name="ada", tenant=TENANT, ttl="2h", scopes=()):
        chosen = [word for scope in scopes for word in ("--scope", scope)]
        return self.run("token", "issue", "--tenant", tenant, "--username", name, "--ttl", ttl, *chosen)

    def replica(self, name="a", port=None, database=None, environment=(), prefix=()):
        """A replica that is not started yet; the first one takes the public address."""
        port = port or (self.port if name == "a" else free_port())
        return Replica(self, name, port, database, dict(environment), list(prefix))


class Replica:
    """One `gatehouse serve`. It may be started again and again, always at the same port."""

    def __init__(self, gateway, name, port, database, environment, prefix):
        self.gateway, self.name, self.port = gateway, name, port
        self.log = gateway.folder / f"{name}.log"
        self._prefix = prefix
        self._environment = environment | {"GATEHOUSE__SERVER__LISTEN": f"127.0.0.1:{port}"}
        if database:
            self._environment["GATEHOUSE__DATABASE__URL"] = database
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process is not None:
            machine.stop(self.process)

    def start(self):
        listening = threading.Event()
        command = [*self._prefix, self.gateway.binary, "--config", str(self.gateway.configuration), "serve"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | self._environment,
            preexec_fn=_many_files,
        )
        reader = threading.Thread(target=self._read, args=(self.process, listening), daemon=True)
        reader.start()
        listening.wait(START_SECONDS)
        if self.process.poll() is not None or not listening.is_set():
            machine.stop(self.process)
            reader.join(5)
            raise Broken(f"replica {self.name} does not start:\n{self.tail()}")
        return self

    def _read(self, process, listening):
        with open(self.log, "a", encoding="utf-8", buffering=1) as log:
            for line in process.stderr:
                log.write(line)
                if re.search(r"listening on http://", line):
                    listening.set()
        listening.set()

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds=40):
        """SIGTERM; the exit status, which must come in time."""
        self.process.terminate()
        return self.process.wait(seconds)

    def must_live(self):
        must(self.process.poll() is None, f"replica {self.name} ended with {self.process.returncode}:\n{self.tail()}")

    def tail(self):
        return self.log.read_text()[-3000:] if self.log.exists() else ""

    def lines(self, text):
        """Lines of its log whose message has this text."""
        found = [line for line in self.log.read_text().splitlines() if text in line]
        return [json.loads(line) if line.startswith("{") else line for line in found]

    def panics(self):
        return len(self.lines("panic.place"))


def _many_files():
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def default_binary():
    return Path(__file__).parents[3] / "target" / "debug" / "gatehouse"
