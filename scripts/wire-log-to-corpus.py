#!/usr/bin/env python3
"""Turns a wire log (GATEHOUSE_LOG=mcp::wire=debug, as JSON) into inputs of the fuzz targets `message` and `edge`.

    scripts/wire-log-to-corpus.py LOG FOLDER

Each request that came in by HTTP becomes a file: its method, its headers, an empty line, its body. What differs from
run to run and not in kind is made the same, so that one of each kind is left: identifiers of requests, and the handles
that clients hold of us, which get the names that the target `edge` knows them by.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SEALED = re.compile(r"[A-Za-z0-9_-]{64,}")
REMOVED = "[removed]"


def inputs(log):
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        record = parsed(line)
        if record.get("target") == "mcp::wire" and record.get("message") == "received" and "headers" in record:
            lines = [record["http.method"]]
            lines += [f"{name}: {header(name, value)}" for name, value in parsed(record["headers"]).items()]
            text = "\n".join(lines) + "\n\n" + body(record.get("body", ""))
            yield IDENTIFIER.sub("00000000-0000-4000-8000-000000000000", text)


def parsed(text):
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def header(name, value):
    if name == "mcp-session-id":
        return value.replace(REMOVED, "{session}")
    if name == "last-event-id":
        return SEALED.sub("{event}", value)
    return task(value)


def task(handle):
    """The name of a tool, a point and a seal: the handle of a task."""
    return re.sub(r"[\w.-]+\." + SEALED.pattern, "{task}", handle)


def body(text):
    message = parsed(text)
    if not message:
        return text
    if isinstance(message.get("id"), int):
        message["id"] = 1
    elif isinstance(message.get("id"), str) and "method" not in message:
        message["id"] = SEALED.sub("{question}", message["id"])
    params = message.get("params")
    if isinstance(params, dict):
        for name, replaced in (
            ("requestState", lambda state: state.replace(REMOVED, "{state}")),
            ("cursor", lambda cursor: SEALED.sub("{cursor}", cursor)),
            ("taskId", task),
        ):
            if isinstance(params.get(name), str):
                params[name] = replaced(params[name])
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def main():
    log, folder = map(Path, sys.argv[1:])
    found = sorted(set(inputs(log)))
    left = [text for text in found if SEALED.search(text)]
    if left:
        sys.exit(f"a handle has no name:\n{left[0]}")
    if not found:
        sys.exit("the log holds no request")
    for text in found:
        data = text.encode()
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    print(f"{len(found)} kinds of requests")


main()
