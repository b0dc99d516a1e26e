//! What is remembered of a provider: its metadata and its keys, each fetched by one task at a time
//! and not too often.

use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::Mutex;
use url::Url;

use super::metadata::{self, Metadata};
use super::{ProviderError, RelyingParty};
use crate::jose::JwkSet;
use crate::model::{IdentityProvider, Timestamp};

/// One provider of one tenant.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    metadata: Mutex<Copy<Metadata>>,
    keys: Mutex<Copy<JwkSet>>,
}

/// A copy of what is published, and when it was last asked for.
#[derive(Debug)]
struct Copy<T> {
    value: Option<(Arc<T>, Timestamp)>,
    failed: Option<(ProviderError, Timestamp)>,
}

/// After what time metadata and keys are fetched anew.
const FRESH: Duration = Duration::from_hours(1);
/// For how long they count while there is nothing newer.
const STALE: Duration = Duration::from_hours(24);
/// For how long a failure is not repeated, so that a provider that is down costs nobody a wait.
const RETRY: Duration = Duration::from_secs(5);
/// How often a token with an unknown key may have the keys fetched.
const COOLDOWN: Duration = Duration::from_secs(30);

impl<T> Default for Copy<T> {
    fn default() -> Self {
        Self {
            value: None,
            failed: None,
        }
    }
}

impl<T> Copy<T> {
    /// What need not be fetched: a copy that is younger than `age`, or a failure of a moment ago.
    fn current(&self, now: Timestamp, age: Duration) -> Option<Result<Arc<T>, ProviderError>> {
        if let Some((value, at)) = &self.value
            && now.since(*at) < age
        {
            return Some(Ok(Arc::clone(value)));
        }
        let (error, at) = self.failed?;
        (now.since(at) < RETRY).then(|| self.stale(now).ok_or(error))
    }

    fn stale(&self, now: Timestamp) -> Option<Arc<T>> {
        let (value, at) = self.value.as_ref()?;
        (now.since(*at) < STALE).then(|| Arc::clone(value))
    }

    /// Keeps what was fetched; a failure leaves the older copy.
    fn keep(
        &mut self,
        now: Timestamp,
        fetched: Result<T, ProviderError>,
    ) -> Result<Arc<T>, ProviderError> {
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                self.value = Some((Arc::clone(&value), now));
                self.failed = None;
                Ok(value)
            }
            Err(error) => {
                self.failed = Some((error, now));
                self.stale(now).ok_or(error)
            }
        }
    }
}

impl Endpoint {
    /// What the provider says about itself.
    pub(super) async fn metadata(
        &self,
        party: &RelyingParty,
        provider: &IdentityProvider,
    ) -> Result<Arc<Metadata>, ProviderError> {
        let mut copy = self.metadata.lock().await;
        let now = party.clock.now();
        if let Some(current) = copy.current(now, FRESH) {
            return current;
        }
        let fetched = fetch_metadata(party, provider).await;
        if let Err(error) = &fetched {
            tracing::warn!(provider.name = %provider.name, reason = %error, "an identity provider can't be used");
        }
        copy.keep(now, fetched)
    }

    /// The provider's keys; with `unknown`, the present copy lacks one.
    pub(super) async fn keys(
        &self,
        party: &RelyingParty,
        provider: &IdentityProvider,
        unknown: Option<&Arc<JwkSet>>,
    ) -> Result<Arc<JwkSet>, ProviderError> {
        let metadata = self.metadata(party, provider).await?;
        let mut copy = self.keys.lock().await;
        let now = party.clock.now();
        let is_lacking = |(keys, _): &(Arc<JwkSet>, Timestamp)| {
            unknown.is_some_and(|unknown| Arc::ptr_eq(unknown, keys))
        };
        // Of many who found the same copy lacking, the first one fetches.
        let age = if copy.value.as_ref().is_some_and(is_lacking) {
            COOLDOWN
        } else {
            FRESH
        };
        if let Some(current) = copy.current(now, age) {
            return current;
        }
        let fetched = fetch_keys(party, &metadata.jwks_uri).await;
        if let Err(error) = &fetched {
            tracing::warn!(provider.name = %provider.name, reason = %error, "the keys of an identity provider can't be read");
        }
        copy.keep(now, fetched)
    }
}

async fn fetch_metadata(
    party: &RelyingParty,
    provider: &IdentityProvider,
) -> Result<Metadata, ProviderError> {
    let address = metadata::address(&provider.issuer);
    let address = address.ok_or(ProviderError::Untrusted("its issuer is no address"))?;
    let body = get(party, address, "its metadata can't be fetched").await?;
    Metadata::read(provider, &body)
}

async fn fetch_keys(party: &RelyingParty, address: &Url) -> Result<JwkSet, ProviderError> {
    let body = get(party, address.clone(), "its keys can't be fetched").await?;
    JwkSet::parse(&body).map_err(|_| ProviderError::Unavailable("its keys can't be used"))
}

/// No redirect is followed: what is not answered right here counts as not answered.
async fn get(
    party: &RelyingParty,
    address: Url,
    failure: &'static str,
) -> Result<bytes::Bytes, ProviderError> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let answer = party.http.get(address, headers).await;
    let answer = answer.map_err(|_| ProviderError::Unavailable(failure))?;
    if answer.status() == StatusCode::OK {
        Ok(answer.into_body())
    } else {
        Err(ProviderError::Unavailable(failure))
    }
}
