//! Token revocation (RFC 7009): POST /revoke.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, HeaderValue};

use super::Context;
use super::presented_token::{self, PresentedToken, PresentedTokenError};
use crate::model::{Actor, Tenant};

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    match revoke(&context, &tenant, request).await {
        Ok(()) => ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], ()).into_response(),
        Err(error) => error.refuse(&tenant),
    }
}

/// RFC 7009 §2.2: a token that is unknown, or ended before, is no error: the client has what it
/// wanted. One of another client is left alone, and nothing is said of it.
async fn revoke(
    context: &Context,
    tenant: &Tenant,
    request: Request,
) -> Result<(), PresentedTokenError> {
    let (client, token) = presented_token::read(context, tenant, request).await?;
    let grant = match presented_token::identify(context, tenant, &client, &token).await? {
        // RFC 7009 §2.1: the grant ends with either of its tokens. An access token can't be ended
        // alone, and who hands one back has no use for the rest.
        Some(PresentedToken::Access(claims)) => claims.grant_id,
        Some(PresentedToken::Refresh(found)) => Some(found.1.id),
        None => None,
    };
    let Some(grant) = grant else {
        return Ok(());
    };
    let change = context.change(tenant, Actor::Client(client.id));
    if context.store.revoke_grant(&change, &grant).await? {
        tracing::info!(grant.id = %grant, "the client revoked its grant");
    }
    Ok(())
}
