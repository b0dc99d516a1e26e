//! Word from an identity provider that someone signed out there (OpenID Connect Back-Channel Logout
//! §2.5 to §2.8): POST /login/backchannel-logout.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::authorization_server::{Context, refusal};
use crate::identity::oidc::{InvalidLogout, ProviderError};
use crate::model::{Actor, OnLogout, Tenant};
use crate::store::{EndedElsewhere, StoreError};
use crate::web::{FormRejection, RepeatedParameter, read_form};

/// Why nothing ends.
#[derive(Debug, thiserror::Error)]
enum BackchannelError {
    #[error(transparent)]
    Form(#[from] FormRejection),
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error("logout_token is missing")]
    Missing,
    #[error("the logout token is refused")]
    Invalid(#[from] InvalidLogout),
    #[error("the logout token was used before")]
    Replayed,
    #[error("the server can't answer right now")]
    Store(#[from] StoreError),
}

pub(in crate::authorization_server) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    match receive(&context, &tenant, request).await {
        Ok(()) => no_store(StatusCode::OK.into_response()),
        Err(error) => no_store(error.refuse()),
    }
}

async fn receive(
    context: &Context,
    tenant: &Tenant,
    request: Request,
) -> Result<(), BackchannelError> {
    let fields = read_form(request).await?;
    let token = fields
        .one("logout_token")?
        .ok_or(BackchannelError::Missing)?;
    let logout = context.federated.party.read_logout(tenant, token).await?;
    if !context.store.spend(&tenant.slug, &logout.once).await? {
        return Err(BackchannelError::Replayed);
    }
    let ended = EndedElsewhere {
        issuer: &logout.issuer,
        subject: logout.subject.as_deref(),
        session: logout.session.as_deref(),
        grants: tenant.sign_in.on_logout == OnLogout::Grants,
    };
    let change = context.change(tenant, Actor::System);
    let ended = context.store.end_provider_sessions(&change, &ended);
    let ended = ended.await?;
    tracing::info!(
        sessions = ended.sessions,
        grants = ended.grants,
        "someone signed out at their identity provider"
    );
    Ok(())
}

impl BackchannelError {
    fn refuse(self) -> Response {
        let (status, code) = match &self {
            Self::Store(_)
            | Self::Invalid(InvalidLogout::Provider(
                ProviderError::Unavailable(_) | ProviderError::Untrusted(_),
            )) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
            // §2.8: a token that is refused is a bad request.
            Self::Form(_)
            | Self::Repeated(_)
            | Self::Missing
            | Self::Invalid(_)
            | Self::Replayed => (StatusCode::BAD_REQUEST, "invalid_request"),
        };
        tracing::info!(reason = ?self, "a logout token is refused");
        refusal::answer((status, code), &self.to_string(), None)
    }
}

/// §2.8: the answer is never a stored one.
fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
