#!/usr/bin/env python3
"""Holds the table of log fields in docs/operations.md against the source: every field is there, and no other."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MACRO = re.compile(r"(?:tracing::(?:trace|debug|info|warn|error))!\(")


def arguments(text, start):
    """The arguments of a call that opened just before `start`, apart at their outermost commas."""
    depth, at, parts, begun = 1, start, [], start
    while depth:
        character = text[at]
        if character == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and character == ","):
            parts.append(text[begun:at].strip())
            begun = at + 1
        at += 1
    return parts


def fields_of(text):
    text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    for call in MACRO.finditer(text):
        for part in arguments(text, call.end()):
            named = re.match(r"[%?]?\s*([a-z_][a-z0-9_.]*)\s*(=(?!=)|$)", part)
            # `%self.name` alone has the name of its last part's path; none is written so here.
            if named:
                yield named.group(1)


def main():
    used = set()
    for path in sorted((ROOT / "src").rglob("*.rs")):
        used |= set(fields_of(path.read_text()))
    guide = (ROOT / "docs" / "operations.md").read_text()
    table = guide[guide.index("### Fields") : guide.index("## Figures")]
    told = set(re.findall(r"`([a-z_.]+)`", " ".join(re.findall(r"^\| ([^|]*) \|", table, flags=re.M))))
    # What is known of the request that a line was written for (src/telemetry/origin.rs).
    known = {"request.id", "trace.id", "tenant", "client.id", "tool", "http.method", "http.path"}
    usual = {"timestamp", "level", "message", "target"} | known
    lacking, invented = used - told, told - used - usual
    if lacking or invented:
        sys.exit(f"docs/operations.md: lacks {sorted(lacking)}, and has {sorted(invented)}, which no line has")
    print(f"docs/operations.md: {len(used)} fields of the log")


if __name__ == "__main__":
    main()
