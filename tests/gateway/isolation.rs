//! Two tenants side by side: what one of them gave is nothing at the other, and what one of them
//! knows is in no answer, figure or log line of the other (H01, B18, F04).

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::admin::desk::{ACME, Desk, GLOBEX, SERVER};
use crate::client::{Client, REDIRECT_URI, Tokens};
use crate::process::{Database, Gateway, PASSWORD};

/// What only acme knows begins with this.
const MARK: &str = "canary-of-acme";

const TENANTS: &str = r#"
[mcp]
page_size = 2
[[tenants]]
slug = "acme"
public_url = "http://127.0.0.1:9/t/acme"
[tenants.registration]
policy = "open"
[tenants.branding]
name = "canary-of-acme Incorporated"
[[tenants]]
slug = "globex"
public_url = "http://127.0.0.1:9/t/globex"
[tenants.registration]
policy = "open"
"#;

/// A tenant's person with their client, and what both were given.
struct Member {
    client: Client,
    verifier: CodeVerifier,
    code: String,
    tokens: Tokens,
    session: String,
    cursor: String,
}

impl Member {
    async fn join(gateway: &Gateway, base: &str) -> Self {
        let mut client = Client::register_at(gateway, base).await;
        let tokens = client.tokens("mcp:tools metrics:read").await;
        let verifier = CodeVerifier::generate(&SystemRandom);
        let code = client.code("mcp:tools", &verifier).await;
        let answer = initialize(&client, &tokens.access).send().await.unwrap();
        let session = answer.headers()["mcp-session-id"].to_str().unwrap();
        let session = session.to_owned();
        let listed: Value = client
            .list_tools(&tokens.access)
            .await
            .json()
            .await
            .unwrap();
        let cursor = listed["result"]["nextCursor"].as_str().unwrap().to_owned();
        Self {
            client,
            verifier,
            code,
            tokens,
            session,
            cursor,
        }
    }

    /// A request of this client with this session.
    fn list_with(&self, session: &str) -> RequestBuilder {
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let request = self.client.post("/mcp").json(&list);
        request
            .header(AUTHORIZATION, format!("Bearer {}", self.tokens.access))
            .header("mcp-protocol-version", "2025-11-25")
            .header("mcp-session-id", session)
    }

    async fn list_from(&self, cursor: &str) -> Value {
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list",
                           "params": { "cursor": cursor } });
        let answer = self.client.call(&self.tokens.access, &list).await;
        answer.json().await.unwrap()
    }
}

fn initialize(client: &Client, token: &str) -> RequestBuilder {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    }});
    let request = client.post("/mcp").json(&message);
    request
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("accept", "application/json, text/event-stream")
}

async fn error_of(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let document: Value = response.json().await.unwrap();
    (status, document["error"].as_str().unwrap().to_owned())
}

/// Everything that `theirs` was given is refused to `own` at the tenant of `own`.
async fn nothing_of_theirs_counts(own: &Member, theirs: &Member) {
    let invalid_grant = (StatusCode::BAD_REQUEST, "invalid_grant".to_owned());
    let invalid_client = (StatusCode::UNAUTHORIZED, "invalid_client".to_owned());
    // It was used at home before, so that every cache of this process has it.
    let home = theirs.client.list_tools(&theirs.tokens.access).await;
    assert_eq!(home.status(), StatusCode::OK);
    for _ in 0..2 {
        let refused = own.client.list_tools(&theirs.tokens.access).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    let exchanged = own.client.exchange(&theirs.code, &theirs.verifier).await;
    assert_eq!(error_of(exchanged).await, invalid_grant);
    let refreshed = own.client.refresh(&theirs.tokens.refresh).await;
    assert_eq!(error_of(refreshed).await, invalid_grant);
    let stranger = theirs.client.moved_to(&own.client.base);
    let exchanged = stranger.exchange(&theirs.code, &theirs.verifier).await;
    assert_eq!(error_of(exchanged).await, invalid_client);
    let refreshed = stranger.refresh(&theirs.tokens.refresh).await;
    assert_eq!(error_of(refreshed).await, invalid_client);
    let mut browser = stranger.clone();
    let authorize = stranger.authorization_url("mcp:tools", &theirs.verifier);
    let page = browser.get(&authorize).await;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    assert!(!page.text().await.unwrap().contains(REDIRECT_URI));
    // RFC 7009 §2.2: the answer is the same whether there was such a token or not.
    let fields = [
        ("token", theirs.tokens.refresh.as_str()),
        ("client_id", own.client.id.as_str()),
    ];
    let revoked = own.client.post("/revoke").form(&fields).send().await;
    assert_eq!(revoked.unwrap().status(), StatusCode::OK);
    let session = own.list_with(&theirs.session).send().await.unwrap();
    assert_eq!(session.status(), StatusCode::NOT_FOUND);
    let cursor = own.list_from(&theirs.cursor).await;
    assert_eq!(cursor["error"]["code"], -32602, "{cursor}");
}

/// It harmed nothing where it belongs.
async fn all_of_it_counts_at_home(member: &Member) {
    let code = member.client.exchange(&member.code, &member.verifier).await;
    assert_eq!(code.status(), StatusCode::OK);
    let refreshed = member.client.refresh(&member.tokens.refresh).await;
    assert_eq!(refreshed.status(), StatusCode::OK);
    let session = member.list_with(&member.session).send().await.unwrap();
    assert_eq!(session.status(), StatusCode::OK);
    let rest = member.list_from(&member.cursor).await;
    assert!(rest["result"]["tools"].is_array(), "{rest}");
}

/// Everything that a person, a client, a passer-by and an operator of globex can read.
async fn everything_at_globex(globex: &mut Member, desk: &Desk) -> Vec<String> {
    let mut read = Vec::new();
    for path in [
        "/.well-known/openid-configuration",
        "/jwks",
        "/account",
        "/mcp",
        "/nothing",
    ] {
        let url = Url::parse(&format!("{GLOBEX}{path}")).unwrap();
        let answer = globex.client.get(&url).await;
        read.push(format!("{:?}", answer.headers()));
        read.push(answer.text().await.unwrap());
    }
    let authorize = globex
        .client
        .authorization_url("mcp:tools", &globex.verifier);
    read.push(globex.client.consent_page(&authorize).await);
    for (method, params) in [
        ("tools/list", json!({})),
        ("resources/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/templates/list", json!({})),
        (
            "tools/call",
            json!({ "name": "get_internal_metric", "arguments": { "name": "tool_calls" } }),
        ),
        (
            "tools/call",
            json!({ "name": "get_alerts", "arguments": { "state": "CA" } }),
        ),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = globex.client.call(&globex.tokens.access, &message).await;
        read.push(answer.text().await.unwrap());
    }
    for path in [
        "/tenants",
        "/tenants/globex",
        "/tenants/globex/users",
        "/tenants/globex/clients",
        "/tenants/globex/grants",
        "/tenants/globex/keys",
        "/tenants/globex/policy",
        "/tenants/globex/figures",
        "/tenants/globex/audit",
        "/tenants/globex/audit?limit=200&event=token",
    ] {
        read.push(desk.get(path).await.to_string());
    }
    let export = desk.request(Method::GET, "/tenants/globex/audit/export");
    read.push(export.send().await.unwrap().text().await.unwrap());
    for path in [
        "/tenants/acme",
        "/tenants/acme/users",
        "/tenants/acme/audit",
    ] {
        let (status, problem) = desk.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        read.push(problem.to_string().replace("acme", ""));
    }
    read
}

async fn apart(database: &Database) {
    let (gateway, lines) = database.serve_logging_with(SERVER, TENANTS, "debug");
    let log = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    for tenant in ["acme", "globex"] {
        database.add_user_with(TENANTS, tenant, ("ada", "admin"));
    }
    let root = Desk::admin(database, &gateway);
    root.add_user("acme", &format!("{MARK}-person")).await;
    let marked = root.add_client("acme", &format!("{MARK}-client")).await;
    let acme = Member::join(&gateway, ACME).await;
    let mut globex = Member::join(&gateway, GLOBEX).await;
    for argument in ["argument", "another"] {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "get_alerts", "arguments": { "state": format!("{MARK}-{argument}") } } });
        let answer = acme.client.call(&acme.tokens.access, &call).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    nothing_of_theirs_counts(&globex, &acme).await;
    nothing_of_theirs_counts(&acme, &globex).await;
    all_of_it_counts_at_home(&acme).await;
    all_of_it_counts_at_home(&globex).await;

    let arguments = ["guard", "--role", "admin", "--tenant", "globex"];
    let desk = Desk::open(database, &gateway, &arguments);
    let read = everything_at_globex(&mut globex, &desk).await;
    for text in &read {
        for known in [MARK, &acme.client.id, &marked] {
            assert!(!text.contains(known), "{known} in {text}");
        }
    }
    // What acme is asked for is what the marks are in: the search can find something.
    let at_home = root.get("/tenants/acme/users").await.to_string();
    assert!(at_home.contains(MARK), "{at_home}");

    gateway.terminate();
    let log = log.join().unwrap();
    assert!(log.iter().any(|line| line.contains("globex")));
    let secrets = [
        PASSWORD,
        &acme.tokens.access,
        &acme.tokens.refresh,
        &acme.code,
        &acme.session,
        &globex.tokens.access,
        &globex.tokens.refresh,
        &root.token,
        &desk.token,
    ];
    for line in &log {
        assert!(!(line.contains("globex") && line.contains(MARK)), "{line}");
        for secret in secrets {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_b18_f04_two_tenants_are_apart_in_everything_on_sqlite() {
    apart(&Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_b18_f04_two_tenants_are_apart_in_everything_on_postgres() {
    if let Some(database) = Database::postgres().await {
        apart(&database).await;
    }
}
