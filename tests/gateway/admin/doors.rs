//! The listener itself: where it is, under which names, and that it can be left out.

use reqwest::StatusCode;
use reqwest::header::HOST;

use super::desk::{Desk, SERVER};
use crate::client::http;
use crate::process::Database;

async fn status(url: &str, host: Option<&str>) -> StatusCode {
    let request = http().get(url);
    let request = match host {
        Some(host) => request.header(HOST, host),
        None => request,
    };
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_answers_probes_and_nothing_of_the_public_one() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let admin = gateway.admin.clone().unwrap();
    for probe in ["/livez", "/readyz", "/startupz"] {
        assert_eq!(
            status(&format!("{admin}{probe}"), None).await,
            StatusCode::OK
        );
        // A kubelet asks under whatever name it likes.
        let named = status(&format!("{admin}{probe}"), Some("pod.example")).await;
        assert_eq!(named, StatusCode::OK);
    }
    for path in ["/mcp", "/token", "/authorize", "/jwks", "/account"] {
        let found = status(&format!("{admin}{path}"), None).await;
        assert_eq!(found, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_stranger_chose_is_refused() {
    let database = Database::sqlite();
    let server = format!("{SERVER}\nadmin_url = \"https://gatehouse.example.com\"");
    let gateway = database.serve_with(&server, "");
    let desk = Desk::admin(&database, &gateway);
    for (host, expected) in [
        ("gatehouse.example.com", StatusCode::OK),
        ("localhost:9090", StatusCode::OK),
        ("rebound.example", StatusCode::MISDIRECTED_REQUEST),
        ("rebound.example:9090", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = desk.request(reqwest::Method::GET, "/self");
        let answer = request.header(HOST, host).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_there_is_no_admin_listener() {
    let database = Database::sqlite();
    let gateway = database.serve_as("listen = \"127.0.0.1:0\"\nadmin_listen = \"\"");
    assert_eq!(gateway.admin, None);
    for path in ["/admin/v1/tenants", "/console", "/admin"] {
        let found = status(&format!("{}{path}", gateway.url), None).await;
        assert_eq!(found, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn beyond_this_machine_operators_need_an_https_address() {
    let database = Database::sqlite();
    let server = "listen = \"127.0.0.1:0\"\nadmin_listen = \"0.0.0.0:0\"";
    let output = database
        .command_with(server, "", &["serve"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("server.admin_url"), "{said}");
}
