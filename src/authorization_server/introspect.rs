//! Token introspection (RFC 7662): POST /introspect.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::Context;
use super::presented_token::{self, PresentedToken, PresentedTokenError};
use super::token::token_type;
use crate::jose::AccessTokenClaims;
use crate::model::{
    Client, Grant, GrantId, KeyThumbprint, RefreshToken, Secret, Tenant, TokenEndpointAuthMethod,
};
use crate::web;

/// The answer of RFC 7662 §2.2. Of a token that isn't active it says nothing more.
#[derive(Debug, Default, Serialize)]
struct Introspection {
    active: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    token: Option<Description>,
}

/// What is said of an active token.
#[derive(Debug, Serialize)]
struct Description {
    scope: String,
    client_id: String,
    sub: String,
    iss: String,
    aud: String,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// A refresh token has none: it is of no use at a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// RFC 9449 §6.2
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// The key that the token is bound to.
#[derive(Debug, Serialize)]
struct Confirmation {
    jkt: String,
}

impl Confirmation {
    fn of(key: Option<KeyThumbprint>) -> Option<Self> {
        let jkt = key?.to_string();
        Some(Self { jkt })
    }
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    match introspect(&context, &tenant, request).await {
        Ok(answer) => web::json(StatusCode::OK, &answer),
        Err(error) => error.refuse(&tenant),
    }
}

async fn introspect(
    context: &Context,
    tenant: &Tenant,
    request: Request,
) -> Result<Introspection, PresentedTokenError> {
    let (client, token) = presented_token::read(context, tenant, request).await?;
    // RFC 7662 §2.1: whoever asks must be authenticated, or tokens could be tried out here.
    if client.auth_method == TokenEndpointAuthMethod::None {
        return Err(PresentedTokenError::PublicClient);
    }
    let token = describe(context, tenant, &client, &token).await?;
    Ok(Introspection {
        active: token.is_some(),
        token,
    })
}

/// RFC 7662 §2.2: what there is to say of a token of this client that is good at this moment.
async fn describe(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    token: &Secret,
) -> Result<Option<Description>, PresentedTokenError> {
    match presented_token::identify(context, tenant, client, token).await? {
        Some(PresentedToken::Access(claims)) => {
            let live = is_live(context, tenant, claims.grant_id.as_ref()).await?;
            Ok(live.then(|| Description::of_access_token(&claims)))
        }
        Some(PresentedToken::Refresh(_)) => {
            let now = context.clock.now();
            let digest = token.digest();
            let found = context
                .store
                .find_live_refresh_token(&tenant.slug, &digest, now);
            let Some((token, grant)) = found.await? else {
                return Ok(None);
            };
            let live = is_live(context, tenant, Some(&grant.id)).await?;
            Ok(live.then(|| Description::of_refresh_token(tenant, &token, &grant)))
        }
        None => Ok(None),
    }
}

/// True while neither the grant was revoked nor the account disabled. Without a grant there is
/// nobody who could have taken it back.
async fn is_live(
    context: &Context,
    tenant: &Tenant,
    grant: Option<&GrantId>,
) -> Result<bool, PresentedTokenError> {
    let Some(grant) = grant else {
        return Ok(true);
    };
    let grant = context.store.find_grant(&tenant.slug, grant).await?;
    let Some(grant) = grant.filter(|grant| grant.revoked_at.is_none()) else {
        return Ok(false);
    };
    let user = context.store.find_user(&tenant.slug, &grant.user).await?;
    Ok(user.is_some_and(|user| !user.disabled))
}

impl Description {
    fn of_access_token(claims: &AccessTokenClaims) -> Self {
        Self {
            scope: claims.scope.to_string(),
            client_id: claims.client_id.as_str().to_owned(),
            sub: claims.sub.as_str().to_owned(),
            iss: claims.iss.clone(),
            aud: claims.aud.clone(),
            exp: claims.exp.seconds(),
            iat: Some(claims.iat.seconds()),
            jti: Some(claims.jti.clone()),
            token_type: Some(token_type(claims.key)),
            cnf: Confirmation::of(claims.key),
        }
    }

    fn of_refresh_token(tenant: &Tenant, token: &RefreshToken, grant: &Grant) -> Self {
        Self {
            scope: grant.scopes.to_string(),
            client_id: grant.client.as_str().to_owned(),
            sub: grant.user.as_str().to_owned(),
            iss: tenant.issuer().to_owned(),
            aud: grant.resource.as_str().to_owned(),
            exp: token.expires_at.seconds(),
            iat: None,
            jti: None,
            token_type: None,
            cnf: Confirmation::of(token.key),
        }
    }
}
