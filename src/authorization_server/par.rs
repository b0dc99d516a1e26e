//! Pushed authorization requests (RFC 9126): POST /par.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::authorize::{
    AuthorizationRequest, AuthorizeError, DPOP_JKT, MAX_QUERY, PUSHED_LIFETIME, PageError,
    RedirectError, request_uri,
};
use super::client_authentication::{ClientAuthenticationError, authenticate};
use super::dpop::{self, ProofError};
use super::{Context, refusal};
use crate::model::{Client, KeyThumbprint, PushedRequest, Secret, Tenant};
use crate::store::StoreError;
use crate::telemetry::origin;
use crate::web::{self, FormRejection, Parameters, RepeatedParameter, read_form};

/// Why a request is not taken. The text is its `error_description`.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error(transparent)]
    Form(#[from] FormRejection),
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error(transparent)]
    Client(#[from] ClientAuthenticationError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("dpop_jkt is not the key of the DPoP proof")]
    OtherKey,
    #[error("request_uri can't be pushed")]
    RequestUri,
    #[error("the request is too long")]
    TooLong,
    /// What a person would read about on a page.
    #[error(transparent)]
    Page(PageError),
    /// What the client would hear of at its redirect URI.
    #[error(transparent)]
    Redirect(RedirectError),
    #[error("the server can't answer right now")]
    Store(#[from] StoreError),
}

/// What proves the client, and is no part of the request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let response = push(&context, &tenant, &headers, request)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant));
    dpop::with_nonce(&context, &tenant, &headers, response)
}

async fn push(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, PushError> {
    let parameters = read_form(request).await?;
    let client = authenticate(context, tenant, headers, &parameters).await?;
    origin::note_client(&client.id);
    // RFC 9126 §2.1: a reference in the place of the request is refused.
    if parameters.one("request_uri")?.is_some() {
        return Err(PushError::RequestUri);
    }
    let key = dpop::prove(context, tenant, headers, "/par").await?;
    let parameters = bind(parameters, key)?;
    let query = to_query(&client, parameters.clone());
    if query.len() > MAX_QUERY {
        return Err(PushError::TooLong);
    }
    // RFC 9126 §2.1: checked now as the authorization endpoint would.
    AuthorizationRequest::check(context, tenant, client.clone(), parameters)?;
    let reference = Secret::generate(context.random.as_ref());
    store(context, tenant, client, (&reference, query)).await?;
    let body = json!({
        "request_uri": request_uri(&reference),
        "expires_in": PUSHED_LIFETIME.as_secs(),
    });
    Ok(web::json(StatusCode::CREATED, &body))
}

/// RFC 9449 §10.1: the key of the proof is the one that the code will be bound to, and where the
/// request names one, it is that one.
fn bind(parameters: Parameters, key: Option<KeyThumbprint>) -> Result<Parameters, PushError> {
    let Some(key) = key.map(|key| key.to_string()) else {
        return Ok(parameters);
    };
    match parameters.one(DPOP_JKT)? {
        Some(named) if named != key => Err(PushError::OtherKey),
        Some(_) => Ok(parameters),
        None => Ok(parameters.with(DPOP_JKT, key)),
    }
}

/// The request alone, with the client in it however that was named.
fn to_query(client: &Client, parameters: Parameters) -> String {
    CREDENTIALS
        .iter()
        .fold(parameters, |rest, name| rest.without(name))
        .without("client_id")
        .with("client_id", client.id.as_str().to_owned())
        .to_query()
}

async fn store(
    context: &Context,
    tenant: &Tenant,
    client: Client,
    (reference, request): (&Secret, String),
) -> Result<(), StoreError> {
    let now = context.clock.now();
    let pushed = PushedRequest {
        digest: reference.digest(),
        client: client.id,
        request,
        created_at: now,
        expires_at: now.after(PUSHED_LIFETIME),
    };
    context.store.push_request(&tenant.slug, &pushed).await
}

impl From<AuthorizeError> for PushError {
    fn from(error: AuthorizeError) -> Self {
        match error {
            AuthorizeError::Page(error) => Self::Page(error),
            AuthorizeError::Redirect(_, error) => Self::Redirect(error),
        }
    }
}

impl PushError {
    fn refuse(self, tenant: &Tenant) -> Response {
        let (status, code) = self.wire();
        if status.is_server_error() {
            tracing::error!(error = code, reason = ?self, "a request could not be stored");
        } else {
            tracing::info!(error = code, reason = ?self, "a pushed request was refused");
        }
        let header = if let Self::Client(error) = &self {
            error.header(tenant)
        } else {
            None
        };
        refusal::answer((status, code), &self.to_string(), header)
    }

    /// RFC 9126 §2.3: the codes of the token endpoint and of the authorization endpoint.
    const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Form(FormRejection::Body) | Self::TooLong => {
                (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request")
            }
            Self::Form(FormRejection::MediaType | FormRejection::Malformed(_))
            | Self::Repeated(_)
            | Self::RequestUri
            | Self::Page(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Client(error) => error.wire(),
            Self::Proof(error) => error.wire(),
            Self::OtherKey => (StatusCode::BAD_REQUEST, "invalid_dpop_proof"),
            Self::Redirect(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        }
    }
}
