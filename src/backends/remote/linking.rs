//! Servers where each person has an account of their own: their token, and how they are asked to
//! link the account.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::{
    Answer, BackendError, CallContext, Capability, Catalogue, Definition, InputRequest,
};
use super::failure::Failure;
use crate::identity::LinkedAccounts;
use crate::identity::linked::TokenError;
use crate::model::{Digest, Linkable, MountPrefix, Secret, SecretHeader, TenantSlug, UserId};

/// One person at one server.
pub(super) struct Person {
    accounts: Arc<LinkedAccounts>,
    tenant: TenantSlug,
    user: UserId,
    described: crate::model::Upstream,
    /// Where they link the account.
    page: String,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<(Secret, SecretHeader, Instant)>,
    /// The last one that the server did not take.
    refused: Option<Secret>,
}

/// For how long a token is used without a look whether the account still is linked.
const REREAD: Duration = Duration::from_secs(5);

/// The tool that stands for a server whose account is not linked.
const TOOL: &str = "connect_account";

/// What the question is called in its call.
pub(super) const QUESTION: &str = "connect-account";

/// How long a call waits for a person who went to link their account, and how often it looks.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);

const NOT_LINKED: &str = "your account at the server of this is not connected: connect it on your \
                          account page, then try again";

impl Person {
    /// The person, where the server as it is described wants one.
    pub(super) fn of(
        accounts: &Arc<LinkedAccounts>,
        (tenant, user): (&crate::model::Tenant, &UserId),
        described: &crate::model::Upstream,
    ) -> Option<Self> {
        described.linkable()?;
        Some(Self {
            accounts: Arc::clone(accounts),
            tenant: tenant.slug.clone(),
            user: user.clone(),
            described: described.clone(),
            page: tenant.public_url.join("/account"),
            held: Mutex::default(),
        })
    }

    fn at(&self) -> Result<Linkable<'_>, Failure> {
        self.described.linkable().ok_or(Failure::NotLinked)
    }

    /// The header with their token.
    pub(super) async fn header(&self) -> Result<SecretHeader, Failure> {
        let mut held = self.held.lock().await;
        if let Some((_, header, read_at)) = &held.token
            && read_at.elapsed() < REREAD
        {
            return Ok(header.clone());
        }
        held.token = None;
        let whose = (&self.tenant, &self.user);
        let token = self
            .accounts
            .token(whose, self.at()?, held.refused.as_ref());
        let token = token.await.map_err(|error| match error {
            TokenError::NotLinked => Failure::NotLinked,
            TokenError::TryLater => Failure::Token,
        })?;
        let token = token.access_token;
        let header = SecretHeader::new(&format!("Bearer {}", token.expose()));
        let header = header.ok_or(Failure::Token)?;
        held.token = Some((token, header.clone(), Instant::now()));
        Ok(header)
    }

    /// The server did not take the token; true when there may be another one.
    pub(super) async fn refuse(&self) -> bool {
        let mut held = self.held.lock().await;
        let token = held.token.take();
        let is_there = token.is_some();
        if let Some((token, ..)) = token {
            held.refused = Some(token);
        }
        is_there
    }

    /// What there is before the account is linked: a tool that says how to.
    pub(super) fn catalogue(&self, prefix: &MountPrefix) -> Catalogue {
        let name = self.tool(prefix);
        let server = &self.described.name;
        let json = json!({
            "name": name,
            "title": format!("Connect your account at {server}"),
            "description": format!(
                "Call this to connect the user's own account at the server {server:?}. Its tools are \
                 there afterwards."
            ),
            "inputSchema": { "type": "object", "additionalProperties": false },
            "annotations": { "readOnlyHint": true, "openWorldHint": true },
        });
        let json = json.as_object().cloned().unwrap_or_default();
        Catalogue {
            tools: vec![Definition::new(name, json)],
            unreachable: Some(server.clone()),
            ..Catalogue::default()
        }
    }

    /// The name of that tool.
    pub(super) fn tool(&self, prefix: &MountPrefix) -> String {
        if prefix.is_empty() {
            format!("{}_{TOOL}", self.described.name)
        } else {
            prefix.outer_name(TOOL)
        }
    }

    /// The answer of that tool to a client that can't open a page.
    pub(super) fn way_there(&self) -> Answer {
        let text = format!(
            "The account at the server {:?} is not connected. The user connects it in a browser at {}, \
             under \"Accounts at other servers\".",
            self.described.name, self.page
        );
        said(&text)
    }

    /// The answer of that tool once the account is linked.
    pub(super) fn welcome(&self) -> Answer {
        let name = &self.described.name;
        said(&format!(
            "The account at the server {name:?} is connected. Its tools are listed now."
        ))
    }

    /// Has the person link their account, where their client can open a page, and waits until they
    /// have. The page asks them who they are, so that its address is no secret (MCP
    /// client/elicitation, safe URL handling).
    pub(super) async fn link(&self, context: &CallContext) -> Result<(), BackendError> {
        if !context.can(Capability::ElicitationUrl) {
            return Err(BackendError::Unavailable(NOT_LINKED));
        }
        let id = self.elicitation();
        let params = json!({
            "mode": "url",
            "elicitationId": id,
            "url": self.page,
            "message": format!(
                "Connect your account at {:?}: sign in, and choose Connect next to it.",
                self.described.name
            ),
        });
        let params = params.as_object().cloned().unwrap_or_default();
        let answer = context.ask(QUESTION, InputRequest::Elicit(params)).await?;
        if answer.get("action").and_then(Value::as_str) != Some("accept") {
            return Err(BackendError::Unavailable(NOT_LINKED));
        }
        let linked = async {
            while self.header().await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            linked = tokio::time::timeout(PATIENCE, linked) => {
                linked.map_err(|_| BackendError::Unavailable(NOT_LINKED))?;
            }
            () = context.cancellation.cancelled() => return Err(BackendError::Cancelled),
        }
        if let Some(peer) = context.peer.as_ref().filter(|_| context.extras.has_session) {
            let params = Map::from_iter([("elicitationId".to_owned(), Value::from(id))]);
            peer.tell("notifications/elicitation/complete", params);
        }
        Ok(())
    }

    /// The same one whenever the call is made.
    fn elicitation(&self) -> String {
        let whose = format!("{}/{}/{}", self.tenant, self.described.name, self.user);
        let digest = Digest::of(whose.as_bytes());
        URL_SAFE_NO_PAD.encode(digest.as_bytes())
    }
}

fn said(text: &str) -> Answer {
    let body = json!({ "content": [{ "type": "text", "text": text }], "isError": false });
    Answer {
        body: Bytes::from(body.to_string()),
        meta: Map::new(),
        ttl_ms: 0,
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("tenant", &self.tenant)
            .field("server", &self.described.name)
            .finish_non_exhaustive()
    }
}
