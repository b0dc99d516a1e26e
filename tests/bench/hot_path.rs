//! Authenticated calls through the whole router, of a cached answer and of a mounted server, for a program that counts their
//! instructions.
//!
//! `scripts/count-instructions.sh` runs it under callgrind, which counts while a request is polled, and notes what it has
//! counted whenever a call ends. By itself it prints what was called in which revision.
#![expect(
    clippy::print_stdout,
    reason = "standard output is how the program says what it did"
)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use axum::routing::post;
use axum::{Json, Router};
use gatehouse::app::{Gateway, WeatherSource};
use gatehouse::config::{self, Config, Environment};
use gatehouse::middleware::way::Next;
use gatehouse::model::{Secret, SystemRandom};
use gatehouse::operations::{By, NewUser};
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Calls in each revision that are counted. In some of them a cache tidies up or a buffer grows; the cheapest has none of that.
const CALLS: usize = 15;
/// Calls before the first of them. There is one more before each: answers are written anew each second, by whoever comes first.
const AHEAD: usize = 20;

const MODERN: &str = "2026-07-28";
const REVISIONS: [&str; 3] = ["2025-06-18", "2025-11-25", MODERN];

/// What is called: the built-in server, and one that is mounted.
const TOOLS: [(&str, &str); 2] = [("get_alerts", ""), ("docs_get_alerts", "mounted/")];

const CONFIGURATION: &str = r#"
[server]
public_url = "http://127.0.0.1:8080"
[rate_limits]
per_address = "1000000/s"
per_tenant = "1000000/s"
per_client = "1000000/s"
per_principal = "1000000/s"
tool_calls = "1000000/s"
per_tool = { get_alerts = "1000000/s", docs_get_alerts = "1000000/s" }
"#;

/// What the mounted server says of itself, of its tool, and for each call.
const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"docs","version":"1"}}"#;
const LISTED: &str = r#"{"tools":[{"name":"get_alerts","inputSchema":{"type":"object","properties":{"state":{"type":"string"}}}}]}"#;
const CALLED: &str = r#"{"content":[{"type":"text","text":"There is no alert."}],"structuredContent":{"alerts":[]}}"#;

/// A request under way, whose polls are told from everything else that the process does.
struct Counted<F>(Pin<Box<F>>);

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        poll_counted(&mut self.0, context)
    }
}

/// What is counted.
#[inline(never)]
fn poll_counted<F: Future>(future: &mut Pin<Box<F>>, context: &mut Context<'_>) -> Poll<F::Output> {
    black_box(future.as_mut().poll(context))
}

/// Where what was counted is noted, and counting begins anew.
#[inline(never)]
fn call_ended(name: &str) {
    println!("{}", black_box(name));
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite://{}", folder.path().join("hot.db").display());
    let mounted = json!(format!("http://{}/mcp", mounted_server()?));
    let text = format!(
        r#"{CONFIGURATION}
[database]
url = {}
[[tenants]]
slug = "default"
[[tenants.servers]]
name = "docs"
url = {mounted}
allow_private = ["127.0.0.0/8"]
"#,
        json!(database)
    );
    let config = config::parse(&text, "hot_path.toml", &Environment::new())?;
    let public_url = config.server.public_url.clone().context("a public URL")?;
    let gateway = Gateway::open(&config, public_url, WeatherSource::Sample).await?;
    gateway.apply_tenants().await?;
    let token = sign_in(&config, &gateway).await?;
    let router = gateway.router();
    for (tool, place) in TOOLS {
        for revision in REVISIONS {
            let asked = (token.expose(), revision, tool);
            count(&router, asked, &format!("{place}{revision}")).await?;
        }
    }
    Ok(())
}

async fn count(router: &Next, asked: (&str, &str, &str), name: &str) -> anyhow::Result<()> {
    uncounted(router, asked, AHEAD).await?;
    for _ in 0..CALLS {
        uncounted(router, asked, 1).await?;
        let answering = call(router.clone(), request(asked)?);
        let answer = Counted(Box::pin(answering)).await?;
        call_ended(name);
        check(answer).await?;
    }
    Ok(())
}

/// Begins to answer as an MCP server, on a thread of its own.
fn mounted_server() -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, Router::new().route("/mcp", post(answer))).await
        })
    });
    Ok(address)
}

async fn answer(Json(message): Json<Value>) -> axum::response::Response {
    let method = message.get("method").and_then(Value::as_str);
    let Some(id) = message.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let result = match method {
        Some("initialize") => INITIALIZED,
        Some("tools/list") => LISTED,
        Some("tools/call") => CALLED,
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            return Json(body).into_response();
        }
    };
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn uncounted(router: &Next, asked: (&str, &str, &str), calls: usize) -> anyhow::Result<()> {
    for _ in 0..calls {
        check(call(router.clone(), request(asked)?).await?).await?;
    }
    Ok(())
}

async fn call(router: Next, request: Request<Body>) -> anyhow::Result<Response<Body>> {
    Ok(router.oneshot(request).await?)
}

async fn check(answer: Response<Body>) -> anyhow::Result<()> {
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    ensure!(status == StatusCode::OK, "{status}: {text}");
    ensure!(
        text.contains("structuredContent") && !text.contains("\"isError\":true"),
        "no answer of the tool: {text}"
    );
    Ok(())
}

fn request((token, revision, tool): (&str, &str, &str)) -> anyhow::Result<Request<Body>> {
    let mut params = json!({ "name": tool, "arguments": { "state": "NY" } });
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1:8080")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", revision);
    if revision == MODERN {
        request = request
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool);
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        if let Some(params) = params.as_object_mut() {
            params.insert("_meta".to_owned(), meta);
        }
    }
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
    let request = request.extension(ConnectInfo(peer));
    Ok(request.body(Body::from(message.to_string()))?)
}

/// The token of a person who may call tools.
async fn sign_in(config: &Config, gateway: &Gateway) -> anyhow::Result<Secret> {
    let tenant = gateway.tenant();
    let password = Secret::generate(&SystemRandom);
    let roles = BTreeSet::from(["member".to_owned()]);
    let user = NewUser {
        username: "ada".to_owned(),
        roles,
    };
    let operations = gateway.operations();
    let added = operations.add_user(&By::CommandLine, tenant, user, &password);
    let user = added.await?;
    let scopes = tenant.scopes_of_roles(&user.roles);
    let scopes = config.scopes.catalogue.expand(&scopes);
    let ttl = Duration::from_mins(30);
    let issued = operations.issue_token(&By::CommandLine, tenant, &user, scopes, ttl);
    Ok(issued.await?)
}
