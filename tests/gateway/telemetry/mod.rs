//! What operators see: traces that go on from those of callers, figures without anything that a caller
//! chose, and neither at the cost of a caller.

mod guide;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::client::{Client, http};
use crate::fake_collector::{FakeCollector, attribute};
use crate::fake_nws::{FakeNws, Reply, data};
use crate::fake_upstream::{FakeUpstream, Seen, modern};
use crate::process::{Database, Gateway, PASSWORD};

const SERVER: &str = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"";

const OF_THE_REQUEST: &str = "00-11111111111111111111111111111111-2222222222222222-01";
const OF_THE_MESSAGE: &str = "00-33333333333333333333333333333333-4444444444444444-01";

fn telemetry(collector: &FakeCollector) -> String {
    format!(
        "[telemetry]\notlp_endpoint = \"{}\"\notlp_interval = \"1s\"\n\
         [telemetry.otlp_headers]\nx-key = {{ env = \"KEY\" }}\n",
        collector.url
    )
}

async fn weather() -> FakeNws {
    let fake = FakeNws::start().await;
    fake.always("/points/31.5,-97.25", Reply::json(&data::point()));
    fake.always(data::FORECAST_PATH, Reply::json(&data::forecast()));
    fake
}

fn call(tool: &str, meta: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": tool,
        "arguments": { "latitude": 31.5, "longitude": -97.25 },
        "_meta": meta,
    }})
}

async fn ask(client: &Client, token: &str, message: &Value) -> reqwest::Response {
    client
        .post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("mcp-protocol-version", "2025-11-25")
        .header("traceparent", OF_THE_REQUEST)
        .json(message)
        .send()
        .await
        .unwrap()
}

async fn exposition(gateway: &Gateway) -> String {
    let url = format!("{}/metrics", gateway.admin.as_ref().unwrap());
    let response = http().get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn find<'a>(spans: &'a [Span], name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == name)
}

#[tokio::test]
async fn a_call_goes_on_the_traces_of_its_message_and_its_request() {
    let (collector, fake) = (FakeCollector::start().await, weather().await);
    let mut database = Database::sqlite();
    database.weather = fake.url.to_string();
    database.add_user("ada", "admin");
    let gateway = database.serve_with(SERVER, &telemetry(&collector));
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let message = call("get_forecast", &json!({ "traceparent": OF_THE_MESSAGE }));
    let answer = ask(&client, &token, &message).await;
    let request = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(answer.status(), StatusCode::OK);

    let spans = collector
        .spans(|spans| {
            let ours = |name| find(spans, name).is_some();
            ours("POST /mcp") && ours("tools/call get_forecast")
        })
        .await;
    let http = spans
        .iter()
        .find(|span| span.name == "POST /mcp" && hex(&span.trace_id).starts_with("1111"))
        .unwrap();
    assert_eq!(hex(&http.parent_span_id), "2222222222222222");
    assert_eq!(attribute(http, "http.response.status_code"), "200");
    let mcp = find(&spans, "tools/call get_forecast").unwrap();
    assert_eq!(mcp.kind, SpanKind::Server as i32);
    assert!(hex(&mcp.trace_id).starts_with("3333"));
    assert_eq!(hex(&mcp.parent_span_id), "4444444444444444");
    assert_eq!(mcp.links[0].span_id, http.span_id);
    for (key, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "get_forecast"),
        ("gen_ai.operation.name", "execute_tool"),
        ("mcp.protocol.version", "2025-11-25"),
        ("jsonrpc.request.id", "7"),
        ("network.transport", "tcp"),
        ("gatehouse.tenant", "default"),
        ("gatehouse.client.id", client.id.as_str()),
        ("gatehouse.request.id", request.as_str()),
        ("error.type", ""),
    ] {
        assert_eq!(attribute(mcp, key), value, "{key}");
    }
    // Whoever is asked for the answer stands below the call.
    let asked = |span: &&Span| attribute(span, "gatehouse.peer") == "nws";
    let below: Vec<&Span> = spans.iter().filter(asked).collect();
    assert_eq!(below.len(), 2);
    for span in below {
        assert_eq!(span.trace_id, mcp.trace_id);
        assert_eq!(span.parent_span_id, mcp.span_id);
        assert_eq!(span.kind, SpanKind::Client as i32);
    }
    let names = collector.metrics().await;
    assert!(
        names
            .iter()
            .any(|name| name == "mcp.server.operation.duration")
    );
}

/// A mounted server, and a gateway that has it as `docs`.
async fn mounted(more: &str) -> (FakeUpstream, Database, Gateway) {
    let upstream = FakeUpstream::start(|seen: &Seen| {
        let lists = json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] });
        modern(seen, &lists).unwrap_or_else(|| seen.result(r#"{"content":[]}"#))
    })
    .await;
    let more = format!(
        "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\nurl = \"{}\"\n\
         allow_private = [\"127.0.0.0/8\"]\n{more}",
        upstream.url,
    );
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, &more);
    database.add_user_with(&more, "default", ("ada", "admin"));
    (upstream, database, gateway)
}

#[tokio::test]
async fn without_a_collector_a_mounted_server_gets_the_context_of_its_caller_as_it_is() {
    let (upstream, _database, gateway) = mounted("").await;
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    for (meta, context) in [
        (json!({ "traceparent": OF_THE_MESSAGE }), OF_THE_MESSAGE),
        (json!({}), OF_THE_REQUEST),
    ] {
        let answer = ask(&client, &token, &call("docs_search", &meta)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let seen = upstream.seen();
        let mut calls = seen.iter().filter(|seen| seen.method() == "tools/call");
        let seen = calls.next_back().unwrap();
        assert_eq!(seen.header("traceparent"), context);
        assert_eq!(seen.body["params"]["_meta"]["traceparent"], context);
    }
}

#[tokio::test]
async fn a_mounted_server_is_told_of_the_trace_and_measured() {
    let collector = FakeCollector::start().await;
    let (upstream, _database, gateway) = mounted(&telemetry(&collector)).await;
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let answer = ask(&client, &token, &call("docs_search", &json!({}))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let spans = collector
        .spans(|spans| find(spans, "tools/call docs_search").is_some())
        .await;
    let asked = find(&spans, "tools/call search").unwrap();
    assert_eq!(asked.kind, SpanKind::Client as i32);
    assert_eq!(attribute(asked, "gatehouse.server"), "default/docs");
    let context = format!("00-{}-{}-01", hex(&asked.trace_id), hex(&asked.span_id));
    let seen = upstream.seen();
    let seen = seen
        .iter()
        .find(|seen| seen.method() == "tools/call")
        .unwrap();
    assert_eq!(seen.header("traceparent"), context);
    assert_eq!(seen.body["params"]["_meta"]["traceparent"], context);
    assert!(hex(&asked.trace_id).starts_with("1111"));
    let text = exposition(&gateway).await;
    let measured = "mcp_client_operation_duration_seconds_count{gatehouse_server=\"default/docs\",\
                    gen_ai_tool_name=\"search\",mcp_method_name=\"tools/call\",\
                    network_transport=\"tcp\"} 1";
    assert!(text.contains(measured), "{text}");
}

#[tokio::test]
async fn without_a_collector_the_log_has_the_callers_trace_all_the_same() {
    let fake = FakeNws::start().await;
    fake.always("/points/31.5,-97.25", Reply::json(&json!({})));
    let mut database = Database::sqlite();
    database.weather = fake.url.to_string();
    database.add_user("ada", "admin");
    let (gateway, lines) = database.serve_logging("info");
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let answer = ask(&client, &token, &call("get_forecast", &json!({}))).await;
    let request = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let line = lines
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap_or_default())
        .find(|line| line["tool"] == "get_forecast")
        .unwrap();
    assert_eq!(line["request.id"], request.as_str());
    assert_eq!(line["trace.id"], "11111111111111111111111111111111");
    assert_eq!(line["tenant"], "default");
    assert_eq!(line["client.id"], client.id.as_str());
    assert_eq!(line["http.path"], "/mcp");
}

/// Does everything that leaves a figure, in good ways and bad ones; returns what was secret.
async fn use_it(gateway: &Gateway, client: &mut Client) -> Vec<String> {
    let tokens = client.tokens("mcp:tools").await;
    let refreshed: Value = client.refresh(&tokens.refresh).await.json().await.unwrap();
    let access = refreshed["access_token"].as_str().unwrap().to_owned();
    for message in [
        call("get_forecast", &json!({})),
        call("evil-canary-tool", &json!({})),
        json!({ "jsonrpc": "2.0", "id": "evil-canary-id", "method": "evil-canary/method" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read",
                "params": { "uri": "evil-canary://uri" } }),
    ] {
        ask(client, &access, &message).await;
    }
    ask(client, "evil-canary-token", &call("get_alerts", &json!({}))).await;
    let base = Url::parse(&gateway.url).unwrap();
    let wild = client.request(
        Method::from_bytes(b"EVILCANARY").unwrap(),
        &base.join("/evil-canary-path?evil-canary-query").unwrap(),
    );
    wild.send().await.unwrap();
    let fields = [
        ("grant_type", "evil-canary-grant"),
        ("client_id", client.id.as_str()),
    ];
    let refused = client.post("/token").form(&fields).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let secrets = [tokens.access, tokens.refresh, access, PASSWORD.to_owned()];
    secrets.into_iter().collect()
}

#[tokio::test]
async fn n01_no_figure_or_span_has_a_secret_and_no_label_what_a_caller_chose() {
    let (collector, fake) = (FakeCollector::start().await, weather().await);
    let mut database = Database::sqlite();
    database.weather = fake.url.to_string();
    database.add_user("ada", "admin");
    let gateway = database.serve_with(SERVER, &telemetry(&collector));
    let mut client = Client::register(&gateway).await;
    let secrets = use_it(&gateway, &mut client).await;
    let text = exposition(&gateway).await.to_lowercase();
    let spans = collector
        .spans(|spans| {
            find(spans, "tools/call get_forecast").is_some() && find(spans, "POST /token").is_some()
        })
        .await;
    let spans = format!("{spans:?}");
    for secret in &secrets {
        assert!(!text.contains(&secret.to_lowercase()) && !spans.contains(secret));
    }
    assert!(
        !text.contains("evil") && !text.contains(&client.id.to_lowercase()),
        "{text}"
    );
    // An identifier of JSON-RPC is its caller's; everything else on a span is ours.
    assert!(
        !spans.replace("evil-canary-id", "").contains("evil"),
        "{spans}"
    );
    // Headers for the collector are secrets of the gateway's own.
    let headers = collector.asked().await;
    let key = headers[0]["x-key"].to_str().unwrap();
    assert!(!text.contains(key) && !spans.contains(key));
}

#[tokio::test]
async fn r33_a_collector_that_hangs_or_is_away_costs_no_caller_anything() {
    let hanging = FakeCollector::hanging().await;
    let away = format!("http://127.0.0.1:{}", {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    });
    for url in [hanging.url.clone(), away] {
        let database = Database::sqlite();
        database.add_user("ada", "admin");
        let more = format!("[telemetry]\notlp_endpoint = \"{url}\"\notlp_interval = \"1s\"\n");
        let gateway = database.serve_with(SERVER, &more);
        let mut client = Client::register(&gateway).await;
        let token = client.tokens("mcp:tools").await.access;
        if url == hanging.url {
            hanging.asked().await;
        }
        let asked = (0..200).map(|_| client.list_tools(&token));
        for answer in futures_util::future::join_all(asked).await {
            assert!([StatusCode::OK, StatusCode::TOO_MANY_REQUESTS].contains(&answer.status()));
        }
        assert_eq!(gateway.terminate(), Some(0));
    }
}
