#!/usr/bin/env bash
# Fuzzes what reads the input of strangers, with coverage as the guide (libFuzzer).
#
#   scripts/fuzz.sh                     every target, ten seconds each, as CI does
#   scripts/fuzz.sh TARGET [SECONDS]    one of them, ten minutes unless told otherwise
#
# What is new goes to target/fuzz/TARGET; fuzz/corpus/TARGET is only read. A crash ends the run and
# names the input that repeats it: target/debug/TARGET FILE. `cargo fuzz` works as well.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t targets < <(basename --suffix=.rs fuzz/fuzz_targets/*.rs)
seconds=10
if [ $# -gt 0 ]; then
    if [ ! -f "fuzz/fuzz_targets/$1.rs" ]; then
        echo "usage: $0 [TARGET [SECONDS]]; targets: ${targets[*]}" >&2
        exit 64
    fi
    targets=("$1")
    seconds=${2:-600}
fi

# Cargo passes each compilation of our own crates through the wrapper, which adds the coverage
# instrumentation. Dependencies stay those of the other checks.
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/instrument.sh cargo build --locked --package gatehouse-fuzz --bins

for target in "${targets[@]}"; do
    found=target/fuzz/$target
    mkdir -p "$found" "fuzz/corpus/$target"
    echo "-- $target, $seconds s"
    log=$(mktemp)
    if ! "target/debug/$target" "$found" "fuzz/corpus/$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -max_len=8192 -artifact_prefix="$found/" -print_final_stats=1 >"$log" 2>&1; then
        tail -40 "$log" >&2
        echo "FAILED: $target; repeat it with: target/debug/$target FILE" >&2
        rm -f "$log"
        exit 1
    fi
    grep -E 'cov: ' "$log" | tail -1 | sed -E 's/^#([0-9]+).*cov: ([0-9]+).*corp: ([^ ]+).*/   \1 inputs, \2 edges, corpus \3/'
    rm -f "$log"
done
