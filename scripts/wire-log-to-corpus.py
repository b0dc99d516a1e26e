#!/usr/bin/env python3
"""Turns a wire log (GATEHOUSE_LOG=mcp::wire=debug, as JSON) into inputs of the fuzz target `message`.

    scripts/wire-log-to-corpus.py LOG FOLDER

Each message that came in by HTTP becomes a file: its headers, an empty line, its body. What differs from run to run
and not in kind (identifiers of requests, tokens of progress) is made the same, so that one of each kind is left.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def inputs(log):
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        record = parsed(line)
        if record.get("target") == "mcp::wire" and record.get("message") == "received" and "headers" in record:
            headers = parsed(record["headers"])
            head = "".join(f"{name}: {value}\n" for name, value in headers.items())
            body = same(record["body"])
            yield IDENTIFIER.sub("00000000-0000-4000-8000-000000000000", f"{head}\n{body}")


def parsed(text):
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def same(text):
    message = parsed(text)
    if isinstance(message.get("id"), int):
        message["id"] = 1
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) if message else text


def main():
    log, folder = map(Path, sys.argv[1:])
    written = 0
    for text in sorted(set(inputs(log))):
        data = text.encode()
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        written += 1
    print(f"{written} messages")
    if written == 0:
        sys.exit("the log holds no message")


main()
