//! The keys of other issuers: found through their metadata (RFC 8414, OpenID Connect Discovery),
//! fetched rarely, and kept while the issuer can't be reached.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::jwk_set::JwkSet;
use crate::egress::{self, GuardedClient};
use crate::model::{Clock, KeySource, Timestamp};

/// The keys of other issuers. To look at those that are held asks nobody.
#[derive(Debug)]
pub struct IssuerKeys {
    /// For what operators configured.
    http: egress::Client,
    /// For what the metadata of an issuer names at another origin.
    guarded: GuardedClient,
    clock: Arc<dyn Clock>,
    slots: RwLock<HashMap<KeySource, Arc<Slot>>>,
}

/// What is known of one issuer.
#[derive(Debug, Default)]
struct Slot {
    held: RwLock<Held>,
    /// Whoever fetches holds it; the others wait for what comes of it.
    fetching: Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    keys: Option<(Arc<JwkSet>, Timestamp)>,
    /// When they were last asked for, with whatever success.
    tried_at: Option<Timestamp>,
}

/// Why there are no newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("its metadata can't be fetched")]
    Metadata,
    #[error("its metadata names another issuer, or no usable jwks_uri")]
    Untrusted,
    #[error("its keys can't be fetched")]
    Keys,
    #[error("its keys can't be used")]
    KeySet,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Url,
}

/// After what time keys are fetched anew, beside the requests that use the old ones.
const FRESH: Duration = Duration::from_mins(10);
/// For how long keys count while there are no newer ones.
const MAX_AGE: Duration = Duration::from_hours(24);
/// How often an issuer is asked at most, whatever tokens come.
const COOLDOWN: Duration = Duration::from_secs(30);

impl IssuerKeys {
    /// No keys yet.
    #[must_use]
    pub fn new(http: egress::Client, guarded: GuardedClient, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            guarded,
            clock,
            slots: RwLock::default(),
        }
    }

    /// The keys that are held, unless they are too old.
    #[must_use]
    pub fn held(&self, source: &KeySource) -> Option<Arc<JwkSet>> {
        let (keys, at) = self.slot(source).read().keys?;
        (self.clock.now().since(at) < MAX_AGE).then_some(keys)
    }

    /// True when it is time to look for newer keys.
    #[must_use]
    pub fn is_due(&self, source: &KeySource) -> bool {
        let held = self.slot(source).read();
        let now = self.clock.now();
        let stale = held.keys.is_none_or(|(_, at)| now.since(at) >= FRESH);
        stale && may_try(held.tried_at, now)
    }

    /// Looks for newer keys, unless that was done moments ago. Of many who ask at once, one does.
    pub async fn look(&self, source: &KeySource) {
        let slot = self.slot(source);
        let _turn = slot.fetching.lock().await;
        let now = self.clock.now();
        if !may_try(slot.read().tried_at, now) {
            return;
        }
        let fetched = self.fetch(source).await;
        let mut held = slot.held.write().unwrap_or_else(PoisonError::into_inner);
        held.tried_at = Some(now);
        match fetched {
            Ok(keys) => held.keys = Some((Arc::new(keys), now)),
            Err(reason) => {
                tracing::warn!(issuer = %source.issuer, %reason, "no newer keys of an issuer");
            }
        }
    }

    /// Looks for newer keys where it is time for that, while whoever calls goes on.
    pub fn look_beside(self: &Arc<Self>, source: &KeySource) {
        if self.is_due(source) {
            let (keys, source) = (Arc::clone(self), source.clone());
            tokio::spawn(async move { keys.look(&source).await });
        }
    }

    fn slot(&self, source: &KeySource) -> Arc<Slot> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(source) {
            return Arc::clone(slot);
        }
        drop(slots);
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(source.clone()).or_default())
    }

    async fn fetch(&self, source: &KeySource) -> Result<JwkSet, Failure> {
        let body = match &source.jwks_uri {
            Some(uri) => self.get(uri).await,
            None => self.get_named(&source.issuer).await?,
        };
        JwkSet::parse(&body.ok_or(Failure::Keys)?).map_err(|_| Failure::KeySet)
    }

    /// The key set that the issuer's metadata names. An address at another origin came over the
    /// wire, and is fetched as such.
    async fn get_named(&self, issuer: &str) -> Result<Option<Bytes>, Failure> {
        let issuer_url = Url::parse(issuer).map_err(|_| Failure::Untrusted)?;
        let mut found = None;
        for address in metadata_addresses(&issuer_url) {
            found = self.get(&address).await;
            if found.is_some() {
                break;
            }
        }
        let body = found.ok_or(Failure::Metadata)?;
        let metadata = serde_json::from_slice::<Metadata>(&body);
        let metadata = metadata.map_err(|_| Failure::Untrusted)?;
        // RFC 8414 §3.3: identical, or none of it may be used.
        if metadata.issuer != issuer {
            return Err(Failure::Untrusted);
        }
        if metadata.jwks_uri.origin() == issuer_url.origin() {
            return Ok(self.get(&metadata.jwks_uri).await);
        }
        let response = self
            .guarded
            .get(&metadata.jwks_uri, "application/json")
            .await;
        let response = response
            .ok()
            .filter(|answer| answer.status() == StatusCode::OK);
        Ok(response.map(http::Response::into_body))
    }

    /// No redirect is followed: what is not answered right here counts as not answered.
    async fn get(&self, address: &Url) -> Option<Bytes> {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(ACCEPT, json)]);
        let answer = self.http.get(address.clone(), headers).await.ok()?;
        (answer.status() == StatusCode::OK).then(|| answer.into_body())
    }
}

impl Slot {
    fn read(&self) -> Held {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }
}

fn may_try(tried_at: Option<Timestamp>, now: Timestamp) -> bool {
    tried_at.is_none_or(|at| now.since(at) >= COOLDOWN)
}

/// RFC 8414 §3.1 and §5: between host and path, and as OpenID Connect has it at the end.
fn metadata_addresses(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let mut inserted = issuer.clone();
    inserted.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    let mut appended = issuer.clone();
    appended.set_path(&format!("{path}/.well-known/openid-configuration"));
    [inserted, appended]
}
