//! Builds again when a migration is added, for they are part of the program; and how the program is linked.

use std::env;

#[expect(
    clippy::disallowed_methods,
    reason = "this is how Cargo tells build scripts"
)]
fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=build.rs");
    // What the loader has to adjust takes 20 KiB of the file instead of 0.9 MiB (generic ABI, SHT_RELR). glibc knows how since 2.36.
    if env::var("TARGET").is_ok_and(|target| target.ends_with("-linux-gnu")) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
