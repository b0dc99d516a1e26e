//! Requests to a provider's token endpoint (OpenID Connect Core §3.1.3, §12).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use url::form_urlencoded;

use super::discovery::Endpoint;
use super::metadata::Metadata;
use super::{Answer, ProviderError, RelyingParty, redirect_uri};
use crate::model::{IdentityProvider, Secret, Tenant};

/// What the endpoint gave.
pub(super) struct Tokens {
    pub(super) access_token: Option<Secret>,
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<Secret>,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: Option<String>,
    id_token: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

type Fields<'a> = Vec<(&'static str, &'a str)>;

pub(super) async fn redeem(
    party: &RelyingParty,
    endpoint: &Endpoint,
    (tenant, provider): (&Tenant, &IdentityProvider),
    answer: &Answer<'_>,
) -> Result<Tokens, ProviderError> {
    let redirect_uri = redirect_uri(tenant);
    let fields = vec![
        ("grant_type", "authorization_code"),
        ("code", answer.code),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", answer.verifier.expose()),
    ];
    ask(party, endpoint, provider, fields).await
}

pub(super) async fn refresh(
    party: &RelyingParty,
    endpoint: &Endpoint,
    provider: &IdentityProvider,
    refresh_token: &Secret,
) -> Result<Tokens, ProviderError> {
    let fields = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose()),
    ];
    ask(party, endpoint, provider, fields).await
}

async fn ask(
    party: &RelyingParty,
    endpoint: &Endpoint,
    provider: &IdentityProvider,
    mut fields: Fields<'_>,
) -> Result<Tokens, ProviderError> {
    let metadata = endpoint.metadata(party, provider).await?;
    let headers = authenticate(&metadata, provider, &mut fields);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let url = metadata.token_endpoint.clone();
    let answer = party.http.post(url, headers, Bytes::from(body)).await;
    let unavailable = ProviderError::Unavailable("its token endpoint does not answer");
    let answer = answer.map_err(|_| unavailable)?;
    let (status, body) = (answer.status(), answer.body());
    if status.is_success() {
        let tokens: TokenResponse = serde_json::from_slice(body).map_err(|_| unavailable)?;
        return Ok(Tokens {
            access_token: tokens.access_token.map(Secret::new),
            id_token: tokens.id_token,
            refresh_token: tokens.refresh_token.map(Secret::new),
        });
    }
    // RFC 6749 §5.2: only the provider's word ends something; a proxy's 404 is none.
    match serde_json::from_slice::<ErrorResponse>(body) {
        Ok(said) if status.is_client_error() && said.error == "invalid_grant" => {
            Err(ProviderError::Refused)
        }
        Ok(_) | Err(_) => {
            tracing::warn!(provider.name = %provider.name, %status, "an identity provider refuses to answer");
            Err(unavailable)
        }
    }
}

/// RFC 6749 §2.3.1: in the header, form-encoded, unless the provider only takes it in the body. A
/// client without a secret just says who it is.
fn authenticate<'a>(
    metadata: &Metadata,
    provider: &'a IdentityProvider,
    fields: &mut Fields<'a>,
) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        ),
    ]);
    match &provider.client_secret {
        Some(secret) if !metadata.wants_secret_in_body => {
            let encode =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!(
                "{}:{}",
                encode(&provider.client_id),
                encode(secret.expose())
            );
            let value = format!("Basic {}", STANDARD.encode(pair));
            if let Ok(mut value) = HeaderValue::try_from(value) {
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
        Some(secret) => {
            fields.push(("client_id", &provider.client_id));
            fields.push(("client_secret", secret.expose()));
        }
        None => fields.push(("client_id", &provider.client_id)),
    }
    headers
}
