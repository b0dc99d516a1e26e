//! The authorization endpoint (OAuth 2.1 §4.1.1): GET /authorize. It grants nothing but where the
//! person's consent is remembered; of a pushed request, it changes for how long that lasts.

mod error;
mod pushed;
mod request;

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::HeaderMap;

pub(super) use error::{AuthorizeError, PageError, RedirectError};
pub(super) use pushed::{LIFETIME as PUSHED_LIFETIME, request_uri};
use request::Prompt;
pub(super) use request::{AuthorizationRequest, DPOP_JKT, MAX_QUERY};

use super::{Context, consent, login, login_session};
use crate::model::Tenant;
use crate::web;

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    authorize(&context, &tenant, query.as_deref(), &headers)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

async fn authorize(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, AuthorizeError> {
    let request = AuthorizationRequest::read(context, tenant, query).await?;
    let signed_in = login_session::find(context, tenant, headers).await?;
    request.begin(context, tenant).await?;
    let prompt = signed_in.as_ref().map_or(request.prompt, |signed_in| {
        request.prompt_after(signed_in.since)
    });
    match (prompt, signed_in) {
        // OpenID Connect Core §3.1.2.1: no page may be shown, and without one there's no consent.
        (Prompt::None, None) => Err(request.refuse(RedirectError::LoginRequired)),
        (Prompt::Login, _) | (Prompt::AsNeeded | Prompt::Consent, None) => {
            Ok(web::see_other(&login::address(tenant, &request)))
        }
        (Prompt::Consent, Some(signed_in)) => consent::ask(context, tenant, &request, &signed_in),
        (prompt @ (Prompt::AsNeeded | Prompt::None), Some(signed_in)) => {
            if consent::is_remembered(context, tenant, &request, (&signed_in, headers)).await? {
                request.end(context, tenant).await?;
                consent::issue_code(context, tenant, request, (&signed_in, false)).await
            } else if prompt == Prompt::None {
                Err(request.refuse(RedirectError::ConsentRequired))
            } else {
                consent::ask(context, tenant, &request, &signed_in)
            }
        }
    }
}
