"""Faults that tests in Rust make: they are run, and what they print is the figure."""

import os
import re
import subprocess

from house.machine import ROOT, must
from house.report import fault

TESTS = {
    "R15": (
        "r15_",
        "An identity provider is down, answers 500, is slow, answers with garbage",
        "people are told within 3 seconds; those of other providers sign in, sessions go on",
    ),
    "R16": (
        "r16_",
        "An issuer's keys are out of reach; tokens name keys that nobody knows",
        "keys are asked for once in a while however many such tokens come; those that are known count for a day",
    ),
    "R17": ("r17_", "The signing key is rotated under load, at one process and at two replicas", "nobody is refused"),
    "R18": ("r18_", "Three of ten answers of the National Weather Service are 500s", "every caller has an answer, an old one with its age"),
    "R19": (
        "r19_",
        "The National Weather Service is late with a forecast (503 ForecastGridExpired)",
        "the last one is answered with its age, and the service is asked once a minute",
    ),
    "R20": (
        "r20_",
        "The edge before the National Weather Service refuses (403 as HTML, 429 with and without Retry-After)",
        "at most six requests in a block of 30 seconds, one at a time; callers have an old answer or a clear error",
    ),
    "R21": (
        "r21_",
        "Answers of the National Weather Service that never come, trickle, break off, are too large, are of another kind or shape",
        "told in time, never kept; the log has each failure under the reference that the caller has",
    ),
    "R22": (
        "r22_",
        "A mounted server hangs, resets, sends half of a message, dies in a stream",
        "one error within its deadline, nobody else is slowed, a client that hangs up is hung up for",
    ),
    "R23": ("r23_", "A mounted server fails again and again", "it is left alone for a while, then tried by one request"),
    "R27": ("r27_", "A thousand callers want the same at once, with nothing kept", "one request upstream; an error is not kept"),
    "R28": ("r28_", "A popular answer expires under load", "nobody waits, one refresh"),
    "R33": ("r33_", "The collector of figures and traces hangs, or is away", "no caller notices, nothing piles up"),
    "R35": ("r35_", "A changed configuration has mistakes", "the one before stays in use, and the log names them all"),
    "R34": ("r34_", "A handler panics", "500 for that request alone, the process goes on, the log names the place"),
}


def run_tests(identifier, prefix):
    filters = f"test(/(^|::|_){prefix}/)"
    command = ["cargo", "nextest", "run", "--locked", "--no-capture", "--color=never", "-E", filters]
    environment = os.environ | {"CARGO_TERM_COLOR": "never"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    output = done.stdout + done.stderr
    must(done.returncode == 0, f"tests of {identifier}:\n{output[-3000:]}")
    passed = re.search(r"(\d+) tests? run: (\d+) passed", output)
    must(passed and int(passed[1]) == int(passed[2]) > 0, f"tests of {identifier}:\n{output[-1000:]}")
    names = sorted(set(re.findall(rf"\b(?:\w+::)*((?:\w+_)?{prefix}\w+)", output)))
    said = [line.split(":", 1)[1].strip() for line in output.splitlines() if line.startswith(f"{identifier}:")]
    tests = ", ".join(f"`{name}`" for name in names)
    return "; ".join([*said, f"tests: {tests}"])


for _identifier, (_prefix, _done, _must_hold) in TESTS.items():
    fault(_identifier, _done, _must_hold)(lambda options, identifier=_identifier, prefix=_prefix: run_tests(identifier, prefix))
