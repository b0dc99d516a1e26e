//! Client authentication (OAuth 2.1 §2.4, RFC 6749 §2.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Context;
use crate::model::{Client, ClientId, Secret, Tenant};
use crate::store::StoreError;
use crate::web::{Parameters, RepeatedParameter};

/// Why the client is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientAuthenticationError {
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error("the client authenticates in more than one way")]
    SeveralMethods,
    #[error("the client is unknown or its credentials are wrong")]
    Refused {
        /// True when the client used HTTP Basic, which the answer must then ask for.
        basic: bool,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a client presents.
struct Credentials {
    id: ClientId,
    secret: Option<Secret>,
    basic: bool,
}

impl ClientAuthenticationError {
    /// The status and the code of RFC 6749 §5.2, the same at each endpoint.
    pub(super) const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Repeated(_) | Self::SeveralMethods => {
                (StatusCode::BAD_REQUEST, "invalid_request")
            }
            Self::Refused { .. } => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        }
    }

    /// RFC 6749 §5.2: a client that used HTTP Basic is answered in kind.
    pub(super) fn challenge(&self, tenant: &Tenant) -> Option<HeaderValue> {
        match self {
            Self::Refused { basic: true } => {
                HeaderValue::try_from(format!("Basic realm=\"{}\"", tenant.issuer())).ok()
            }
            Self::Refused { basic: false }
            | Self::Repeated(_)
            | Self::SeveralMethods
            | Self::Store(_) => None,
        }
    }
}

/// The client that sent a request.
pub(super) async fn authenticate(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Client, ClientAuthenticationError> {
    let credentials = read_credentials(headers, parameters)?;
    let Credentials { id, secret, basic } = credentials;
    let client = context.store.find_client(&tenant.slug, &id).await?;
    let refused = ClientAuthenticationError::Refused { basic };
    let client = client.ok_or(ClientAuthenticationError::Refused { basic })?;
    // Either way of presenting the secret will do, whichever was registered: that costs nothing,
    // and clients in the field mix them up. Public clients have no secret to present.
    match (&client.secret, &secret) {
        (None, None) => Ok(client),
        (Some(stored), Some(presented)) if stored.matches(&presented.digest()) => Ok(client),
        _ => Err(refused),
    }
}

fn read_credentials(
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Credentials, ClientAuthenticationError> {
    let id = parameters.one("client_id")?.map(ClientId::new);
    let secret = parameters.one("client_secret")?;
    if let Some(basic) = read_basic(headers)? {
        // RFC 6749 §2.3: not more than one method in a request.
        let other_id = id.is_some_and(|id| id != basic.id);
        if secret.is_some() || other_id {
            return Err(ClientAuthenticationError::SeveralMethods);
        }
        return Ok(basic);
    }
    Ok(Credentials {
        id: id.ok_or(ClientAuthenticationError::Refused { basic: false })?,
        secret: secret.map(|secret| Secret::new(secret.to_owned())),
        basic: false,
    })
}

/// Reads HTTP Basic. Other schemes are no client authentication, and some clients send the
/// `Authorization` header of their MCP requests everywhere.
fn read_basic(headers: &HeaderMap) -> Result<Option<Credentials>, ClientAuthenticationError> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some((scheme, encoded)) = value.and_then(|value| value.split_once(' ')) else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    // RFC 6749 §2.3.1 has both parts form-encoded: our identifiers and secrets are made of
    // characters that this leaves alone.
    STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| {
            let (id, secret) = pair.split_once(':')?;
            Some(Credentials {
                id: ClientId::new(id),
                secret: (!secret.is_empty()).then(|| Secret::new(secret.to_owned())),
                basic: true,
            })
        })
        .ok_or(ClientAuthenticationError::Refused { basic: true })
        .map(Some)
}
