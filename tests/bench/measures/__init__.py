"""The selections of scripts/bench.sh, a function each."""
