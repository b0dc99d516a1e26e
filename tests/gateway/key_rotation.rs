//! Signing keys change under load without a single refusal (R17, F16, E05).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use crate::client::{Client, Tokens};
use crate::process::{Database, Gateway};

const DEADLINE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_rotation_under_load_refuses_nobody_on_sqlite() {
    let database = Database::sqlite().without_limits();
    let gateway = database.serve();
    rotate_under_load(&database, &[&gateway]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_rotation_under_load_refuses_nobody_at_two_replicas_on_postgres() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let database = database.without_limits();
    let one = database.serve();
    let two = database.replica_of(&one);
    rotate_under_load(&database, &[&one, &two]).await;
}

/// Refreshes and calls at every replica until the new key has signed for a while.
async fn rotate_under_load(database: &Database, replicas: &[&Gateway]) {
    database.add_user("ada", "admin");
    let mut client = Client::register(replicas[0]).await;
    let clients: Vec<Client> = replicas.iter().map(|replica| client.at(replica)).collect();
    let first = client.tokens("mcp:tools").await;
    let old = key_id(&first.access);
    assert_eq!(published(&client, replicas[0]).await, [old.clone()].into());

    let status = database.command(&["keys", "rotate"]).status().unwrap();
    assert!(status.success());
    let begun = Instant::now();
    let mut tokens = first.clone();
    let mut calls_after = 0;
    for at in clients.iter().cycle() {
        tokens = Tokens::read(at.refresh(&tokens.refresh).await).await;
        // The newest token and the oldest one, at every replica.
        for client in &clients {
            for access in [&tokens.access, &first.access] {
                let response = client.list_tools(access).await;
                assert_eq!(response.status(), StatusCode::OK);
            }
        }
        if key_id(&tokens.access) == old {
            assert!(begun.elapsed() < DEADLINE, "the new key never signed");
            continue;
        }
        calls_after += 1;
        if calls_after == 20 {
            break;
        }
    }
    let both: BTreeSet<String> = [old, key_id(&tokens.access)].into();
    for (client, replica) in clients.iter().zip(replicas) {
        assert_eq!(published(client, replica).await, both);
    }
}

/// The `kid` of the key that signed the token.
fn key_id(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// The identifiers of the keys at `/jwks`, each without its private half.
async fn published(client: &Client, replica: &Gateway) -> BTreeSet<String> {
    let url = Url::parse(&format!("{}/jwks", replica.url)).unwrap();
    let request = client.request(reqwest::Method::GET, &url);
    let document: Value = request.send().await.unwrap().json().await.unwrap();
    let keys = document["keys"].as_array().unwrap();
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}
