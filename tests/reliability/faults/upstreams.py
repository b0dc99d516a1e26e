"""What the gateway asks for does not answer: weather, a mounted server, the resolver of names."""

import contextlib
import itertools
import os
import subprocess
import sys
import time

from house import client as oauth
from house.fault_proxy import PASS, SWALLOW, FaultProxy
from house.gateway import Gateway
from house.load import Load, milliseconds, outcomes, percentile, share, told
from house.machine import folder, must, stop
from house.report import fault
from house.setting import pause
from house.wire import Connection

from weather_service import WeatherService


def forecasts(replica, token):
    """Lanes that ask for the forecast of a place that nobody asked for before."""
    numbers = itertools.count()

    def lane():
        connection = Connection(replica.port, replica.gateway.host)

        async def send():
            body = oauth.tool_call("get_forecast", latitude=40 + next(numbers) / 1000, longitude=-74.0)
            return await connection.send("POST", "/mcp", oauth.call_headers(token), body)

        return send

    return lane


@fault(
    "R36",
    "Everything that goes out vanishes for 40 seconds: the National Weather Service, a mounted server, under 20 calls a second that need them",
    "each call is answered within its deadline, requests in flight are bounded, calls that need nobody are as fast as before",
)
def black_hole(options):
    seconds = 15 if options.short else 40
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder("faults"))
        weather = stack.enter_context(WeatherService())
        proxy = stack.enter_context(FaultProxy(int(weather.url.rpartition(":")[2])))
        mounted = f'[[tenants]]\nslug = "default"\n[[tenants.servers]]\nname = "docs"\nurl = "http://127.0.0.1:{proxy.port}/mcp"\n'
        mounted += 'allow_private = ["127.0.0.0/8"]\ndeadline = "5s"\n'
        gateway = Gateway(options.gatehouse, place, f"sqlite://{place}/gatehouse.db", f"http://127.0.0.1:{proxy.port}", tenants=mounted)
        gateway.add_user()
        token = gateway.issue_token()
        replica = stack.enter_context(gateway.replica())
        ports = [replica.port]
        load = Load().calls(ports, gateway.host, token, 50)
        load.add("get_forecast", 10, forecasts(replica, token), 150)
        load.calls(ports, gateway.host, token, 10, body=oauth.tool_call("docs_search", query="x"), kind="docs_search", lanes=100)
        with load:
            pause(4)
            quiet = time.monotonic()
            proxy.mode = SWALLOW
            pause(seconds)
            back = time.monotonic()
            proxy.mode = PASS
            pause(15)
        parts = []
        calls = load.begun_between(load.begun, load.ended, "tools/call")
        must(share(calls, "200") == 100, f"calls that need nobody: {told(outcomes(calls))}")
        before = percentile(load.begun_between(load.begun, quiet, "tools/call"), 99)
        beside = percentile(load.begun_between(quiet, back, "tools/call"), 99)
        must(beside < 2 * before or beside < 0.05, f"calls that need nobody: p99 {milliseconds(before)}, then {milliseconds(beside)}")
        parts.append(f"calls that need nobody 100 % of {len(calls)}, p99 {milliseconds(before)} before and {milliseconds(beside)} beside")
        for kind, bound in (("get_forecast", 12), ("docs_search", 12)):
            during = load.begun_between(quiet, back, kind)
            slowest = percentile(during, 100)
            must(during and slowest < bound, f"{kind} took {slowest:.1f} s")
            bad = outcomes(sample for sample in during if sample.outcome.startswith("no answer"))
            must(not bad, f"{kind}: {told(bad)}")
            parts.append(f"{kind}: {told(outcomes(during))}, slowest {milliseconds(slowest)}")
        replica.must_live()
        must(replica.panics() == 0, replica.tail())
        return f"{seconds} s: " + "; ".join(parts) + f"; at most {load.most_in_flight} in flight"


RESOLVER = """
import socket, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(("127.0.0.53", 53))
mode = sys.argv[1]
while True:
    data, peer = one.recvfrom(4096)
    if mode == "fail":
        one.sendto(data[:2] + bytes([0x81, 0x82]) + data[4:], peer)
"""


@fault(
    "R31",
    "The resolver of names fails at once, then never answers, while calls need api.weather.gov and people come with a client that is an URL",
    "each is told within its deadline; calls that need nobody are as fast as before (nothing starves); the process lives",
)
def no_names(options):
    must(os.getuid() == 0, "only root may give a process another resolver")
    parts = []
    for mode in ("fail", "silent"):
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(folder("faults"))
            parts.append(with_resolver(options, stack, place, mode))
    return "; ".join(parts)


def with_resolver(options, stack, place, mode):
    (place / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:5 attempts:2\n")
    resolver = subprocess.Popen([sys.executable, "-c", RESOLVER, mode], stdin=subprocess.DEVNULL)
    stack.callback(stop, resolver)
    gateway = Gateway(options.gatehouse, place, f"sqlite://{place}/gatehouse.db", "https://api.weather.gov")
    gateway.add_user()
    token = gateway.issue_token()
    mount = f"mount --bind {place}/resolv.conf /etc/resolv.conf && exec \"$@\""
    replica = stack.enter_context(gateway.replica(prefix=["unshare", "--mount", "sh", "-c", mount, "sh"]))
    client, numbers = oauth.Client(gateway), itertools.count()

    def authorize():
        connection = Connection(replica.port, gateway.host)

        async def send():
            path = client.authorization_path("v" * 43).replace(client.id, f"https%3A%2F%2Fc{next(numbers)}.example.org%2Fclient.json")
            return await connection.send("GET", path)

        return send

    load = Load().calls([replica.port], gateway.host, token, 50)
    load.add("get_forecast", 10, forecasts(replica, token), 150).add("/authorize", 5, authorize, 60)
    with load:
        pause(10 if options.short else 25)
        end = time.monotonic()
        pause(1)
    calls = load.begun_between(load.begun, load.ended, "tools/call")
    must(share(calls, "200") == 100, f"calls that need nobody: {told(outcomes(calls))}")
    texts = []
    for kind in ("get_forecast", "/authorize"):
        during = load.begun_between(load.begun, end, kind)
        slowest = percentile(during, 100)
        must(during and slowest < 12, f"{kind} took {slowest:.1f} s")
        texts.append(f"{kind} {told(outcomes(during))}, slowest {milliseconds(slowest)}")
    replica.must_live()
    must(replica.panics() == 0, replica.tail())
    return f"{mode}: calls that need nobody p99 {milliseconds(percentile(calls, 99))}, " + ", ".join(texts)
