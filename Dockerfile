# syntax=docker/dockerfile:1
# The gateway and nothing else: no shell, no package manager, no root.
#
#   docker build --tag gatehouse .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges gatehouse --version
#
# It serves at PORT, or at server.listen; see deploy/ for compositions of it.

FROM rust:1.95.0-bookworm AS build
# The image's own toolchain is the one of rust-toolchain.toml; rustup need not look for another.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_INCREMENTAL=0
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Writes the list of crates into the binary, where scanners find it.
RUN cargo install --locked cargo-auditable@0.7.7
WORKDIR /build

# The dependencies: a layer that is built again only when they change.
COPY .cargo/config.toml .cargo/
COPY Cargo.toml Cargo.lock build.rs askama.toml ./
COPY fuzz/Cargo.toml fuzz/
COPY tests/bench/Cargo.toml tests/bench/
RUN mkdir -p src migrations tests/conformance fuzz/fuzz_targets tests/bench/programs/load tests/bench/programs/server \
    && touch src/lib.rs \
    && for file in src/main.rs tests/conformance/server.rs tests/bench/programs/{load,server}/main.rs $(grep -o 'fuzz_targets/[a-z_]*\.rs' fuzz/Cargo.toml | sed 's,^,fuzz/,'); do \
        echo 'fn main() {}' > "$file"; \
    done \
    && cargo auditable build --release --locked --bin gatehouse

# The program. Cargo goes by times of change, and those of the copies may be older than the stubs.
COPY migrations migrations
COPY src src
RUN touch src/lib.rs src/main.rs build.rs \
    && cargo auditable build --release --locked --bin gatehouse

# glibc, libgcc and the certificate authorities; user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="An OAuth 2.1 secured, multi-tenant gateway for remote MCP servers" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE /licenses/gatehouse/LICENSE
COPY --from=build /build/target/release/gatehouse /usr/local/bin/gatehouse
USER 65532:65532
# Nothing is written here where the database is Postgres: the root file system may be read-only.
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
# At the address that the environment says; with a configuration file, give its name before `health`.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/gatehouse", "health"]
ENTRYPOINT ["/usr/local/bin/gatehouse"]
CMD ["serve"]
