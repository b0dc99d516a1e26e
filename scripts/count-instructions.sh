#!/usr/bin/env bash
# Counts the instructions of an authenticated call of a cached answer, and fails where they have grown by more than 5 %.
#
#   scripts/count-instructions.sh            against tests/bench/instructions.txt
#   scripts/count-instructions.sh --write    makes that file anew, for a change that is worth what it costs
#
# They are counted by callgrind in the debug build that the tests have anyway, from the request's head to the answer's, in each
# revision: what a machine does meanwhile changes nothing. What other threads and tasks do is not counted.
set -euo pipefail
cd "$(dirname "$0")/.."

record=tests/bench/instructions.txt
allowed=5 # percent

program=$(cargo build --locked --bench hot_path --message-format=json-render-diagnostics \
    | sed -n 's/.*"name":"hot_path".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The same code for every processor: what the libraries choose by it differs.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX2_Usable,-ERMS
if ! valgrind --tool=callgrind --callgrind-out-file="$folder/counts" --collect-atstart=no \
    --toggle-collect='*hot_path::poll_counted*' --dump-after='*hot_path::call_ended*' \
    "$program" >"$folder/revisions" 2>"$folder/log"; then
    tail -n 40 "$folder/log" >&2
    exit 1
fi

# The cheapest of the calls in each revision: some have something to tidy up.
number=0
while read -r revision; do
    number=$((number + 1))
    echo "$revision $(sed -n 's/^totals: //p' "$folder/counts.$number")"
done <"$folder/revisions" | sort -k 1,1 -k 2,2n | awk '$1 != last { print; last = $1 }' >"$folder/found"

if [ "${1:-}" = --write ]; then
    cp "$folder/found" "$record"
    cat "$record"
    exit
fi
awk -v allowed="$allowed" '
    FNR == NR { before[$1] = $2; next }
    !($1 in before) { printf "%s: no record of it\n", $1; failed = 1; next }
    {
        change = 100 * ($2 / before[$1] - 1)
        printf "%s: %d instructions a call, %d on record (%+.2f %%)\n", $1, $2, before[$1], change
        delete before[$1]
        if (change > allowed) failed = 1
    }
    END {
        for (revision in before) { printf "%s: nothing was counted\n", revision; failed = 1 }
        if (failed) print "FAILED: a call takes more than it did; scripts/count-instructions.sh --write makes the record anew"
        exit failed
    }' "$record" "$folder/found"
