"""Replicas whose clocks differ, and clocks that jump."""

import glob
import time

from house.load import Load, families, outcomes, told
from house.machine import must
from house.report import fault
from house.setting import pause, two_replicas

WITHIN, BEYOND = (-8, 8), (-30, 30, -300, 300)


def faketime(file):
    """What makes a process read its wall clock from `file`; timeouts go by the other clock, as they do."""
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        raise SystemExit("libfaketime is not installed: scripts/install-system-packages.sh")
    return {
        "LD_PRELOAD": libraries[0],
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def skew_of(setting, seconds, file):
    """What clients notice when replica b's clock differs by so much, for five seconds of load."""
    file.write_text(f"{seconds:+d}\n")
    pause(1)
    client, (a, b) = setting.client, setting.ports
    seen = {"401": 0, "refused": 0, "codes": 0, "code refused": 0}
    for first, second in ((a, b), (b, a)):
        client.port = first
        for _ in range(5):
            code = client.code()
            answer = client.exchange(*code, port=second)
            seen["codes"] += 1
            if answer.status != 200:
                seen["code refused"] += 1
                answer = client.exchange(*code, port=first)
            if answer.status == 200:
                access, refresh = answer.json()["access_token"], answer.json()["refresh_token"]
                for port in (a, b):
                    seen["401"] += client.call(access, port).status == 401
                    refreshed = client.refresh(refresh, port)
                    seen["refused"] += refreshed.status != 200
                    refresh = refreshed.json().get("refresh_token", refresh)
    client.port = a
    with Load().calls(setting.ports, setting.host, setting.token, 50) as load:
        pause(3)
    good = sum(sample.outcome == "200" for sample in load.samples)
    must(good == len(load.samples), f"calls with a token from before, {seconds:+d} s: {told(outcomes(load.samples))}")
    return seen


@fault(
    "R24",
    "Replica b's clock is off by 8, 30 and 300 seconds, both ways; then it jumps back ten minutes with codes and tokens spent before",
    "up to 10 seconds nobody notices; beyond, no panic, and what is refused is refused for that long; nothing that was spent is good again",
)
def clocks_differ(options):
    with two_replicas(options, direct=True) as setting:
        file = setting.gateway.folder / "clock"
        file.write_text("+0\n")
        b = setting.replicas[1]
        b.__exit__()
        b = setting.gateway.replica("b", port=b.port, environment=faketime(file))
        setting.replicas[1] = b
        with b:
            parts = []
            for seconds in WITHIN + BEYOND:
                seen = skew_of(setting, seconds, file)
                if seconds in WITHIN:
                    must(not (seen["401"] or seen["refused"] or seen["code refused"]), f"{seconds:+d} s: {seen}")
                parts.append(
                    f"{seconds:+d} s: {seen['401']} of {2 * seen['codes']} calls with a new token 401, {seen['code refused']} of {seen['codes']} "
                    f"codes refused at the other replica, {seen['refused']} refreshes refused"
                )
            parts.append(jump_back(setting, file))
            setting.must_live()
            setting.check_ledger()
    return "; ".join(parts)


def jump_back(setting, file):
    file.write_text("+0\n")
    pause(1)
    client, port = setting.client, setting.ports[1]
    members = families(client, 4)
    codes = [client.code() for _ in range(5)]
    must(all(client.exchange(*code, port=port).status == 200 for code in codes), "codes are refused")
    spent = [member.token for member in members]
    with Load().refreshes([port], setting.host, members, 10) as load:
        pause(2)
        file.write_text("-600\n")
        begin = time.monotonic()
        pause(6)
    after = load.begun_between(begin + 1, load.ended)
    bad = outcomes(sample for sample in after if sample.outcome != "200")
    must(after and not bad, f"refreshes after the jump: {told(bad)}")
    again = [client.exchange(*code, port=port).status for code in codes]
    must(again == [400] * len(codes), f"codes that were spent before the jump: {again}")
    live = {member.token for member in members}
    lost = sum(client.refresh(token, port).status != 200 for token in live)
    return f"jump of -600 s: {len(after)} refreshes good, 0 of {len(codes)} spent codes good again, {lost} of {len(spent)} families lost"
