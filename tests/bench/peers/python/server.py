"""FastMCP with one tool, whose result is at hand, and its own check of tokens: `server.py ANSWER JWKS ISSUER AUDIENCE SCOPE`.

One worker of uvicorn, set up to answer fast: no sessions, JSON instead of event streams, no access log, uvloop and httptools.
"""

import json
import platform
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.tools import ToolResult
from joserfc.jwk import import_key
from mcp.types import CallToolResult


def server(answer, keys, issuer, audience, scope):
    key = json.loads(Path(keys).read_text())["keys"][0]
    verifier = JWTVerifier(
        public_key=import_key(key).as_pem(private=False),
        algorithm=key["alg"],
        issuer=issuer,
        audience=audience,
        required_scopes=[scope],
    )
    result = ToolResult.from_mcp_result(CallToolResult.model_validate_json(Path(answer).read_bytes()))
    mcp = FastMCP("bench", auth=verifier)

    @mcp.tool(output_schema=None)
    async def get_alerts(state: str) -> ToolResult:
        """Alerts of a state"""
        return result

    return mcp


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    name = f"FastMCP {version('fastmcp')} (Python {platform.python_version()})"
    print(f"{name}, listening on http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
    app = server(*sys.argv[1:]).http_app(json_response=True, stateless_http=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
