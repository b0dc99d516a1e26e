"""Servers of others that do the same authenticated call: FastMCP and the TypeScript SDK, in tests/bench/peers."""

import subprocess

from house.machine import ROOT

from .cores import SERVER, on
from .servers import Bare

PEERS = ROOT / "tests" / "bench" / "peers"
INSTALLED = ROOT / ".tools" / "peers"
# With its development settings Express does more for each answer.
COMMANDS = {
    "FastMCP": [INSTALLED / "bin" / "python", PEERS / "python" / "server.py"],
    "TypeScript SDK": ["env", "NODE_ENV=production", INSTALLED / "node", PEERS / "node" / "server.mjs"],
}


def install():
    """Fetches what is not there yet, at its pinned version."""
    done = subprocess.run([ROOT / "scripts" / "install-peers.sh"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(
            f"FastMCP and the TypeScript SDK, which calls are measured beside, can't be installed here; with --without-peers "
            f"their rows are left out.\nscripts/install-peers.sh ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )


class Peer(Bare):
    """A peer on the gateway's core, while a `with` block runs. It takes the gateway's tokens, if they have the scope of tools."""

    def __init__(self, command, answer, keys, issuer):
        self.command = [*on(SERVER), *map(str, [*command, answer, keys, issuer, f"{issuer}/mcp", "mcp:tools"])]

    @property
    def name(self):
        """What it says of itself and its runtime."""
        return self.line.split(", listening")[0]
