//! A token that a client asks about or hands back (RFC 7009 §2.1, RFC 7662 §2.1).

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::client_authentication::{ClientAuthenticationError, authenticate};
use super::{Context, refusal};
use crate::jose::{AccessTokenClaims, JoseError};
use crate::model::{Client, Grant, RefreshToken, Secret, Tenant};
use crate::store::StoreError;
use crate::telemetry::origin;
use crate::web::{FormRejection, Parameters, RepeatedParameter, read_form};

/// What the client presented.
#[derive(Debug)]
pub(super) enum PresentedToken {
    /// An access token that is good by its signature, its issuer and its times.
    Access(Box<AccessTokenClaims>),
    /// A refresh token of this tenant, live or not.
    Refresh(Box<(RefreshToken, Grant)>),
}

/// Why a request about a token is refused. The text is its `error_description`.
#[derive(Debug, thiserror::Error)]
pub(super) enum PresentedTokenError {
    #[error(transparent)]
    Form(#[from] FormRejection),
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error("token is missing")]
    MissingToken,
    #[error(transparent)]
    Client(#[from] ClientAuthenticationError),
    #[error("a client without credentials may not ask about tokens")]
    PublicClient,
    #[error("the server can't answer right now")]
    Store(#[from] StoreError),
    #[error("the server can't answer right now")]
    Keys(#[from] JoseError),
}

/// Reads the request: which client, and which token. There is no need for `token_type_hint`: one
/// look tells the two kinds apart.
pub(super) async fn read(
    context: &Context,
    tenant: &Tenant,
    request: Request,
) -> Result<(Client, Secret), PresentedTokenError> {
    let headers = request.headers().clone();
    let parameters = read_form(request).await?;
    let client = authenticate(context, tenant, &headers, &parameters).await?;
    origin::note_client(&client.id);
    Ok((client, read_token(&parameters)?))
}

fn read_token(parameters: &Parameters) -> Result<Secret, PresentedTokenError> {
    let token = parameters.one("token")?;
    let token = token.ok_or(PresentedTokenError::MissingToken)?;
    Ok(Secret::new(token.to_owned()))
}

/// What `token` is; nothing where it is no token, or one of another tenant or another client.
pub(super) async fn identify(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    token: &Secret,
) -> Result<Option<PresentedToken>, PresentedTokenError> {
    // An access token is a JWS, and a refresh token has no dots.
    if token.expose().contains('.') {
        let claims = read_access_token(context, tenant, token)?;
        let own = claims.filter(|claims| claims.client_id == client.id);
        return Ok(own.map(Box::new).map(PresentedToken::Access));
    }
    let digest = token.digest();
    let found = context.store.find_refresh_token(&tenant.slug, &digest);
    let own = found
        .await?
        .filter(|(_, grant, _)| grant.client == client.id);
    Ok(own.map(|(token, grant, _)| PresentedToken::Refresh(Box::new((token, grant)))))
}

fn read_access_token(
    context: &Context,
    tenant: &Tenant,
    token: &Secret,
) -> Result<Option<AccessTokenClaims>, JoseError> {
    let ring = context.key_rings.get(&tenant.slug);
    let ring = ring.ok_or(JoseError::NoKey)?;
    let now = context.clock.now();
    let good = |claims: &AccessTokenClaims| {
        claims.iss == tenant.issuer() && claims.exp > now && claims.nbf.is_none_or(|nbf| nbf <= now)
    };
    Ok(ring.verify(token.expose()).ok().filter(good))
}

impl PresentedTokenError {
    /// Logs the error and answers with it.
    pub(super) fn refuse(self, tenant: &Tenant) -> Response {
        let (status, code) = self.wire();
        if status.is_server_error() {
            tracing::error!(error = code, reason = ?self, "a request about a token failed");
        } else {
            tracing::info!(error = code, reason = ?self, "a request about a token was refused");
        }
        let header = if let Self::Client(error) = &self {
            error.header(tenant)
        } else {
            None
        };
        refusal::answer((status, code), &self.to_string(), header)
    }

    const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Form(FormRejection::Body) => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
            Self::Form(FormRejection::MediaType | FormRejection::Malformed(_))
            | Self::Repeated(_)
            | Self::MissingToken => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Client(error) => error.wire(),
            Self::PublicClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::Store(_) | Self::Keys(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
        }
    }
}
