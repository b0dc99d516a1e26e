"""A real gatehouse process on a free loopback port, with a database and a user of its own."""

import base64
import os
import re
import secrets
import socket
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

TENANT = "default"
USERNAME = "alice"
START_SECONDS = 60
STOP_SECONDS = 20


class GatewayError(Exception):
    """The process did not do what every one of them must."""


class Gateway:
    """Runs while its `with` block does; `url` is its public URL, an origin or one with a path."""

    def __init__(self, binary, weather_url, postgres=None, path=""):
        self._path = path
        self._binary = str(binary)
        self._weather_url = weather_url
        self._postgres = postgres
        self._last_lines = deque(maxlen=40)
        self._listening = threading.Event()
        self.username = USERNAME
        self.password = secrets.token_urlsafe(18)
        self.url = None
        self.admin_url = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="gatehouse-clients-")
        self.configuration = Path(self._folder.name) / "gatehouse.toml"
        self.configuration.write_text(self._configuration(), encoding="utf-8")
        try:
            self._add_user()
            self._serve()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, kind, *_):
        self._process.terminate()
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            status = f"none within {STOP_SECONDS} s of SIGTERM"
        self._reader.join(STOP_SECONDS)
        self._folder.cleanup()
        if kind is not None:
            print("the gateway's last lines:", *self._last_lines, sep="\n  ")
        elif status != 0:
            raise GatewayError(self._tell(f"the gateway's exit status: {status}"))

    def _configuration(self):
        database = f"sqlite://{self._folder.name}/gatehouse.db"
        if self._postgres is not None:
            database = _new_database(self._postgres)
        listen, public_url = "127.0.0.1:0", ""
        if self._path:
            listen = f"127.0.0.1:{_free_port()}"
            public_url = f'public_url = "http://{listen}{self._path}"'
        return f"""
[server]
listen = "{listen}"
{public_url}
admin_listen = "127.0.0.1:0"

[database]
url = "{database}"

[keys]
encryption_key = {{ file = "{self._encryption_key()}" }}

[weather]
base_url = "{self._weather_url}"
contact = "ops@example.com"
"""

    def _encryption_key(self):
        path = Path(self._folder.name) / "encryption-key"
        path.write_text(base64.b64encode(secrets.token_bytes(32)).decode(), encoding="utf-8")
        return path

    def _add_user(self):
        command = [self._binary, "user", "add", "--config", str(self.configuration), "--tenant", TENANT]
        command += ["--username", self.username, "--role", "admin", "--password-stdin"]
        done = subprocess.run(command, input=self.password, text=True, capture_output=True, timeout=60)
        if done.returncode != 0:
            raise GatewayError(f"`gatehouse user add` exits with {done.returncode}:\n{done.stderr}")

    def _serve(self):
        self._process = subprocess.Popen(
            [self._binary, "serve", "--config", str(self.configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(START_SECONDS) or self.url is None:
            self._process.kill()
            self._process.wait()
            raise GatewayError(self._tell("the gateway does not say where it listens"))

    def _read(self):
        log = os.environ.get("GATEHOUSE_CLIENT_LOG", os.devnull)
        for line in self._process.stderr:
            self._last_lines.append(line.rstrip())
            with open(log, "a", encoding="utf-8") as kept:
                kept.write(line)
            said = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
            if said and self.url is None:
                self.url = said[1] + self._path
            console = re.search(r"operators +(http://127\.0\.0\.1:\d+)", line)
            if console and self.admin_url is None:
                self.admin_url = console[1]
                self._listening.set()
        self._listening.set()

    def _tell(self, what):
        return "\n  ".join([what + "; its last lines:", *self._last_lines])


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _new_database(server_url):
    """Makes a database of our own on a Postgres server and returns its URL."""
    name = f"clients_{secrets.token_hex(8)}"
    subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", server_url, "--command", f"CREATE DATABASE {name}"],
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()
