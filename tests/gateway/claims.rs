//! What the gateway says about itself: no more than it should, and nothing on a stranger's word.

use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::client::{Client, http};
use crate::process::{Database, Gateway};
use crate::tenants::get;

const BASE: &str = "http://127.0.0.1:9";
const ACME: &str = "http://127.0.0.1:9/t/acme";

fn start(database: &Database) -> Gateway {
    let server = format!("listen = \"127.0.0.1:0\"\npublic_url = \"{BASE}\"");
    let acme = format!("[[tenants]]\nslug = \"acme\"\npublic_url = \"{ACME}\"\n");
    database.serve_with(&server, &acme)
}

#[tokio::test(flavor = "multi_thread")]
async fn e03_resource_metadata_is_where_its_resource_is_and_nowhere_else() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let well_known = format!("{BASE}/.well-known/oauth-protected-resource");
    for (path, resource) in [
        ("", format!("{BASE}/mcp")),
        ("/mcp", format!("{BASE}/mcp")),
        ("/t/acme/mcp", format!("{ACME}/mcp")),
    ] {
        let found = get(&gateway, &format!("{well_known}{path}")).await;
        assert_eq!(found.status(), StatusCode::OK, "{path}");
        let document: Value = found.json().await.unwrap();
        assert_eq!(document["resource"], resource);
    }
    for path in [
        "/mcp/",
        "/MCP",
        "/mcp2",
        "/mcp/mcp",
        "/t/acme/MCP",
        "/t/acme/mcp/",
        "/t/acme/other",
        "/t/globex/mcp",
        "/t/mcp",
    ] {
        let found = get(&gateway, &format!("{well_known}{path}")).await;
        assert_eq!(found.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(found.headers()["content-type"] == "application/json");
        let body = found.text().await.unwrap();
        assert!(
            body.contains("There is nothing at this address"),
            "{path}: {body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_headers_of_internal_systems_are_nobodys_word() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "member");
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens("mcp:tools").await;
    let call = json!({
        "jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": {"name": "get_internal_metric", "arguments": {"metric_name": "tool_calls"}},
    });
    let smuggled = [
        ("x-tenant", "acme"),
        ("x-tenant-id", "acme"),
        ("x-user", "root"),
        ("x-forwarded-user", "root"),
        ("x-forwarded-email", "root@example.com"),
        ("x-auth-request-user", "root"),
        ("x-scopes", "metrics:read"),
        ("x-authenticated-scope", "metrics:read"),
        ("x-original-url", "/livez"),
        ("x-rewrite-url", "/livez"),
        ("x-http-method-override", "GET"),
        ("router-key", "internal"),
        ("mcp-init-host", "internal.example.com"),
        ("x-forwarded-host", "evil.example.com"),
        ("x-forwarded-prefix", "/t/acme"),
    ];
    // Without a token they are none, and the challenge names our own address.
    let mut nobody = client.post("/mcp").json(&call);
    for (name, value) in smuggled {
        nobody = nobody.header(name, value);
    }
    let refused = nobody.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains(&gateway.url), "{challenge}");
    assert!(!challenge.contains("evil"), "{challenge}");
    // With one they add nothing to what it allows.
    for (name, value) in smuggled {
        let request = client
            .post("/mcp")
            .header(AUTHORIZATION, format!("Bearer {}", tokens.access));
        let refused = request.header(name, value).json(&call).send().await;
        assert_eq!(refused.unwrap().status(), StatusCode::FORBIDDEN, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n05_a_failure_tells_nothing_of_the_inside() {
    let database = Database::sqlite();
    let gateway = database.serve();
    let mut connection = sqlx::SqliteConnection::connect(&database.url)
        .await
        .unwrap();
    for table in ["clients", "users"] {
        let rename = sqlx::AssertSqlSafe(format!("ALTER TABLE {table} RENAME TO {table}_gone"));
        sqlx::query(rename).execute(&mut connection).await.unwrap();
    }
    let metadata = json!({ "redirect_uris": ["https://client.example.com/callback"] });
    let registration = http()
        .post(format!("{}/register", gateway.url))
        .json(&metadata);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "x"),
        ("refresh_token", "x"),
    ];
    let refresh = http().post(format!("{}/token", gateway.url)).form(&form);
    let page = http().get(format!("{}/authorize?client_id=x", gateway.url));
    for request in [registration, refresh, page] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key("retry-after"));
        assert!(response.headers().contains_key("x-request-id"));
        assert!(!response.headers().contains_key("server"));
        let body = response.text().await.unwrap().to_lowercase();
        let inside = [
            "sql",
            "select",
            "table",
            "clients_gone",
            "no such",
            "panicked",
            ".rs",
            "/tmp",
            "gatehouse.db",
            env!("CARGO_PKG_VERSION"),
        ];
        for word in inside {
            assert!(!body.contains(word), "{word}: {body}");
        }
    }
}
