"""What a server answers ahead of the rounds, so that all do the same work: the same result, and nothing for other tokens."""

import json

from house import wire
from house.machine import must


def check(target, result):
    """The call must have the result that the gateway's has; the bytes of its answer."""
    answer = _send(target, target.request)
    must(answer.status == 200, f"{target.name}: {answer.status} {answer.body[:500]}")
    found = {"isError": False, **answer.json().get("result", {})}
    for member, value in result.items():
        must(found.get(member) == value, f"{target.name}: `{member}` of its result is not the gateway's: {answer.body[:500]}")
    return answer.body


def check_refusals(target, token, without_scope):
    """A token of another signature, one without the scope, and none at all must be refused."""
    signed, _, signature = token.rpartition(".")
    forged = f"{signed}.{signature[::-1]}"
    for other, status in ((forged, {401}), (without_scope, {401, 403}), ("", {401})):
        answer = _send(target, target.request.replace(token, other))
        must(answer.status in status, f"{target.name} does not check tokens: {answer.status} {answer.body[:500]}")


def _send(target, request):
    head, _, body = request.partition("\n\n")
    first, *lines = head.split("\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return wire.send(target.server.port, headers.pop("Host"), method, path, headers, body, 30)
