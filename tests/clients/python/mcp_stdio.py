"""The MCP Python SDK as a desktop host: it starts what `gatehouse install` tells a host to start.

Once on revision 2026-07-28 and once with the `initialize` handshake of the revisions before.
"""

import json
import os
import subprocess

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_sdk import check, proved, text_of, use_resources_and_prompts, use_tools

INSTALL = ["install", "cursor", "--print", "--config", os.environ["GATEHOUSE_CONFIGURATION"]]


def entry():
    done = subprocess.run([os.environ["GATEHOUSE_BINARY"], *INSTALL], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["mcpServers"]["gatehouse"]


async def walk(server, mode, revision):
    print(f"mcp over stdio, {mode}:", flush=True)
    async with Client(server, mode=mode) as client:
        check(client.protocol_version == revision, f"agreed on {client.protocol_version}")
        proved(f"revision {revision}")
        await use_tools(client)
        await use_resources_and_prompts(client)
        # Whoever starts the process has every scope.
        metric = text_of(await client.call_tool("get_internal_metric", {"metric_name": "tool_calls"}))
        check(any(character.isdigit() for character in metric), f"the metric is {metric!r}")
        proved("get_internal_metric without any sign-in")


async def main():
    server = StdioServerParameters(**entry())
    await walk(server, "auto", "2026-07-28")
    await walk(server, "legacy", "2025-11-25")


anyio.run(main)
