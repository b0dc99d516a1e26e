"""Requests at a steady rate beside a fault, and the table of what came of them."""

import asyncio
import collections
import itertools
import json
import threading
import time

from . import client as oauth
from .wire import Connection

GOOD = ("200", "201", "303")
LOST = (OSError, EOFError, asyncio.IncompleteReadError, ValueError)


class Sample:
    __slots__ = ("begun", "kind", "outcome", "seconds", "retry_after")

    def __init__(self, kind, begun, seconds, outcome, retry_after=None):
        self.kind, self.begun, self.seconds, self.outcome = kind, begun, seconds, outcome
        self.retry_after = retry_after

    @property
    def ended(self):
        return self.begun + self.seconds


class Load:
    """Kinds of requests, each with its rate, sent from a thread of its own until its `with` block ends."""

    def __init__(self):
        self.samples = []
        self._kinds = []
        self._stop = threading.Event()
        self._in_flight = collections.Counter()
        self.most_in_flight = 0

    def add(self, kind, rate, send, lanes=None):
        """`send(lane)` makes the coroutine function of a lane, which sends one request and answers with the answer."""
        self._kinds.append((kind, rate, send, lanes or max(12, int(rate / 4))))
        return self

    def calls(self, ports, host, token, rate=100, path="/mcp", body=None, kind="tools/call", lanes=None):
        headers, body, turns = oauth.call_headers(token), body or oauth.tool_call(), itertools.cycle(ports)

        def lane():
            connection = Connection(next(turns), host)
            return lambda: connection.send("POST", path, headers, body)

        return self.add(kind, rate, lane, lanes)

    def get(self, ports, host, path, rate, kind=None):
        turns = itertools.cycle(ports)

        def lane():
            connection = Connection(next(turns), host)
            return lambda: connection.send("GET", path)

        return self.add(kind or path, rate, lane)

    def registrations(self, ports, host, rate=5):
        turns = itertools.cycle(ports)

        def lane():
            connection = Connection(next(turns), host)
            return lambda: connection.send("POST", "/register", oauth.JSON, json.dumps(oauth.METADATA))

        return self.add("/register", rate, lane)

    def refreshes(self, ports, host, families, rate=10):
        """Each lane has a family of its own, keeps its token where no answer comes, and goes on at the next replica."""
        rest = iter(families)

        def lane():
            family = next(rest)
            connections = itertools.cycle([Connection(port, host) for port in ports])
            return lambda: family.refresh(next(connections))

        return self.add("/token", rate, lane, len(families))

    def __enter__(self):
        self.begun = time.monotonic()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(90)
        self.ended = time.monotonic()

    async def _run(self):
        lanes = []
        for kind, rate, make, count in self._kinds:
            for number in range(count):
                lanes.append(self._lane(kind, count / rate, number / rate, make()))
        await asyncio.gather(*lanes)

    async def _lane(self, kind, pace, offset, send):
        due = time.monotonic() + offset
        while not self._stop.is_set():
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(min(wait, 0.2))
                continue
            due = max(due + pace, time.monotonic() - pace)
            self._in_flight[kind] += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight.total())
            begun, retry_after = time.monotonic(), None
            try:
                answer = await send()
                outcome, retry_after = answer.outcome, answer.headers.get("retry-after")
            except TimeoutError:
                outcome = "no answer in time"
            except LOST as error:
                outcome = f"no answer ({type(error).__name__})"
            seconds = time.monotonic() - begun
            self._in_flight[kind] -= 1
            self.samples.append(Sample(kind, begun, seconds, outcome, retry_after))
            if outcome.startswith("no answer (") and seconds < 0.01:
                await asyncio.sleep(0.02)

    def between(self, start, end, kind=None):
        """What was begun and answered within a time."""
        return [
            sample
            for sample in list(self.samples)
            if start <= sample.begun and sample.ended <= end and kind in (None, sample.kind)
        ]

    def begun_between(self, start, end, kind=None):
        return [sample for sample in list(self.samples) if start <= sample.begun < end and kind in (None, sample.kind)]


class Family:
    """A refresh family as its client knows it."""

    def __init__(self, client, token):
        self.client, self.token = client, token
        self.refused = []

    async def refresh(self, connection, timeout=60):
        answer = await connection.send("POST", "/token", oauth.FORM, self.client.refresh_form(self.token), timeout)
        if answer.status == 200:
            self.token = answer.json()["refresh_token"]
        elif answer.status == 400:
            self.refused.append(answer.body.decode()[:200])
        return answer


def families(client, count):
    return [Family(client, client.tokens()[1]) for _ in range(count)]


def outcomes(samples):
    return collections.Counter(sample.outcome for sample in samples)


def told(counter):
    """As a text: the most frequent first."""
    return ", ".join(f"{count} × {outcome}" for outcome, count in counter.most_common()) or "none"


def share(samples, *good):
    """How many of 100 had one of these outcomes."""
    return 100 * sum(sample.outcome in good for sample in samples) / len(samples) if samples else float("nan")


def percentile(samples, part):
    values = sorted(sample if isinstance(sample, float) else sample.seconds for sample in samples)
    return values[min(len(values) - 1, int(len(values) * part / 100))] if values else float("nan")


def first_success(samples, since):
    """Seconds from `since` to the first good answer to a request that was begun after it."""
    good = [sample.ended for sample in samples if sample.begun >= since and sample.outcome in GOOD]
    return min(good) - since if good else float("nan")


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
