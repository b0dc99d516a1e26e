#!/usr/bin/env bash
# Everything that must hold, from formatting to real clients, on a machine that has Rust and little else.
#
#   scripts/test.sh                      everything, as CI does
#   scripts/test.sh lint | rust | clients   one part of it
#
# What is missing is installed: Debian packages with apt-get, the rest into ignored folders. The first
# step that fails ends the run. A Postgres is started for the tests, unless GATEHOUSE_TEST_POSTGRES
# names one.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

names=()
seconds=()
failed=0

# step NAME COMMAND…: runs it under a heading and notes how long it took.
step() {
    local name=$1 start=$SECONDS status=0
    shift
    printf '\n== %s\n' "$name"
    # In a shell of its own: errexit does not reach into a function whose status is asked for.
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    names+=("$name")
    seconds+=($((SECONDS - start)))
    printf -- '-- %s: %d s\n' "$name" "$((SECONDS - start))"
    if [ "$status" -ne 0 ]; then
        failed=1
        printf '\nFAILED: %s (exit status %d)\n' "$name" "$status" >&2
        exit 1
    fi
}

summarise() {
    local index verdict
    printf '\n%-56s %8s\n' step seconds
    for index in "${!names[@]}"; do
        verdict=""
        if [ "$failed" -ne 0 ] && [ "$index" -eq $((${#names[@]} - 1)) ]; then
            verdict="  FAILED"
        fi
        printf '%-56s %8d%s\n' "${names[index]}" "${seconds[index]}" "$verdict"
    done
    printf '%d passed, %d failed\n' "$((${#names[@]} - failed))" "$failed"
}

finish() {
    local status=$?
    trap - EXIT
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        names+=("interrupted")
        seconds+=(0)
    fi
    if [ -n "${postgres_folder:-}" ]; then
        scripts/postgres.sh stop "$postgres_folder" || true
        rm -rf "$postgres_folder"
    fi
    summarise
    exit "$status"
}

start_postgres() {
    scripts/postgres.sh start "$postgres_folder" >"$postgres_folder/url"
    cat "$postgres_folder/url"
}

provide_postgres() {
    if [ -z "${GATEHOUSE_TEST_POSTGRES:-}" ]; then
        postgres_folder=$(mktemp -d)
        step "start Postgres" start_postgres
        GATEHOUSE_TEST_POSTGRES=$(cat "$postgres_folder/url")
    fi
    export GATEHOUSE_TEST_POSTGRES
}

check_documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
}

# The advisory database is fetched from where it is kept; the other checks need no network.
check_dependencies() {
    .tools/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources
    if ! timeout 60 .tools/bin/cargo-deny --locked fetch db >/dev/null 2>&1; then
        echo "advisories: not checked, their database is out of reach"
        return
    fi
    .tools/bin/cargo-deny --locked check advisories
}

run_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast
        cargo test --locked --quiet --doc
    else
        cargo test --locked --no-fail-fast
    fi
}

test_client() { # [--postgres URL] [--path PATH] COMMAND…
    python3 tests/clients/run.py --gatehouse target/debug/gatehouse "$@"
}

lint() {
    step "format" cargo fmt --all --check
    step "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
    step "documentation" check_documentation
    step "install cargo-deny" scripts/install-cargo-deny.sh
    step "dependencies" check_dependencies
    step "install deployment tools" scripts/install-deployment-tools.sh
    step "deployment" scripts/check-deploy.sh
}

# The attack catalogue once more, on the other engine.
run_catalogue_on_postgres() {
    export GATEHOUSE_TEST_ENGINE=postgres
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast --test authorization_server
    else
        cargo test --locked --no-fail-fast --test authorization_server
    fi
}

rust() {
    step "tests" run_tests
    step "attack catalogue, Postgres" run_catalogue_on_postgres
    step "instructions of a call" scripts/count-instructions.sh
    step "fuzzing" scripts/fuzz.sh
}

clients() {
    export GATEHOUSE_PICTURES=$PWD/target/pictures
    step "install Python packages" scripts/install-python-packages.sh
    step "install Node packages" scripts/install-node-packages.sh
    step "build" cargo build --locked --bins --example conformance
    local sdk=(.tools/python/bin/python tests/clients/python/mcp_sdk.py)
    step "MCP Python SDK, SQLite" test_client "${sdk[@]}"
    step "MCP Python SDK, standard streams" test_client .tools/python/bin/python tests/clients/python/mcp_stdio.py
    step "MCP Python SDK, Postgres" test_client --postgres "$GATEHOUSE_TEST_POSTGRES" "${sdk[@]}"
    local conformance=(.tools/node tests/clients/node/authorization_conformance.mjs)
    step "MCP conformance: authorization" test_client "${conformance[@]}"
    step "MCP conformance: authorization, with a path" test_client --path /t/acme "${conformance[@]}"
    step "MCP conformance: server" tests/conformance/run.sh
    step "MCP conformance: mounted server" tests/conformance/run.sh mounted
    local everything=(.tools/node tests/conformance/everything.mjs target/debug/examples/conformance)
    step "a mounted server of others, compared with itself" "${everything[@]}"
    step "oauth4webapi" test_client .tools/node tests/clients/node/oauth4webapi.mjs
    step "MCP Inspector" test_client .tools/node tests/clients/node/inspector.mjs
    local provider=(.tools/node tests/clients/node/identity_provider.mjs)
    step "sign-in at an identity provider" test_client --postgres "$GATEHOUSE_TEST_POSTGRES" "${provider[@]}"
    step "pages in Chromium" test_client .tools/node tests/clients/node/pages.mjs
    step "console in Chromium" test_client .tools/node tests/clients/node/console.mjs
    step "install deployment tools" scripts/install-deployment-tools.sh
    step "deployment, with its configurations" scripts/check-deploy.sh target/debug/gatehouse
    local composition=(tests/deployment/compose.py target/debug/gatehouse .tools/node tests/clients/node/node_modules)
    step "proxies" test_client .tools/deployment/bin/python tests/deployment/proxies.py
    step "reliability, a few faults" python3 tests/reliability/run.py --short R01 R03 R05 R12 R13 R14
    step "composition, without containers" python3 "${composition[@]}"
}

trap finish EXIT
trap 'exit 130' INT TERM

case ${1:-all} in
    lint) parts=(lint) ;;
    rust) parts=(rust) ;;
    clients) parts=(clients) ;;
    all) parts=(lint rust clients) ;;
    *)
        trap - EXIT
        echo "usage: $0 [lint | rust | clients]" >&2
        exit 64
        ;;
esac
step "install Debian packages" scripts/install-system-packages.sh
if [ "${parts[*]}" != lint ]; then
    provide_postgres
fi
for part in "${parts[@]}"; do
    "$part"
done
