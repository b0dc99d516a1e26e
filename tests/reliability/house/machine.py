"""Ports, folders and other people's programs on this machine."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]


class Broken(AssertionError):
    """Something that must be true is not."""


def must(condition, what):
    if not condition:
        raise Broken(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_program(name, *folders):
    """A program in PATH or where Debian puts those of administrators."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin", *map(str, folders)])
    found = shutil.which(name, path=path)
    if found is None:
        raise SystemExit(f"{name} is not installed: scripts/install-system-packages.sh")
    return found


def owner():
    """Options of `subprocess` for programs that refuse to be root: they run as somebody else then."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def give_to_owner(folder):
    found = owner()
    if found:
        os.chown(folder, found["user"], found["group"])


@contextlib.contextmanager
def folder(name):
    with tempfile.TemporaryDirectory(prefix=f"gatehouse-{name}-", ignore_cleanup_errors=True) as path:
        os.chmod(path, 0o711)
        yield Path(path)


def wait_until(condition, seconds, what, pause=0.05):
    """Waits until something is true and answers with how long that took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise Broken(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - begun


def stop(process, seconds=30):
    """Ends a process that we started, and answers with its exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def resident_kib(pid):
    return _status(pid, "VmRSS")


def peak_kib(pid):
    return _status(pid, "VmHWM")


def _status(pid, key):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise Broken(f"process {pid} has no {key}")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
