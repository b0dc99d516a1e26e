//! What the listener, the stations and the well-known addresses answer over TCP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, http};
use crate::process::{Database, Gateway};

async fn send(gateway: &Gateway, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = http().request(method, format!("{}{path}", gateway.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn document(gateway: &Gateway, path: &str) -> Value {
    let response = send(gateway, Method::GET, path, &[]).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

/// Sends raw bytes, and reads until the other side closes.
fn raw(gateway: &Gateway, request: &str) -> String {
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(30)))
        .unwrap();
    // A refused request may be answered, and its connection closed, before all of it is sent.
    drop(stream.write_all(request.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn g01_every_method_asks_for_a_token_first() {
    let gateway = Database::sqlite().serve();
    for method in [Method::GET, Method::POST, Method::DELETE] {
        for header in [
            ("accept", "*/*"),
            ("authorization", "Basic YTpi"),
            ("mcp-protocol-version", "x"),
        ] {
            let response = send(&gateway, method.clone(), "/mcp", &[header]).await;
            assert_eq!(
                response.status(),
                StatusCode::UNAUTHORIZED,
                "{method} {header:?}"
            );
            let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
            let metadata = format!(
                "resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"",
                gateway.url
            );
            assert!(challenge.contains(&metadata), "{challenge}");
            assert!(challenge.contains("scope=\"mcp:tools\""), "{challenge}");
            assert!(!challenge.contains("error="), "{challenge}");
        }
    }
}

#[tokio::test]
async fn g02_a_token_in_the_query_is_no_token() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let tokens = Client::register(&gateway).await.tokens("mcp:tools").await;
    let path = format!("/mcp?access_token={}", tokens.access);
    let response = send(&gateway, Method::POST, &path, &[]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let twice = http()
        .post(gateway.mcp())
        .header(AUTHORIZATION, format!("Bearer {}", tokens.access))
        .header(AUTHORIZATION, "Bearer other");
    assert_eq!(
        twice.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn e02_every_metadata_address_names_the_same_issuer_and_resource() {
    let gateway = Database::sqlite().serve();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        let metadata = document(&gateway, path).await;
        assert_eq!(metadata["issuer"], gateway.url, "{path}");
        assert_eq!(metadata["token_endpoint"], format!("{}/token", gateway.url));
    }
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    ] {
        let metadata = document(&gateway, path).await;
        assert_eq!(metadata["resource"], gateway.mcp(), "{path}");
        assert_eq!(metadata["authorization_servers"], json!([gateway.url]));
    }
    let unknown = send(
        &gateway,
        Method::GET,
        "/.well-known/oauth-protected-resource/other",
        &[],
    );
    assert_eq!(unknown.await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn e02_a_public_url_with_a_path_has_its_metadata_at_all_three_addresses() {
    let server = "listen = \"127.0.0.1:0\"\npublic_url = \"https://mcp.example.com/t/acme\"";
    let database = Database::sqlite();
    let gateway = database.serve_as(server);
    for path in [
        "/.well-known/oauth-authorization-server/t/acme",
        "/.well-known/openid-configuration/t/acme",
        "/t/acme/.well-known/openid-configuration",
    ] {
        let response = send(&gateway, Method::GET, path, &[("host", "mcp.example.com")]).await;
        let metadata: Value = response.json().await.unwrap();
        assert_eq!(
            metadata["issuer"], "https://mcp.example.com/t/acme",
            "{path}"
        );
    }
    let path = "/.well-known/oauth-protected-resource/t/acme/mcp";
    let response = send(&gateway, Method::GET, path, &[("host", "mcp.example.com")]).await;
    let metadata: Value = response.json().await.unwrap();
    assert_eq!(metadata["resource"], "https://mcp.example.com/t/acme/mcp");
    let response = send(
        &gateway,
        Method::GET,
        "/mcp",
        &[("host", "mcp.example.com")],
    )
    .await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn e01_l01_a_foreign_host_is_refused_and_never_echoed() {
    let gateway = Database::sqlite().serve();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/mcp",
        "/authorize",
    ] {
        let response = http()
            .get(format!("{}{path}", gateway.url))
            .header(HOST, "evil.example")
            .header("x-forwarded-host", "evil.example")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert!(!response.text().await.unwrap().contains("evil.example"));
    }
    let forwarded = [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
    ];
    let path = "/.well-known/oauth-authorization-server";
    let response = send(&gateway, Method::GET, path, &forwarded).await;
    assert!(!response.text().await.unwrap().contains("evil.example"));
}

#[tokio::test]
async fn l02_a_foreign_or_null_origin_is_refused() {
    let gateway = Database::sqlite().serve();
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
    ] {
        let response = send(&gateway, Method::POST, "/mcp", &[("origin", origin)]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin}");
    }
    for origin in [gateway.url.as_str(), "http://localhost:6274"] {
        let response = send(&gateway, Method::POST, "/mcp", &[("origin", origin)]).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{origin}");
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let exposed = response.headers()[ACCESS_CONTROL_EXPOSE_HEADERS]
            .to_str()
            .unwrap();
        assert!(
            exposed.to_ascii_lowercase().contains("www-authenticate"),
            "{exposed}"
        );
    }
}

#[tokio::test]
async fn a_preflight_is_answered_before_any_token_is_asked_for() {
    let gateway = Database::sqlite().serve();
    for path in [
        "/mcp",
        "/token",
        "/register",
        "/register/a-client",
        "/.well-known/oauth-authorization-server",
    ] {
        let response = http()
            .request(Method::OPTIONS, format!("{}{path}", gateway.url))
            .header(ORIGIN, "http://localhost:6274")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,mcp-protocol-version",
            )
            .send()
            .await
            .unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.status()
        );
        let allowed = response.headers()[ACCESS_CONTROL_ALLOW_HEADERS]
            .to_str()
            .unwrap();
        assert!(
            allowed.to_ascii_lowercase().contains("authorization"),
            "{allowed}"
        );
        // RFC 7592 §2.2: registrations are replaced by PUT.
        let methods = response.headers()[ACCESS_CONTROL_ALLOW_METHODS]
            .to_str()
            .unwrap();
        assert!(methods.contains("PUT"), "{methods}");
    }
}

#[tokio::test]
async fn the_probes_answer_under_any_host() {
    let gateway = Database::sqlite().serve();
    for path in ["/livez", "/readyz", "/startupz", "/mcp/health"] {
        let response = send(&gateway, Method::GET, path, &[("host", "10.0.0.7")]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], "ok", "{path}");
    }
}

#[tokio::test]
async fn l05_a_request_of_two_lengths_is_refused_and_nothing_after_it_runs() {
    let gateway = Database::sqlite().serve();
    let host = gateway.address();
    let smuggled = format!("GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for headers in [
        "Content-Length: 4\r\nContent-Length: 5",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
        "X: a\r\n folded: b\r\nContent-Length: x",
    ] {
        let request =
            format!("POST /mcp HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\r\n0\r\n\r\n{smuggled}");
        let answer = raw(&gateway, &request);
        assert!(!answer.contains("\"status\":\"ok\""), "{headers}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 400"), "{headers}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_sends_its_body_later_gets_to_read_the_refusal() {
    let gateway = Database::sqlite().serve();
    for (path, status) in [("/mcp", "401"), ("/nothing", "404")] {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n",
            gateway.address()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // An answer before the body would end the connection: none may come yet.
        stream
            .set_read_timeout(Some(std::time::Duration::from_millis(300)))
            .unwrap();
        assert!(
            stream.read(&mut [0; 1]).is_err(),
            "{path} was answered early"
        );
        stream.write_all(b"{}").unwrap();
        stream
            .set_read_timeout(Some(std::time::Duration::from_secs(30)))
            .unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(
            std::str::from_utf8(&answer),
            Ok(format!("HTTP/1.1 {status}").as_str())
        );
    }
}

#[tokio::test]
async fn l07_what_is_too_large_is_refused_before_it_is_read() {
    let gateway = Database::sqlite().serve();
    let host = gateway.address();
    let declared = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let answer = raw(&gateway, &declared("/mcp", 4 * 1024 * 1024 + 1));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = raw(&gateway, &declared("/token", 64 * 1024 + 1));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let long = "x".repeat(70_000);
    let request = format!("GET /livez HTTP/1.1\r\nHost: {host}\r\nX-Long: {long}\r\n\r\n");
    let answer = raw(&gateway, &request);
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn l08_a_body_without_declared_length_is_cut_at_its_limit() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let tokens = Client::register(&gateway).await.tokens("mcp:tools").await;
    let host = gateway.address();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n",
        tokens.access
    );
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x10_0000));
    let answer = raw(&gateway, &format!("{head}{}", chunk.repeat(5)));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn g03_a_lacking_scope_is_answered_with_everything_that_the_call_needs() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let mut client = Client::register(&gateway).await;
    let call = json!({
        "jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": {"name": "get_internal_metric", "arguments": {"metric_name": "tool_calls"}},
    });
    let tokens = client.tokens("mcp:tools").await;
    let response = client.call(&tokens.access, &call).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert!(
        challenge.contains("scope=\"mcp:tools metrics:read\""),
        "{challenge}"
    );
    let tokens = client.tokens("mcp:tools metrics:read").await;
    assert_eq!(tokens.scope, "mcp:tools metrics:read");
    let response = client.call(&tokens.access, &call).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body["result"]["structuredContent"]["metricName"], "tool_calls",
        "{body}"
    );
}

#[tokio::test]
async fn a_member_is_never_granted_what_only_an_admin_may_have() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "member");
    let mut client = Client::register(&gateway).await;
    assert_eq!(
        client.tokens("mcp:tools metrics:read").await.scope,
        "mcp:tools"
    );
}

#[tokio::test]
async fn a13_a_token_of_one_gateway_is_refused_by_another() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let client_tokens = Client::register(&gateway).await.tokens("mcp:tools").await;
    let other = Database::sqlite();
    let elsewhere = other.serve();
    let stranger = Client::register(&elsewhere).await;
    let response = stranger.list_tools(&client_tokens.access).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
}
