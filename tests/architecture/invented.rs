//! The check is held against invented files, so that it cannot pass by seeing nothing.

use crate::{MOST_LINES, faults_of_room_file};

/// The faults of a file that keeps the other rules and contains `code`.
fn faults_of(file: &str, code: &str) -> Vec<String> {
    faults_of_room_file(file, &format!("//! An invented file.\n\n{code}\n"))
}

#[track_caller]
fn assert_fault(file: &str, code: &str, expected: &str) {
    let faults = faults_of(file, code);
    assert!(
        matches!(faults.as_slice(), [fault] if fault.contains(expected)),
        "{file}: {code}\nexpected: {expected}\nfound: {faults:?}"
    );
}

#[test]
fn the_check_lets_pass_what_the_table_allows() {
    for (file, code) in [
        (
            "mcp/http.rs",
            "use crate::backends::Backend; use crate::mcp::message; use super::sse;",
        ),
        (
            "store/sqlite/mod.rs",
            "use super::{Store, StoreError}; use sqlx::SqlitePool; use crate::model::*;",
        ),
        (
            "egress/mod.rs",
            "fn f() -> reqwest::Client { self::g(); crate::config::h() }",
        ),
        (
            "store/mod.rs",
            "mod tests { use super::*; use super::super::model::Scope; }",
        ),
        (
            "cli/mod.rs",
            "use anyhow::Context as _; fn f() { crate::app::run(); }",
        ),
        (
            "main.rs",
            "fn main() -> anyhow::Result<()> { gatehouse::cli::run() }",
        ),
        ("lib.rs", "pub mod model; pub mod cli;"),
        (
            "nws/cache.rs",
            r#"fn f() { let axum = 1; let gatehouse = axum; g(gatehouse); tracing::info!("a \" crate :: mcp {axum}"); }"#,
        ),
    ] {
        assert_eq!(
            faults_of(file, code),
            Vec::<String>::new(),
            "{file}: {code}"
        );
    }
}

#[test]
fn the_check_sees_an_import_upwards_however_it_is_written() {
    for code in [
        "use crate::mcp::Session;",
        "use crate::{model::Scope, mcp::{self, Session}};",
        "use crate::mcp as faces;",
        "use super::super::mcp::Session;",
        "fn f() { crate::mcp::run(); }",
        "fn f(session: &crate::mcp::Session) {}",
        "impl crate::mcp::Face for Store {}",
        "fn f() { println!(\"{}\", crate::mcp::NAME); }",
        "fn f() { tokio::select! { _ = crate::mcp::run() => {} } }",
        "#[derive(crate::mcp::Face)] struct S;",
        "mod inner { use super::super::super::mcp::Session; }",
        "pub use gatehouse::mcp::Session;",
    ] {
        assert_fault("store/sqlite.rs", code, "`store` imports upwards: `mcp`");
    }
}

#[test]
fn the_check_sees_an_import_sideways() {
    assert_fault(
        "jose/mod.rs",
        "use crate::store::Store;",
        "imports sideways: `store`",
    );
    assert_fault(
        "resource_server/mod.rs",
        "use crate::authorization_server::X;",
        "sideways",
    );
}

#[test]
fn the_check_sees_the_crate_root_imported_whole() {
    assert_fault("web/mod.rs", "use crate::*;", "crate's root");
    assert_fault("web/mod.rs", "use super::*;", "crate's root");
    assert_fault("web/mod.rs", "use crate as all;", "crate's root");
}

#[test]
fn the_check_sees_a_dependency_outside_its_room() {
    assert_fault("mcp/mod.rs", "use sqlx::Row;", "`mcp` uses `sqlx`");
    assert_fault("nws/mod.rs", "use reqwest as http;", "`nws` uses `reqwest`");
    assert_fault(
        "nws/mod.rs",
        "fn f() -> Result<(), reqwest::Error> { g() }",
        "`reqwest`",
    );
    assert_fault(
        "web/mod.rs",
        "use jsonwebtoken::{decode, Validation};",
        "`jsonwebtoken`",
    );
    assert_fault(
        "store/mod.rs",
        "use anyhow::Result;",
        "`store` uses `anyhow`",
    );
    assert_fault(
        "model/user.rs",
        "use argon2::Argon2;",
        "`model` uses `argon2`",
    );
    assert_fault(
        "model/user.rs",
        "#[derive(sqlx::FromRow)] struct User;",
        "`sqlx`",
    );
}

#[test]
fn the_check_sees_names_first_lines_and_lengths() {
    assert_fault("store/util.rs", "", "called `util`");
    assert_fault("store/mod.rs", "mod helpers {}", "called `helpers`");
    assert_fault("parlour/mod.rs", "", "`parlour` is no room");
    assert_fault(
        "store/mod.rs",
        "use crate::parlour::Chair;",
        "no room of the table",
    );
    assert_fault("store/mod.rs", &"\n".repeat(MOST_LINES), "want two files");
    assert!(!faults_of_room_file("store/mod.rs", "use std::fmt;\n").is_empty());
    assert!(!faults_of_room_file("store/mod.rs", "//! no sentence\n").is_empty());
}
