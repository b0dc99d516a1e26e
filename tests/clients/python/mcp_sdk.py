"""The MCP Python SDK against a running gatehouse: discovery, registration, sign-in, tools, step-up.

Runs once on revision 2026-07-28 and once with the `initialize` handshake of the revisions before.
"""

import os
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from mcp_types import PromptReference

sys.path.insert(0, str(Path(__file__).parents[1]))
from sign_in import approve  # noqa: E402
from weather_service import ALERT, FIRST_PERIOD, POINT  # noqa: E402

GATEWAY = os.environ["GATEHOUSE_URL"]
CALLBACK = "http://127.0.0.1:33418/callback"
METRICS_SCOPE = "metrics:read"


class Memory:
    """Where the SDK keeps what it was given."""

    def __init__(self):
        self._tokens = self._client = None

    async def get_tokens(self):
        return self._tokens

    async def set_tokens(self, tokens):
        self._tokens = tokens

    async def get_client_info(self):
        return self._client

    async def set_client_info(self, client):
        self._client = client


class Person:
    """Signs in and approves whenever the SDK asks, and remembers which scopes were asked for."""

    def __init__(self):
        self.asked = []
        self._returned = None

    async def open(self, url):
        asked = parse_qs(urlsplit(url).query)
        check(asked["resource"] == [f"{GATEWAY}/mcp"], f"the resource asked for is {asked['resource']}")
        self.asked.append(set(asked["scope"][0].split()))
        who = os.environ["GATEHOUSE_USERNAME"], os.environ["GATEHOUSE_PASSWORD"]
        self._returned = await anyio.to_thread.run_sync(approve, url, *who)

    async def come_back(self):
        check(self._returned.startswith(CALLBACK + "?"), f"sent back to {self._returned}")
        answer = {name: values[0] for name, values in parse_qs(urlsplit(self._returned).query).items()}
        check("code" in answer, f"no code but {answer}")
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))


class Trail:
    """Every request that was sent, with its status."""

    def __init__(self):
        self.steps = []

    async def note(self, response):
        request = response.request
        self.steps.append((request.method, request.url.path, response.status_code))

    def count(self, method, path):
        return sum(step[:2] == (method, path) for step in self.steps)


def check(holds, otherwise):
    if not holds:
        sys.exit(f"FAILED: {otherwise}")


def proved(what):
    print(f"  ok: {what}", flush=True)


def text_of(result):
    check(not result.is_error, f"the tool answers with an error: {result.content}")
    return "\n".join(part.text for part in result.content if part.type == "text")


def check_way_in(trail):
    """RFC 9728 §5: the refusal names the metadata, from which everything else is found."""
    expected = [
        ("POST", "/mcp", 401),
        ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
        ("GET", "/.well-known/oauth-authorization-server", 200),
        ("POST", "/register", 201),
        ("POST", "/token", 200),
        ("POST", "/mcp", 200),
    ]
    check(trail.steps[: len(expected)] == expected, f"the way in was {trail.steps}")
    proved("401, protected resource metadata, server metadata, registration, code, token, 200")


async def use_tools(client):
    names = [tool.name for tool in (await client.list_tools()).tools]
    for name in ("get_alerts", "get_forecast", "get_internal_metric"):
        check(name in names, f"{name} is not listed; these are: {names}")
    alerts = text_of(await client.call_tool("get_alerts", {"state": "NY"}))
    check(ALERT in alerts, f"get_alerts says {alerts!r}")
    calm = text_of(await client.call_tool("get_alerts", {"state": "CA"}))
    check(calm == "No active alerts for CA.", f"get_alerts says {calm!r}")
    latitude, longitude = POINT
    where = {"latitude": latitude, "longitude": longitude}
    forecast = text_of(await client.call_tool("get_forecast", where))
    check(FIRST_PERIOD in forecast, f"get_forecast says {forecast!r}")
    refused = await client.call_tool("get_alerts", {"state": "Atlantis"})
    check(refused.is_error, f"an unknown state is answered with {refused.content}")
    proved(f"tools/list ({len(names)} tools), get_alerts, get_forecast, an unknown state told to the model")


async def use_resources_and_prompts(client):
    resources = [str(resource.uri) for resource in (await client.list_resources()).resources]
    check("config://app" in resources, f"config://app is not listed; these are: {resources}")
    config = (await client.read_resource("config://app")).contents[0].text
    check(config.strip() != "", "config://app is empty")
    alerts = (await client.read_resource("alerts://NY/active")).contents[0].text
    check(ALERT.split(": ")[0] in alerts, f"alerts://NY/active says {alerts!r}")
    prompt = await client.get_prompt("emergency_summary", {"state": "NY"})
    said = "\n".join(message.content.text for message in prompt.messages)
    check("NY" in said or "New York" in said, f"emergency_summary says {said!r}")
    reference = PromptReference(name="emergency_summary")
    completion = (await client.complete(reference, {"name": "state", "value": "N"})).completion
    check("NY" in completion.values, f"`N` is completed to {completion.values}")
    proved("resource, resource template, prompt, completion")


async def step_up(client, person, trail):
    """The scope was not asked for at first; the refusal of one call has it granted."""
    check(METRICS_SCOPE not in set.union(*person.asked), f"asked for at first: {person.asked}")
    before, held = len(trail.steps), person.asked[-1]
    metric = text_of(await client.call_tool("get_internal_metric", {"metric_name": "tool_calls"}))
    check(any(character.isdigit() for character in metric), f"the metric is {metric!r}")
    steps = [step for step in trail.steps[before:] if step[0] == "POST"]
    expected = [("POST", "/mcp", 403), ("POST", "/token", 200), ("POST", "/mcp", 200)]
    check(steps == expected, f"the step-up was {steps}")
    check(person.asked[-1] == held | {METRICS_SCOPE}, f"asked for {person.asked[-1]}, held {held}")
    check(trail.count("POST", "/register") == 1, "the client registered again")
    proved(f"403 insufficient_scope, {METRICS_SCOPE} granted beside what was held, the call repeated")


async def walk(mode, revision):
    print(f"mcp {mode}:", flush=True)
    person, trail = Person(), Trail()
    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="MCP Python SDK")
    provider = OAuthClientProvider(
        f"{GATEWAY}/mcp", metadata, Memory(), redirect_handler=person.open, callback_handler=person.come_back
    )
    http = httpx2.AsyncClient(auth=provider, event_hooks={"response": [trail.note]}, timeout=60)
    async with http, Client(streamable_http_client(f"{GATEWAY}/mcp", http_client=http), mode=mode) as client:
        check_way_in(trail)
        check(client.protocol_version == revision, f"agreed on {client.protocol_version}")
        proved(f"revision {revision}")
        await use_tools(client)
        await use_resources_and_prompts(client)
        await step_up(client, person, trail)


async def main():
    await walk("auto", "2026-07-28")
    await walk("legacy", "2025-11-25")


if __name__ == "__main__":
    anyio.run(main)
