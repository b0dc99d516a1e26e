//! Sessions at a mounted server of a revision that has them (2025-11-25 basic/lifecycle).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::headers::{self, SESSION};
use super::http::in_session;
use super::line::{IDLE, Line};
use super::message;
use super::speech::{self, WITH_SESSIONS, Welcome};
use super::standing::{Listeners, Standing};
use super::transport::Transport;
use crate::model::{ClientId, Principal, UserId};

/// Whose session it is: what one person does through one client is nobody else's, and a server may
/// offer less to a client that can do less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SessionKey {
    /// None for what the gateway asks by itself.
    holder: Option<(UserId, ClientId)>,
    capabilities: String,
}

/// A session of a revision before 2026-07-28. It is ended when nobody keeps it.
#[derive(Debug)]
pub(super) struct Session {
    transport: Transport,
    headers: HeaderMap,
    pub(super) welcome: Arc<Welcome>,
    /// What it says beside answers; opened once the server is ready for it.
    pub(super) standing: Standing,
}

impl Line {
    /// Whose session a request is made in. Where all share one connection, all share the session.
    pub(super) fn key_of(
        &self,
        principal: Option<&Principal>,
        capabilities: &Map<String, Value>,
    ) -> SessionKey {
        if self.transport.is_shared() {
            return SessionKey::of(None, &speech::every_capability());
        }
        SessionKey::of(principal, capabilities)
    }

    /// The session that is nobody's.
    pub(super) async fn common_session(&self) -> Result<Arc<Session>, Failure> {
        let every = speech::every_capability();
        self.session(&SessionKey::of(None, &every), &every).await
    }

    /// Opens another one the next time.
    pub(super) async fn forget_common_session(&self) {
        let every = speech::every_capability();
        self.sessions
            .invalidate(&SessionKey::of(None, &every))
            .await;
    }

    /// The session of `key`; of several that want it first, one opens it.
    pub(super) async fn session(
        &self,
        key: &SessionKey,
        capabilities: &Map<String, Value>,
    ) -> Result<Arc<Session>, Failure> {
        if let Some(session) = self.sessions.get(key).await {
            return Ok(session);
        }
        let begun = Box::pin(async { self.initialize(key, capabilities).await.map(Arc::new) });
        let session = self.sessions.try_get_with(key.clone(), begun);
        Box::pin(session)
            .await
            .map_err(|failure| Failure::clone(&failure))
    }

    /// 2025-11-25 basic/lifecycle, initialization
    async fn initialize(
        &self,
        key: &SessionKey,
        capabilities: &Map<String, Value>,
    ) -> Result<Session, Failure> {
        let id = self.next_id();
        let [revision, ..] = WITH_SESSIONS;
        let params = json!({
            "protocolVersion": revision,
            "capabilities": capabilities,
            "clientInfo": speech::client_info(),
        });
        let params = params.as_object().cloned().unwrap_or_default();
        let body = message::request(id, "initialize", &params);
        let (head, result) = self.exchange(&headers::of_post(), body, id).await?;
        let welcome = Welcome::initialized(result);
        let welcome = welcome.ok_or(Failure::Protocol("a revision that is not known"))?;
        let headers = in_session(&welcome.revision, head.get(SESSION));
        let ready = message::notification("notifications/initialized", &Map::new());
        let sent = self.transport.send(&headers, ready);
        let sent = tokio::time::timeout(self.limits.deadline, sent).await;
        sent.map_err(|_| Failure::TimedOut)??;
        if welcome.offers("logging") {
            // Each client's own level is looked at where its messages go out.
            let id = self.next_id();
            let params = Map::from_iter([("level".to_owned(), "debug".into())]);
            let body = message::request(id, "logging/setLevel", &params);
            drop(self.exchange(&headers, body, id).await);
        }
        let transport = self.transport.clone();
        let listeners = Listeners {
            notices: self.notices.clone(),
            asides: self.asides.clone(),
            holder: key.holder.clone(),
        };
        let standing = Standing::open(transport.clone(), headers.clone(), listeners);
        // What is said before it is open would be lost.
        standing.opened().await;
        Ok(Session {
            standing,
            transport,
            headers,
            welcome: Arc::new(welcome),
        })
    }
}

impl SessionKey {
    fn of(principal: Option<&Principal>, capabilities: &Map<String, Value>) -> Self {
        // The same ones in another order are the same.
        let sorted: BTreeMap<&String, &Value> = capabilities.iter().collect();
        let capabilities = if sorted.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&sorted).unwrap_or_default()
        };
        Self {
            holder: principal.map(|it| (it.user.clone(), it.client.clone())),
            capabilities,
        }
    }
}

impl Session {
    /// The headers of a request in it.
    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its identifier, where it has one.
    fn id(&self) -> Option<&HeaderValue> {
        self.headers.get(SESSION)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.id().is_none() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (transport, headers) = (self.transport.clone(), self.headers.clone());
            runtime.spawn(async move {
                let ended = transport.end(headers);
                drop(tokio::time::timeout(IDLE, ended).await);
            });
        }
    }
}
