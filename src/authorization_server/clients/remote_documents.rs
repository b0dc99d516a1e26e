//! Documents that clients keep on the Web, fetched when they are needed and no more often than
//! that (draft-ietf-oauth-client-id-metadata-document §4.2, RFC 9111 §5.2).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, DATE, EXPIRES, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use moka::future::Cache;
use url::Url;

use super::metadata_document::{self, InvalidMetadata};
use crate::egress::{GuardError, GuardedClient};
use crate::jose::{InvalidJwkSet, JwkSet};
use crate::model::{Clock, RemoteDocument, TenantSlug, Timestamp};
use crate::store::{DOCUMENT_RETENTION, Store, StoreError};

/// Metadata documents and key sets of clients.
///
/// Copies are in the database, where every replica finds them; in memory is only how the last
/// attempt to fetch each ended.
#[derive(Debug)]
pub struct RemoteDocuments {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    client: GuardedClient,
    attempts: Cache<(TenantSlug, String), Attempt>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::authorization_server) enum DocumentKind {
    /// The metadata of a client.
    Metadata,
    /// Its keys (RFC 7517 §5).
    KeySet,
}

/// When a copy will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::authorization_server) enum Freshness {
    /// For as long as the headers said that it came with.
    AsTheySay,
    /// Only when it was fetched moments ago.
    Latest,
}

/// Why a document is not to be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::authorization_server) enum DocumentError {
    #[error("not fetched: {0}")]
    NotFetched(FetchFailure),
    #[error("refused: {0}")]
    Metadata(InvalidMetadata),
    #[error("refused: {0}")]
    KeySet(InvalidJwkSet),
    #[error("no address")]
    Address,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a document was not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::authorization_server) enum FetchFailure {
    #[error(transparent)]
    Egress(#[from] GuardError),
    #[error("the status was {0}, not 200")]
    Status(StatusCode),
    #[error("the media type was not JSON")]
    MediaType,
    #[error("the body was not UTF-8")]
    Text,
}

/// How the last attempt to fetch a document ended.
#[derive(Clone, Debug)]
struct Attempt {
    at: Timestamp,
    outcome: Result<Arc<RemoteDocument>, Failure>,
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    NotFetched(FetchFailure),
    Metadata(InvalidMetadata),
    KeySet(InvalidJwkSet),
}

/// For how long the outcome of an attempt stands, good or bad.
const RETRY: Duration = Duration::from_secs(30);
/// How long a document without a word about it is fresh, and the bounds for what it says.
const FRESH: Duration = Duration::from_hours(1);
const LEAST_FRESH: Duration = Duration::from_mins(1);
const MOST_FRESH: Duration = Duration::from_hours(24);
const MAX_ATTEMPTS: u64 = 4096;

impl RemoteDocuments {
    /// Documents that `client` fetches and `store` keeps.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, client: GuardedClient) -> Self {
        Self {
            store,
            clock,
            client,
            attempts: Cache::new(MAX_ATTEMPTS),
        }
    }

    /// The document at `url`, as `tenant` sees it.
    pub(in crate::authorization_server) async fn load(
        &self,
        tenant: &TenantSlug,
        url: &Url,
        (kind, freshness): (DocumentKind, Freshness),
    ) -> Result<Arc<RemoteDocument>, DocumentError> {
        let now = self.clock.now();
        let copy = self
            .store
            .find_remote_document(tenant, url.as_str())
            .await?;
        let fresh =
            |copy: &RemoteDocument| freshness == Freshness::AsTheySay && now < copy.fresh_until;
        let copy = match copy {
            Some(copy) if fresh(&copy) => return Ok(Arc::new(copy)),
            copy => copy,
        };
        match self.attempt(tenant, url, kind, now).await {
            Ok(document) => Ok(document),
            // Its owner has spoken: an older word does not count any more.
            Err(Failure::Metadata(error)) => Err(DocumentError::Metadata(error)),
            Err(Failure::KeySet(error)) => Err(DocumentError::KeySet(error)),
            Err(Failure::NotFetched(error)) => {
                let kept = Duration::from_secs(DOCUMENT_RETENTION.unsigned_abs());
                let usable = copy.filter(|copy| now.since(copy.fetched_at) < kept);
                tracing::warn!(%url, %error, "a client's document could not be fetched");
                usable.map(Arc::new).ok_or(DocumentError::NotFetched(error))
            }
        }
    }

    /// Fetches a document, unless that was tried moments ago. Whoever asks meanwhile waits for
    /// the same attempt.
    async fn attempt(
        &self,
        tenant: &TenantSlug,
        url: &Url,
        kind: DocumentKind,
        now: Timestamp,
    ) -> Result<Arc<RemoteDocument>, Failure> {
        let key = (tenant.clone(), url.as_str().to_owned());
        let fetching = async {
            let outcome = self.fetch(url, kind, now).await.map(Arc::new);
            if let Ok(document) = &outcome {
                self.keep(tenant, document).await;
            }
            Attempt { at: now, outcome }
        };
        let entry = self
            .attempts
            .entry(key)
            .or_insert_with_if(fetching, |attempt| now.since(attempt.at) >= RETRY)
            .await;
        entry.into_value().outcome
    }

    async fn keep(&self, tenant: &TenantSlug, document: &RemoteDocument) {
        // Without the copy everything goes on; only the next one fetches again.
        if let Err(error) = self.store.keep_remote_document(tenant, document).await {
            tracing::warn!(%error, "the copy of a client's document could not be kept");
        }
    }

    async fn fetch(
        &self,
        url: &Url,
        kind: DocumentKind,
        now: Timestamp,
    ) -> Result<RemoteDocument, Failure> {
        let response = self.client.get(url, kind.accept()).await;
        let response = response.map_err(|error| Failure::NotFetched(error.into()))?;
        let body = read_body(&response, kind).map_err(Failure::NotFetched)?;
        match kind {
            DocumentKind::Metadata => {
                metadata_document::check(url.as_str(), &body).map_err(Failure::Metadata)?;
            }
            DocumentKind::KeySet => {
                JwkSet::parse(body.as_bytes()).map_err(Failure::KeySet)?;
            }
        }
        Ok(RemoteDocument {
            url: url.as_str().to_owned(),
            body,
            fetched_at: now,
            fresh_until: now.after(freshness(response.headers(), now)),
        })
    }
}

impl DocumentKind {
    const fn accept(self) -> &'static str {
        match self {
            Self::Metadata => "application/json",
            Self::KeySet => "application/jwk-set+json, application/json",
        }
    }

    /// True for the media types that such a document may have.
    fn is_type(self, essence: &str) -> bool {
        let essence = essence.trim().to_ascii_lowercase();
        match self {
            // §4 of the draft: application/json, or one with its suffix.
            Self::Metadata => {
                essence == "application/json"
                    || (essence.starts_with("application/") && essence.ends_with("+json"))
            }
            Self::KeySet => essence != "text/html",
        }
    }
}

fn read_body(response: &Response<Bytes>, kind: DocumentKind) -> Result<String, FetchFailure> {
    // §4 of the draft: 200 and nothing else; redirects are not followed.
    if response.status() != StatusCode::OK {
        return Err(FetchFailure::Status(response.status()));
    }
    let value = response.headers().get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    if !essence.is_some_and(|essence| kind.is_type(essence)) {
        return Err(FetchFailure::MediaType);
    }
    String::from_utf8(response.body().to_vec()).map_err(|_| FetchFailure::Text)
}

/// For how long a response says that it is fresh (RFC 9111 §4.2.1), within bounds.
fn freshness(headers: &HeaderMap, now: Timestamp) -> Duration {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let text: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    let text = text.join(",").to_ascii_lowercase();
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    if directives.contains(&"no-store") || directives.contains(&"no-cache") {
        return LEAST_FRESH;
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok());
    let age = age.and_then(|age| age.parse().ok()).unwrap_or_default();
    let max_age = directives
        .iter()
        .find_map(|directive| directive.strip_prefix("max-age="))
        .and_then(|seconds| seconds.trim_matches('"').parse::<u64>().ok())
        .map(Duration::from_secs);
    let lifetime = max_age.or_else(|| expires_in(headers, now));
    lifetime
        .map_or(FRESH, |lifetime| {
            lifetime.saturating_sub(Duration::from_secs(age))
        })
        .clamp(LEAST_FRESH, MOST_FRESH)
}

/// RFC 9111 §5.3: counts where there is no `max-age`; what is no date has passed already.
fn expires_in(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let expires = read_date(headers.get(EXPIRES)?);
    let date = headers.get(DATE).and_then(read_date);
    let start = date.unwrap_or(now);
    Some(expires.map_or(Duration::ZERO, |expires| expires.since(start)))
}

fn read_date(value: &HeaderValue) -> Option<Timestamp> {
    let text = value.to_str().ok()?;
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    Some(Timestamp::from_seconds(moment.ok()?.as_second()))
}
