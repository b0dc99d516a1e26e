//! The audit log of a process: each kind of event is in it when the process has ended, and whoever
//! changes it behind the process's back is found out (B12, H08).

use std::process::Output;

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, Tokens};
use crate::process::{Database, Gateway};

const NO_GRACE: &str = "[tokens]\nrefresh_grace = \"0s\"";
const EVERYTHING: &str = "mcp:tools mcp:resources mcp:prompts metrics:read";

#[tokio::test(flavor = "multi_thread")]
async fn h08_every_kind_of_event_is_in_the_log_on_sqlite() {
    let database = Database::sqlite();
    every_kind(&database).await;
    every_change_is_found(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h08_every_kind_of_event_is_in_the_log_on_postgres() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    every_kind(&database).await;
    every_change_is_found(&database).await;
}

fn audit(database: &Database, arguments: &[&str]) -> Output {
    let arguments = [&["audit"], arguments].concat();
    database.command(&arguments).output().unwrap()
}

fn export(database: &Database) -> Vec<Value> {
    let output = audit(database, &["export"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn every_kind(database: &Database) {
    database.add_user("ada", "admin");
    let gateway = database.serve_with("listen = \"127.0.0.1:0\"", NO_GRACE);
    let mut client = Client::register(&gateway).await;
    let tokens = calls(&mut client).await;
    refusals(&gateway, &client, &tokens).await;
    // Whatever was answered is written before the process ends.
    assert_eq!(gateway.terminate(), Some(0));
    let entries = export(database);
    for event in [
        "user.added",
        "tenant.added",
        "key.added",
        "client.registered",
        "sign_in.accepted",
        "consent.given",
        "token.issued",
        "tool.called",
        "resource.read",
        "prompt.fetched",
        "access.scope_refused",
        "access.token_refused",
        "token.refreshed",
        "token.reuse_detected",
        "code.replay_detected",
        "token.request_refused",
    ] {
        let told = entries.iter().any(|entry| entry["event"] == event);
        assert!(told, "{event} is not in the log: {entries:#?}");
    }
    let of = |event: &str| {
        entries
            .iter()
            .find(|entry| entry["event"] == event)
            .unwrap()
    };
    let call = of("tool.called");
    assert_eq!(call["target"], "get_internal_metric");
    assert_eq!(call["outcome"], "success");
    assert_eq!(call["client"], client.id);
    assert_eq!(call["address"], "127.0.0.1");
    assert!(call["duration_us"].as_i64().unwrap() > 0, "{call}");
    // Nobody switched on that arguments are written.
    assert_eq!(call["detail"], Value::Null);
    assert_eq!(of("user.added")["actor"]["kind"], "operator");
    // The log is of no use to whoever wants to get in.
    let text = format!("{entries:?}");
    for secret in [&tokens.access, &tokens.refresh] {
        assert!(!text.contains(secret.as_str()));
    }
}

async fn calls(client: &mut Client) -> Tokens {
    let tokens = client.tokens(EVERYTHING).await;
    for (method, params) in [
        (
            "tools/call",
            json!({ "name": "get_internal_metric", "arguments": { "metric_name": "requests" } }),
        ),
        ("resources/read", json!({ "uri": "config://app" })),
        (
            "prompts/get",
            json!({ "name": "emergency_summary", "arguments": { "state": "CA" } }),
        ),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = client.call(&tokens.access, &message).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method}");
    }
    tokens
}

async fn refusals(gateway: &Gateway, client: &Client, tokens: &Tokens) {
    let mut narrow = Client::register(gateway).await;
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = narrow.code("mcp:tools", &verifier).await;
    let answer = narrow.exchange(&code, &verifier).await;
    let few = Tokens::read(answer).await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "get_internal_metric", "arguments": {} } });
    let refused = narrow.call(&few.access, &message).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let refused = narrow.call("nonsense", &message).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let replay = narrow.exchange(&code, &verifier).await;
    assert_eq!(replay.status(), StatusCode::BAD_REQUEST);
    assert!(client.refresh(&tokens.refresh).await.status().is_success());
    let reuse = client.refresh(&tokens.refresh).await;
    assert_eq!(reuse.status(), StatusCode::BAD_REQUEST);
}

/// Changes the log as only someone can who has the database, and takes each change back.
async fn every_change_is_found(database: &Database) {
    let whole = audit(database, &["verify"]);
    assert!(whole.status.success(), "{whole:?}");
    lift_triggers(database).await;
    for (change, back, found) in [
        (
            "UPDATE audit_log SET outcome = 'refused' WHERE sequence = 2 AND tenant = 'default'",
            "UPDATE audit_log SET outcome = 'success' WHERE sequence = 2 AND tenant = 'default'",
            "entry 2 was edited, or is not the one that was here\n",
        ),
        (
            "UPDATE audit_log SET sequence = -3 WHERE sequence = 3",
            "UPDATE audit_log SET sequence = 3 WHERE sequence = -3",
            "entry 3 is missing\n",
        ),
        (
            "UPDATE audit_log SET sequence = -4 WHERE sequence = 4;
             UPDATE audit_log SET sequence = 4 WHERE sequence = 5;
             UPDATE audit_log SET sequence = 5 WHERE sequence = -4",
            "UPDATE audit_log SET sequence = -4 WHERE sequence = 4;
             UPDATE audit_log SET sequence = 4 WHERE sequence = 5;
             UPDATE audit_log SET sequence = 5 WHERE sequence = -4",
            "entry 4 was edited, or is not the one that was here\n\
             entry 5 was edited, or is not the one that was here\n\
             entry 6 was edited, or is not the one that was here\n",
        ),
    ] {
        database.execute(change).await;
        let output = audit(database, &["verify"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for line in found.lines() {
            assert!(text.contains(line), "{change}: {text}");
        }
        database.execute(back).await;
    }
    let whole = audit(database, &["verify"]);
    assert!(whole.status.success(), "{whole:?}");
    // With the head put back as well, the signed checkpoint is what knows better.
    database
        .execute(
            "DELETE FROM audit_log WHERE sequence > 6;
             UPDATE audit_heads SET sequence = 6,
                 hash = (SELECT l.hash FROM audit_log AS l WHERE l.sequence = 6)",
        )
        .await;
    let output = audit(database, &["verify"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("the log ends at entry 6, and there were"),
        "{text}"
    );
}

async fn lift_triggers(database: &Database) {
    database
        .execute(if database.url.starts_with("sqlite:") {
            "DROP TRIGGER audit_log_is_not_changed;
             DROP TRIGGER audit_log_is_not_removed;
             DROP TRIGGER audit_heads_go_forward"
        } else {
            "DROP TRIGGER audit_log_is_not_changed ON audit_log;
             DROP TRIGGER audit_log_is_not_removed ON audit_log;
             DROP TRIGGER audit_heads_go_forward ON audit_heads"
        })
        .await;
}
