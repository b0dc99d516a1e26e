//! What callers see of tools, resources and prompts, by tenant, scopes and client.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{Database, Gateway};

/// Both tenants have the same servers; `acme` guards more, and hides some of it.
const RULES: &str = r#"
[scopes.catalogue."alerts:read"]
description = "Read weather alerts"
[tools.get_forecast]
scopes = ["metrics:read"]
[[tenants]]
slug = "acme"
public_url = "http://127.0.0.1:9/t/acme"
[tenants.tools.get_alerts]
scopes = ["alerts:read"]
visibility = "hidden"
[tenants.tools.get_forecast]
[tenants.resources."alerts://{state}/active"]
scopes = ["alerts:read"]
visibility = "hidden"
[tenants.resources."config://app"]
scopes = ["alerts:read"]
[tenants.prompts.emergency_summary]
scopes = ["alerts:read"]
visibility = "hidden"
[tenants.roles.reader]
scopes = ["mcp:tools", "mcp:resources", "mcp:prompts", "alerts:read"]
[tenants.roles.member]
scopes = ["mcp:tools", "mcp:resources", "mcp:prompts"]
"#;
const ROOT: &str = "http://127.0.0.1:9";
const ACME: &str = "http://127.0.0.1:9/t/acme";
const BASIC: &str = "mcp:tools mcp:resources mcp:prompts";

fn start(database: &Database) -> Gateway {
    let server = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"";
    database.serve_with(server, RULES)
}

/// A client of `tenant` whose user has `role`, with the token that it gets for `scopes`.
async fn client(
    (database, gateway): (&Database, &Gateway),
    (tenant, role): (&str, &str),
    scopes: &str,
) -> (Client, String) {
    database.add_user_with(RULES, tenant, ("ada", role));
    let base = if tenant == "acme" { ACME } else { ROOT };
    let mut client = Client::register_at(gateway, base).await;
    let token = client.tokens(scopes).await.access;
    (client, token)
}

async fn ask(
    (client, token): &(Client, String),
    method: &str,
    params: Value,
) -> (StatusCode, String, Value) {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let response = client.call(token, &message).await;
    let challenge = response.headers().get(WWW_AUTHENTICATE);
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let body = response.json().await.unwrap();
    (status, challenge.unwrap_or_default(), body)
}

async fn names(caller: &(Client, String), method: &str, list: &str, name: &str) -> Vec<String> {
    let (status, _, body) = ask(caller, method, json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let entries = body["result"][list].as_array().unwrap();
    let names = entries.iter().map(|entry| entry[name].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_what_a_tenant_hides_is_there_for_those_with_its_scopes_and_for_nobody_else() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let house = (&database, &gateway);
    let member = client(house, ("acme", "member"), BASIC).await;
    let elsewhere = client(house, ("default", "member"), BASIC).await;
    let tool = "get_alerts".to_owned();
    let template = "alerts://{state}/active".to_owned();
    let prompt = "emergency_summary".to_owned();
    for (caller, seen) in [(&member, false), (&elsewhere, true)] {
        let tools = names(caller, "tools/list", "tools", "name").await;
        assert_eq!(tools.contains(&tool), seen);
        let method = "resources/templates/list";
        let templates = names(caller, method, "resourceTemplates", "uriTemplate").await;
        assert_eq!(templates.contains(&template), seen);
        let prompts = names(caller, "prompts/list", "prompts", "name").await;
        assert_eq!(prompts.contains(&prompt), seen);
    }
    let argument = json!({ "name": "state", "value": "C" });
    let by_prompt =
        json!({ "ref": { "type": "ref/prompt", "name": prompt }, "argument": argument });
    let by_template =
        json!({ "ref": { "type": "ref/resource", "uri": template }, "argument": argument });
    for (method, params, absent) in [
        (
            "tools/call",
            json!({ "name": tool, "arguments": { "state": "CA" } }),
            json!({ "name": "get_alarms", "arguments": { "state": "CA" } }),
        ),
        (
            "resources/read",
            json!({ "uri": "alerts://CA/active" }),
            json!({ "uri": "alarms://CA/active" }),
        ),
        (
            "prompts/get",
            json!({ "name": prompt, "arguments": { "state": "CA" } }),
            json!({ "name": "emergency", "arguments": { "state": "CA" } }),
        ),
        (
            "completion/complete",
            by_prompt,
            json!({ "ref": { "type": "ref/prompt", "name": "emergency" }, "argument": argument }),
        ),
        (
            "completion/complete",
            by_template,
            json!({ "ref": { "type": "ref/resource", "uri": "alarms://{x}" }, "argument": argument }),
        ),
    ] {
        let (status, challenge, hidden) = ask(&member, method, params).await;
        let (other_status, _, unknown) = ask(&member, method, absent).await;
        // The same as for what is not there: status, code and text; no challenge that would tell.
        assert_eq!(challenge, "", "{method}");
        assert_eq!(status, other_status);
        assert_eq!(
            hidden["error"]["code"], unknown["error"]["code"],
            "{method}"
        );
        assert_eq!(hidden["error"]["message"], unknown["error"]["message"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_with_the_scopes_of_what_is_hidden_use_it() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let scopes = format!("{BASIC} alerts:read");
    let reader = client((&database, &gateway), ("acme", "reader"), &scopes).await;
    let tools = names(&reader, "tools/list", "tools", "name").await;
    assert!(tools.contains(&"get_alerts".to_owned()));
    let prompts = names(&reader, "prompts/list", "prompts", "name").await;
    assert_eq!(prompts, ["emergency_summary"]);
    let arguments = json!({ "name": "emergency_summary", "arguments": { "state": "CA" } });
    let (status, _, body) = ask(&reader, "prompts/get", arguments).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["result"]["messages"].is_array(), "{body}");
    let (_, _, body) = ask(&reader, "resources/read", json!({ "uri": "config://app" })).await;
    assert!(body["result"]["contents"].is_array(), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_a_discoverable_resource_is_refused_with_all_its_scopes() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let member = client((&database, &gateway), ("acme", "member"), BASIC).await;
    let resources = names(&member, "resources/list", "resources", "uri").await;
    assert_eq!(resources, ["config://app"]);
    for uri in ["config://app"] {
        let (status, challenge, _) = ask(&member, "resources/read", json!({ "uri": uri })).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(challenge.contains("error=\"insufficient_scope\""));
        assert!(
            challenge.contains("scope=\"alerts:read mcp:resources\""),
            "{challenge}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_may_ask_less_than_the_whole_configuration() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let house = (&database, &gateway);
    let acme = client(house, ("acme", "member"), BASIC).await;
    let root = client(house, ("default", "member"), BASIC).await;
    let call = json!({ "name": "get_forecast", "arguments": {} });
    let (status, _, _) = ask(&acme, "tools/call", call.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let (status, challenge, _) = ask(&root, "tools/call", call).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        challenge.contains("scope=\"mcp:tools metrics:read\""),
        "{challenge}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_challenges_in_results_gets_them_there() {
    let database = Database::sqlite();
    let gateway = start(&database);
    database.add_user_to("default", ("ada", "member"));
    let mut client = Client::register_at(&gateway, ROOT).await;
    let call = json!({ "name": "get_internal_metric", "arguments": { "metric_name": "requests" } });

    let before = (client.clone(), client.tokens(BASIC).await.access);
    let (status, challenge, _) = ask(&before, "tools/call", call.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);

    let id = client.id.clone();
    let set = ["client", "set", "--id", &id, "--refusals", "tool_result"];
    assert!(database.command(&set).status().unwrap().success());
    let after = (client.clone(), client.tokens(BASIC).await.access);
    let (status, header, body) = ask(&after, "tools/call", call).await;
    assert_eq!((status, header.as_str()), (StatusCode::OK, ""));
    let result = &body["result"];
    assert_eq!(result["isError"], true);
    assert_eq!(result["_meta"]["mcp/www_authenticate"], json!([challenge]));
    assert!(challenge.contains("error_description=\""), "{challenge}");

    // What it needs for each tool stands in the list, for this client and for no other.
    let listed = |body: Value| {
        let tools = body["result"]["tools"].as_array().unwrap().clone();
        let metric = |tool: &Value| tool["name"] == "get_internal_metric";
        tools.into_iter().find(metric).unwrap()
    };
    let (_, _, body) = ask(&after, "tools/list", json!({})).await;
    let schemes = json!([{ "type": "oauth2", "scopes": ["mcp:tools", "metrics:read"] }]);
    let tool = listed(body);
    assert_eq!(tool["securitySchemes"], schemes);
    assert_eq!(tool["_meta"]["securitySchemes"], schemes);
    let (_, _, body) = ask(&before, "tools/list", json!({})).await;
    assert_eq!(listed(body).get("securitySchemes"), None);

    // A resource is read by no tool: the refusal stays what it is.
    let unset = ["client", "set", "--id", &id, "--refusals", "default"];
    assert!(database.command(&unset).status().unwrap().success());
    let unknown = ["client", "set", "--id", "nobody", "--refusals", "http"];
    assert!(!database.command(&unknown).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_explains_itself() {
    let database = Database::sqlite();
    database.add_user_to("default", ("ada", "member"));
    let explain = |more: &[&str]| {
        let mut arguments = vec!["policy", "explain", "--user", "ada"];
        arguments.extend(more);
        let output = database.command(&arguments).output().unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (done, text) = explain(&["--tool", "get_internal_metric"]);
    assert!(done);
    assert!(
        text.contains("verdict: refused for lack of metrics:read"),
        "{text}"
    );
    assert!(
        text.contains("Give ada a role that has metrics:read: admin."),
        "{text}"
    );
    let (_, text) = explain(&["--resource", "alerts://CA/active"]);
    assert!(text.contains("verdict: allowed"), "{text}");
    let (_, text) = explain(&["--prompt", "emergency_summary", "--json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["verdict"], "allowed");
    let (_, text) = explain(&["--tool", "make_rain"]);
    assert!(text.contains("no server has this tool"), "{text}");
    assert!(!explain(&["--tool", "get_alerts", "--client", "nobody"]).0);
    assert!(!explain(&["--tool", "a", "--prompt", "b"]).0);
}
