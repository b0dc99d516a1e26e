//! The access token and the answer that carries it (OAuth 2.1 §3.2.3, RFC 9068 §2.2).

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::TokenRequest;
use super::error::TokenError;
use crate::authorization_server::Context;
use crate::jose::{AccessTokenClaims, JoseError};
use crate::model::{Grant, GrantId, KeyThumbprint, ScopeSet, Secret, Tenant, new_identifier};
use crate::web;

/// An access token that is signed but not handed out yet.
#[derive(Debug)]
pub(super) struct IssuedToken {
    access_token: Secret,
    token_type: &'static str,
    expires_in: u64,
    scopes: ScopeSet,
}

#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scope: String,
}

/// Signs an access token of `grant`. It is done before a code or refresh token is spent, so that
/// a failure costs the client nothing.
pub(super) fn issue(
    context: &Context,
    tenant: &Tenant,
    (grant, scopes): (&Grant, ScopeSet),
    request: &TokenRequest,
) -> Result<IssuedToken, TokenError> {
    let grant_id = Some(grant.id.clone());
    sign((context, tenant), grant, (grant_id, scopes), request)
}

/// Signs an access token of a client for itself. `grant` is not stored, so the token names none
/// that one could look for.
pub(super) fn issue_unstored(
    context: &Context,
    tenant: &Tenant,
    grant: &Grant,
    request: &TokenRequest,
) -> Result<IssuedToken, TokenError> {
    let scopes = grant.scopes.clone();
    sign((context, tenant), grant, (None, scopes), request)
}

fn sign(
    (context, tenant): (&Context, &Tenant),
    grant: &Grant,
    (grant_id, scopes): (Option<GrantId>, ScopeSet),
    TokenRequest { client, key, .. }: &TokenRequest,
) -> Result<IssuedToken, TokenError> {
    let key = *key;
    let ring = context.key_rings.get(&tenant.slug);
    let ring = ring.ok_or(JoseError::NoKey)?;
    let now = context.clock.now();
    let lifetime = context.tokens.access_ttl;
    let access_token = ring.sign(&AccessTokenClaims {
        iss: tenant.issuer().to_owned(),
        sub: grant.user.clone(),
        aud: grant.resource.as_str().to_owned(),
        exp: now.after(lifetime),
        iat: now,
        nbf: None,
        jti: new_identifier(context.random.as_ref()),
        client_id: grant.client.clone(),
        scope: scopes.clone(),
        grant_id,
        key,
        refusals: client.refusals,
    })?;
    Ok(IssuedToken {
        access_token,
        token_type: token_type(key),
        expires_in: lifetime.as_secs(),
        scopes,
    })
}

/// How a token is used that is bound to this key, or to none (RFC 6750 §6.1.1, RFC 9449 §5).
pub(in crate::authorization_server) const fn token_type(
    key: Option<KeyThumbprint>,
) -> &'static str {
    if key.is_some() { "DPoP" } else { "Bearer" }
}

impl IssuedToken {
    /// The answer with this token and a refresh token beside it.
    pub(super) fn answer(&self, refresh_token: Option<&Secret>) -> Response {
        let body = TokenResponse {
            access_token: self.access_token.expose(),
            token_type: self.token_type,
            expires_in: self.expires_in,
            refresh_token: refresh_token.map(Secret::expose),
            scope: self.scopes.to_string(),
        };
        web::json(StatusCode::OK, &body)
    }
}
