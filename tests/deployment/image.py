#!/usr/bin/env python3
"""Goes through the build stage of the Dockerfile in a plain directory: what .dockerignore lets through is
copied as the COPY lines say, the commands are run, and Cargo reads what is there. The builds themselves are
left out: they are those of the other tests, with another profile.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = "cargo auditable build --release --locked --bin gatehouse"
READ = "cargo metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu >metadata.json"


def stages(text):
    """The instructions of each stage, those of several lines as one."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.M)).splitlines()
    found = []
    for line in filter(None, map(str.strip, lines)):
        name, rest = line.split(None, 1)
        if name == "FROM":
            found.append([])
        found[-1].append((name, " ".join(rest.split())))
    return found


def may_pass(path, kept):
    return any(path == name or path.startswith(f"{name}/") for name in kept)


def copy(names, target, kept):
    *sources, place = names.split()
    for source in sources:
        origin = ROOT / source
        assert origin.exists(), f"COPY {source}: there is none"
        for path in [origin] if origin.is_file() else sorted(origin.rglob("*")):
            relative = str(path.relative_to(ROOT))
            if path.is_dir():
                continue
            assert may_pass(relative, kept), f"COPY {relative}: .dockerignore holds it back"
            inside = path.name if origin.is_file() else str(path.relative_to(origin))
            to = target / place / inside
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def main():
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*", "the builder gets what is named, and nothing else"
    kept = [line.removeprefix("!") for line in ignored[1:]]
    build, image = stages((ROOT / "Dockerfile").read_text())
    channel = re.search(r'channel = "([^"]+)"', (ROOT / "rust-toolchain.toml").read_text()).group(1)
    assert build[0][1].startswith(f"rust:{channel}-"), f"{build[0][1]} is not Rust {channel}"
    builds = 0
    with tempfile.TemporaryDirectory(prefix="gatehouse-image-") as folder:
        target = Path(folder)
        inside = False
        for name, rest in build:
            inside = inside or name == "WORKDIR"
            if name == "COPY":
                copy(rest, target, kept)
            elif name == "RUN" and inside:
                builds += rest.count(BUILD)
                command = ["bash", "-o", "pipefail", "-ec", rest.replace(BUILD, READ)]
                subprocess.run(command, cwd=target, check=True, timeout=60, env=os.environ | {"RUSTUP_TOOLCHAIN": channel})
        listed = subprocess.run(["git", "ls-files", "src", "migrations"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        lacking = [name for name in listed.stdout.splitlines() if (ROOT / name).exists() and not (target / name).exists()]
        assert not lacking, f"not in the build: {lacking}"
    assert builds == 2, "the dependencies are built, then the program"
    said = dict(image)
    assert said["USER"] == "65532:65532" and said["ENTRYPOINT"] == '["/usr/local/bin/gatehouse"]', image
    assert all(name != "RUN" for name, _ in image), "there is no shell in the image"
    assert said["HEALTHCHECK"].endswith('CMD ["/usr/local/bin/gatehouse", "health"]'), said["HEALTHCHECK"]
    print("Dockerfile: its steps were done in a plain directory, without the compilations")


if __name__ == "__main__":
    main()
