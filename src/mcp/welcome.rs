//! How a client is met: `initialize`, and `server/discover` from 2026-07-28 on.

use std::sync::Arc;

use serde_json::{Value, json};

use super::capabilities::{Capabilities, TASKS};
use super::dispatch::{Dispatcher, LISTING_TTL_MS};
use super::error::Fault;
use super::message::Request;
use super::reply::Reply;
use super::revision::Revision;
use crate::backends::Backend;
use crate::model::{Tenant, UserId};

impl Dispatcher {
    /// 2026-07-28 server/discover
    pub(super) async fn discover(
        &self,
        whose: (&Tenant, &UserId),
        request: &Request,
    ) -> Result<Reply, Fault> {
        let versions = serde_json::to_string(&Revision::SUPPORTED.map(Revision::name))?;
        let instructions = self.instructions(whose).await?;
        let [_, capabilities] = offered(&self.servers(whose.0, Some(whose.1)));
        let body = format!(
            "{{\"supportedVersions\":{versions},\"capabilities\":{capabilities}{instructions}}}"
        );
        self.reply(request, body.as_bytes(), Some(LISTING_TTL_MS))
    }

    /// 2025-11-25 basic/lifecycle, initialization
    pub(super) async fn initialize(
        &self,
        whose: (&Tenant, &UserId),
        request: &Request,
    ) -> Result<Reply, Fault> {
        let revision = Revision::negotiated(&request.params)?.name();
        let instructions = self.instructions(whose).await?;
        let server_info = &self.server_info;
        let [capabilities, _] = offered(&self.servers(whose.0, Some(whose.1)));
        let body = format!(
            "{{\"protocolVersion\":\"{revision}\",\"capabilities\":{capabilities},\
             \"serverInfo\":{server_info}{instructions}}}"
        );
        self.reply(request, body.as_bytes(), None)
    }

    /// What `initialize` settles on, and what the client has declared with it.
    pub(super) fn negotiated(request: &Request) -> Result<(Revision, Capabilities), Fault> {
        let revision = Revision::negotiated(&request.params)?;
        let capabilities = Capabilities::of(request.params.get("capabilities"));
        Ok((revision, capabilities))
    }

    /// The member `instructions`, with the comma before it, where any server gives some.
    async fn instructions(&self, (tenant, user): (&Tenant, &UserId)) -> Result<String, Fault> {
        let catalogues = self.catalogues(tenant, Some(user)).await;
        let texts: Vec<&str> = catalogues
            .iter()
            .filter_map(|catalogue| catalogue.instructions.as_deref())
            .collect();
        if texts.is_empty() {
            return Ok(String::new());
        }
        let text = serde_json::to_string(&texts.join("\n\n"))?;
        Ok(format!(",\"instructions\":{text}"))
    }
}

/// What the servers together can do, before 2026-07-28 and from then on. Every list exists, if only
/// as an empty one.
fn offered(backends: &[Arc<dyn Backend>]) -> [String; 2] {
    let subscribe = backends.iter().any(|one| one.takes_subscriptions());
    // Where no server ever changes a list, the tenant may still change what of it is seen.
    let list = json!({ "listChanged": true });
    let mut resources = list.clone();
    if let (true, Some(resources)) = (subscribe, resources.as_object_mut()) {
        resources.insert("subscribe".to_owned(), Value::Bool(true));
    }
    let legacy = json!({
        "tools": list, "resources": resources, "prompts": list, "completions": {}, "logging": {},
    });
    let mut modern = legacy.clone();
    if let Some(modern) = modern.as_object_mut() {
        modern.insert("extensions".to_owned(), json!({ TASKS: {} }));
    }
    [legacy.to_string(), modern.to_string()]
}
