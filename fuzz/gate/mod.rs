//! The MCP endpoint behind its sign-in, for targets: weather from the sample and the server of the
//! conformance suite, and somebody who has begun a session, a list, a call in rounds and a task.

pub(crate) mod handles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use gatehouse::backends::Backend;
use gatehouse::backends::weather::Weather;
use gatehouse::jose::Sealer;
use gatehouse::mcp::{
    Dispatcher, Edge, EdgeParts, Message, RpcError, ServerInfo, http as endpoint,
};
use gatehouse::model::{
    ClientId, Clock, EncryptionKey, Principal, Random, ScopeCatalogue, ScopeDefinition, ScopeSet,
    SystemClock, SystemRandom, Tenant, TenantSlug, UserId,
};
use gatehouse::nws::Nws;
use gatehouse::resource_server::{Operation, Policy, local_principal};
use gatehouse::store::{self, ConnectOptions, Store};
use gatehouse::telemetry::Figures;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;

use crate::fixture::Fixture;

/// How long an answer may take until its client hangs up.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a stream may be silent until its client hangs up.
const SILENCE: Duration = Duration::from_millis(2);

/// How much of a stream is read.
const MOST_FRAMES: usize = 64;

/// What is the same for all endpoints: the database, the key, and who calls.
pub(crate) struct House {
    store: Arc<dyn Store>,
    key: EncryptionKey,
    tenant: Arc<Tenant>,
    catalogue: ScopeCatalogue,
    pub(crate) ada: Arc<Principal>,
    pub(crate) eve: Arc<Principal>,
}

/// An endpoint.
pub(crate) struct Gate {
    dispatcher: Arc<Dispatcher>,
    tenant: Arc<Tenant>,
}

/// A request as its stations see it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What a client sees.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        let options = ConnectOptions {
            migrate_at_start: true,
            ..ConnectOptions::default()
        };
        let names = ["mcp:tools", "mcp:resources", "mcp:prompts", "metrics:read"];
        let define = |name: &str| {
            let definition = ScopeDefinition {
                description: name.to_owned(),
                implies: ScopeSet::default(),
            };
            (name.parse().expect("a scope"), definition)
        };
        let catalogue = ScopeCatalogue::new(names.into_iter().map(define).collect());
        let url = "https://mcp.example.com".parse().expect("a public URL");
        let tenant = Tenant::new(TenantSlug::default(), url, BTreeMap::new());
        let person = |name: &str| {
            let mut principal = local_principal(&tenant, &catalogue);
            principal.user = UserId::new(name);
            principal.client = ClientId::new(name);
            Arc::new(principal)
        };
        Self {
            store: store::connect("sqlite::memory:", &options)
                .await
                .expect("a database"),
            key: EncryptionKey::generate(&SystemRandom),
            ada: person("ada"),
            eve: person("eve"),
            tenant: Arc::new(tenant),
            catalogue,
        }
    }

    /// An endpoint at which nothing is under way.
    pub(crate) async fn gate(&self) -> Gate {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let removed = self.store.remove_expired(clock.now()).await;
        removed.expect("the database answers");
        let figures = Arc::new(Figures::default());
        let nws = Arc::new(Nws::sample(Arc::clone(&clock), Arc::clone(&random)));
        let backends: Vec<Arc<dyn Backend>> = vec![
            Arc::new(Weather::new(nws, Arc::clone(&figures))),
            Arc::new(Fixture::new()),
        ];
        let edge = Edge::new(EdgeParts {
            store: Arc::clone(&self.store),
            sealer: Sealer::new(&self.key),
            clock,
            random,
            tokens: None,
            page_size: 8,
            session_ttl: Duration::from_secs(3600),
        });
        let policy = Arc::new(Policy::new(self.catalogue.clone()));
        let info = ServerInfo {
            name: "gatehouse".to_owned(),
            title: "Gatehouse".to_owned(),
            version: "0".to_owned(),
        };
        let dispatcher = Dispatcher::new(backends, policy, figures, Arc::new(edge), &info);
        Gate {
            dispatcher: Arc::new(dispatcher),
            tenant: Arc::clone(&self.tenant),
        }
    }
}

impl Gate {
    /// Ends what is under way.
    pub(crate) fn close(&self) {
        self.dispatcher.edge().close();
    }

    /// What the endpoint answers, as far as it does soon.
    pub(crate) async fn ask(&self, who: &Arc<Principal>, asked: &Asked) -> Option<Seen> {
        let response = tokio::time::timeout(PATIENCE, self.answer(who, asked)).await;
        let (head, mut body) = response.ok()?.into_parts();
        let mut read = Vec::new();
        for _ in 0..MOST_FRAMES {
            let Ok(Some(frame)) = tokio::time::timeout(SILENCE, body.frame()).await else {
                break;
            };
            read.extend(frame.ok()?.into_data().ok()?);
        }
        Some(Seen {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(read).expect("messages are UTF-8"),
        })
    }

    /// The stations behind the sign-in, and the endpoint.
    async fn answer(&self, who: &Arc<Principal>, asked: &Asked) -> axum::response::Response {
        use axum::response::IntoResponse as _;
        let Asked {
            method,
            headers,
            body,
        } = asked.clone();
        let mut request = Request::new(Body::empty());
        let mut operation = Operation::Converse;
        if method == Method::POST {
            let message = match endpoint::accept(&headers, &body) {
                Ok(message) => message,
                Err(error) => return error.into_response(),
            };
            if let Message::Request(request) = &message {
                operation = match self
                    .dispatcher
                    .operation((&self.tenant, who), request)
                    .await
                {
                    Ok(operation) => operation,
                    Err(error) => return RpcError::into_response(error),
                };
            }
            request.extensions_mut().insert(message);
        }
        let policy = self.dispatcher.policy();
        let permit = policy.permit(&self.tenant, who, operation);
        let permit = permit.expect("both have every scope");
        *request.headers_mut() = headers;
        request.extensions_mut().insert(permit);
        request
            .extensions_mut()
            .insert(Arc::clone(&self.dispatcher));
        match method {
            Method::POST => endpoint::post(request).await,
            Method::DELETE => endpoint::delete(request).await,
            _ => endpoint::get(request).await,
        }
    }
}
