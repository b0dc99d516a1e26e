//! A handler that panics (R34): behind the whole gateway, in this process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gatehouse::app::{Gateway, WeatherSource};
use gatehouse::backends::{Answer, Backend, BackendError, CallContext, Catalogue, Definition};
use gatehouse::config::{self, Config, Environment};
use gatehouse::model::{Secret, SystemRandom};
use gatehouse::operations::{By, NewUser};
use gatehouse::resource_server::Permit;
use gatehouse::server::Stop;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// A server with a defect.
#[derive(Debug)]
struct Fragile;

#[async_trait]
impl Backend for Fragile {
    async fn catalogue(&self) -> Arc<Catalogue> {
        let Value::Object(json) = json!({ "name": "break", "inputSchema": { "type": "object" } })
        else {
            unreachable!("it is an object")
        };
        let tool = Definition::new("break".to_owned(), json);
        Arc::new(Catalogue {
            tools: vec![tool],
            ..Catalogue::default()
        })
    }

    async fn call_tool(
        &self,
        _: &Permit,
        _: &str,
        _: Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        panic!("a defect")
    }

    async fn read_resource(
        &self,
        _: &Permit,
        _: &str,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownResource)
    }

    async fn get_prompt(
        &self,
        _: &Permit,
        _: &str,
        _: Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownResource)
    }

    async fn complete(
        &self,
        _: &Permit,
        _: &Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownResource)
    }
}

async fn token(config: &Config, gateway: &Gateway) -> Secret {
    let tenant = gateway.tenant();
    let user = NewUser {
        username: "ada".to_owned(),
        roles: BTreeSet::from(["admin".to_owned()]),
    };
    let operations = gateway.operations();
    let password = Secret::generate(&SystemRandom);
    let added = operations.add_user(&By::CommandLine, tenant, user, &password);
    let user = added.await.unwrap();
    let scopes = tenant.scopes_of_roles(&user.roles);
    let scopes = config.scopes.catalogue.expand(&scopes);
    let ttl = Duration::from_mins(5);
    let issued = operations.issue_token(&By::CommandLine, tenant, &user, scopes, ttl);
    issued.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r34_a_panic_costs_its_own_request_alone() {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"sqlite::memory:\"\n";
    let config = config::parse(text, "panics.toml", &Environment::new()).unwrap();
    let listener = TcpListener::bind(config.server.listen).await.unwrap();
    let url = config.server.public_url_at(listener.local_addr().unwrap());
    let servers: Vec<Arc<dyn Backend>> = vec![Arc::new(Fragile)];
    let opened = Gateway::open_beside(&config, url.unwrap(), WeatherSource::Sample, servers);
    let gateway = opened.await.unwrap();
    gateway.apply_tenants().await.unwrap();
    let token = token(&config, &gateway).await;
    let address = gateway.tenant().resource.as_str().to_owned();
    let stop = Stop::default();
    let asking = async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = async |name: &str, arguments: Value| {
            let params = json!({ "name": name, "arguments": arguments });
            let message =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
            let request = http.post(&address).bearer_auth(token.expose());
            let request = request.header("accept", "application/json, text/event-stream");
            let request = request.header("mcp-protocol-version", "2025-11-25");
            request.json(&message).send().await.unwrap()
        };
        let metric = json!({ "metric_name": "requests" });
        for _ in 0..20 {
            let (broken, other) = tokio::join!(
                call("break", json!({})),
                call("get_internal_metric", metric.clone())
            );
            assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(broken.headers().contains_key("x-request-id"));
            assert!(!broken.text().await.unwrap().contains("a defect"));
            assert_eq!(other.status(), StatusCode::OK);
        }
        eprintln!("R34: 20 panics beside 20 calls: 20 × 500, 20 × 200");
        stop.now();
    };
    tokio::join!(gateway.answer(listener, stop.clone()), asking);
}
