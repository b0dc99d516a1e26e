"""Postgres servers of our own, as durable as one in use: a primary, standbys of it, pgbouncer before it."""

import os
import re
import secrets
import subprocess
from pathlib import Path

from . import machine
from .machine import find_program, free_port, give_to_owner, owner, wait_until

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
wal_level = replica
max_wal_senders = 4
hot_standby = on
log_min_messages = warning
"""
ROLE = "gatehouse"


def _binaries():
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return newest[-1:]


def program(name):
    return find_program(name, *_binaries())


class Server:
    """A Postgres under `folder`. It is started by whoever makes it, and stopped by its `with` block."""

    def __init__(self, folder, settings=""):
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self._settings = settings

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        give_to_owner(self.folder)
        if not self.data.exists():
            self._initialise()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop("immediate", check=False)

    def _initialise(self):
        command = [program("initdb"), f"--pgdata={self.data}", "--username=postgres", "--auth=trust"]
        self._run(*command, "--encoding=UTF8", "--no-locale", "--no-sync")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as configuration:
            configuration.write(SETTINGS + self._settings)

    def start(self):
        log = f"--log={self.folder / 'log'}"
        self._run(program("pg_ctl"), f"--pgdata={self.data}", log, "--silent", "--wait", f"--options=-p {self.port}", "start")

    def stop(self, mode="fast", check=True):
        self._run(program("pg_ctl"), f"--pgdata={self.data}", "--silent", "--wait", f"--mode={mode}", "stop", check=check)

    def promote(self):
        self._run(program("pg_ctl"), f"--pgdata={self.data}", "--silent", "--wait", "promote")

    def reload(self):
        self._run(program("pg_ctl"), f"--pgdata={self.data}", "--silent", "reload")

    def configure(self, settings):
        """Adds settings that need no restart."""
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as configuration:
            configuration.write(settings)
        self.reload()

    def standby(self, folder, port):
        """A copy of this server that streams from it by way of `port`, and is not started yet."""
        copy = Server(folder)
        copy.folder.mkdir(parents=True, exist_ok=True)
        give_to_owner(copy.folder)
        source = f"--dbname=host=127.0.0.1 port={port} user=postgres application_name=standby"
        self._run(program("pg_basebackup"), f"--pgdata={copy.data}", source, "--write-recovery-conf", "--checkpoint=fast")
        return copy

    def _run(self, *command, check=True):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **owner())
        if check and done.returncode != 0:
            log = self.folder / "log"
            last = log.read_text()[-2000:] if log.exists() else ""
            raise SystemExit(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr}\n{last}")

    def url(self, database, role="postgres", port=None):
        return f"postgres://{role}@127.0.0.1:{port or self.port}/{database}"

    def psql(self, database, *statements):
        """What a superuser is answered, as lines of text."""
        command = [program("psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
        command += ["--set=ON_ERROR_STOP=1", self.url(database)]
        for statement in statements:
            command += ["--command", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise SystemExit(f"psql: {done.stderr}")
        return done.stdout.splitlines()

    def new_database(self):
        """An empty database whose owner is no superuser, so that row-level security holds for it."""
        name = f"faults_{secrets.token_hex(6)}"
        if not self.psql("postgres", f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'"):
            self.psql("postgres", f"CREATE ROLE {ROLE} LOGIN")
        self.psql("postgres", f"CREATE DATABASE {name} OWNER {ROLE}")
        return name


class Pooler:
    """pgbouncer in transaction mode before a server, as an operator who reads docs/operations.md has it. Debian 12 has
    one that knows no prepared statements; GATEHOUSE_PGBOUNCER names another."""

    def __init__(self, server, folder, pool_size=20):
        self.server, self.folder, self.pool_size = server, folder, pool_size
        self.port = free_port()
        self.program = os.environ.get("GATEHOUSE_PGBOUNCER") or find_program("pgbouncer")
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, timeout=20).stdout
        self.version = re.search(r"(\d+)\.(\d+)(\.\d+)?", said)[0]

    @property
    def knows_prepared_statements(self):
        return tuple(int(part) for part in self.version.split(".")[:2]) >= (1, 21)

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        give_to_owner(self.folder)
        (self.folder / "users").write_text(f'"{ROLE}" ""\n"postgres" ""\n')
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\n* = host=127.0.0.1 port={self.server.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.folder / 'users'}\npool_mode = transaction\n"
            f"default_pool_size = {self.pool_size}\nmax_client_conn = 500\n"
            "ignore_startup_parameters = extra_float_digits,options\n"
            + ("max_prepared_statements = 200\n" if self.knows_prepared_statements else "")
        )
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        command = [self.program, str(configuration)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, **owner())
        wait_until(self._answers, 20, "pgbouncer takes connections")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise SystemExit(f"pgbouncer ended: {(self.folder / 'log').read_text()[-2000:]}")
        check = subprocess.run([program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], timeout=20)
        return check.returncode == 0

    def __exit__(self, *_):
        machine.stop(self.process)
        self.log.close()
