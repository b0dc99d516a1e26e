//! Client authentication (OAuth 2.1 §2.4, RFC 6749 §2.3, RFC 7523 §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::form_urlencoded;

use super::client_assertion::{self, ASSERTION_TYPE, AssertionRefusal};
use super::clients::{self, DocumentError, FindClientError};
use super::{Context, refusal};
use crate::jose::ClientAssertion;
use crate::model::{Client, ClientId, Rule, Secret, Subject, Tenant, TokenEndpointAuthMethod};
use crate::rate_limits::Limited;
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
    Limited(#[from] Limited),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a client presents.
struct Credentials<'request> {
    id: ClientId,
    proof: Proof<'request>,
    basic: bool,
}

/// What it proves its identity with.
enum Proof<'request> {
    Nothing,
    Secret(Secret),
    Assertion(Box<ClientAssertion<'request>>),
}

impl ClientAuthenticationError {
    /// The status and the code of RFC 6749 §5.2, the same at each endpoint.
    pub(super) const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Repeated(_) | Self::SeveralMethods => {
                (StatusCode::BAD_REQUEST, "invalid_request")
            }
            Self::Refused { .. } => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::Limited(_) => refusal::TOO_MANY_REQUESTS,
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        }
    }

    /// The header that belongs to the answer. RFC 6749 §5.2: a client that used HTTP Basic is
    /// answered in kind.
    pub(super) fn header(&self, tenant: &Tenant) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Refused { basic: true } => {
                let realm = format!("Basic realm=\"{}\"", tenant.issuer());
                Some((WWW_AUTHENTICATE, HeaderValue::try_from(realm).ok()?))
            }
            Self::Limited(limited) => Some(refusal::retry_after(limited)),
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
    let Credentials { id, proof, basic } = read_credentials(headers, parameters)?;
    let refused = ClientAuthenticationError::Refused { basic };
    let client = match clients::find(context, tenant, &id).await {
        Ok(client) => client,
        Err(
            FindClientError::Store(error) | FindClientError::Document(DocumentError::Store(error)),
        ) => {
            return Err(error.into());
        }
        Err(reason) => {
            tracing::info!(client.id = %id, %reason, "no client of that identifier");
            return Err(refused);
        }
    };
    // Either way of presenting the secret will do, whichever was registered: that costs nothing,
    // and clients in the field mix them up. Public clients have no secret to present. A client
    // that signs has to, and no other one may: its keys would prove nothing that was agreed on.
    let method = client.auth_method;
    let signs = method == TokenEndpointAuthMethod::PrivateKeyJwt;
    match (&client.secret, &proof) {
        (_, Proof::Assertion(assertion)) if signs => {
            check_assertion(context, tenant, &client, assertion).await?;
        }
        // Anyone can name a public client: to count that would let anyone use up its limit.
        (None, Proof::Nothing) if method == TokenEndpointAuthMethod::None => return Ok(client),
        (Some(stored), Proof::Secret(presented)) if stored.matches(&presented.digest()) => {}
        _ => return Err(refused),
    }
    let subject = Subject::Client(client.id.as_str());
    let admitted = context.limiter.admit(tenant, Rule::PerClient, subject);
    admitted.await?;
    Ok(client)
}

async fn check_assertion(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    assertion: &ClientAssertion<'_>,
) -> Result<(), ClientAuthenticationError> {
    match client_assertion::check(context, tenant, client, assertion).await {
        Ok(()) => Ok(()),
        Err(AssertionRefusal::Store(error)) => Err(error.into()),
        Err(reason) => {
            tracing::info!(client.id = %client.id, %reason, "a client's assertion was refused");
            Err(ClientAuthenticationError::Refused { basic: false })
        }
    }
}

fn read_credentials<'request>(
    headers: &HeaderMap,
    parameters: &'request Parameters,
) -> Result<Credentials<'request>, ClientAuthenticationError> {
    let id = parameters.one("client_id")?.map(ClientId::new);
    let secret = parameters.one("client_secret")?;
    let assertion = read_assertion(parameters)?;
    let in_form = secret.is_some() || assertion.is_some();
    if let Some(basic) = read_basic(headers)? {
        // RFC 6749 §2.3: not more than one method in a request.
        let other_id = id.is_some_and(|id| id != basic.id);
        if in_form || other_id {
            return Err(ClientAuthenticationError::SeveralMethods);
        }
        return Ok(basic);
    }
    let refused = ClientAuthenticationError::Refused { basic: false };
    if let Some(assertion) = assertion {
        if secret.is_some() {
            return Err(ClientAuthenticationError::SeveralMethods);
        }
        let claimed = assertion.claimed_client().clone();
        // RFC 7521 §4.2: client_id may be left out, and names the same client where it is not.
        if id.is_some_and(|id| id != claimed) {
            return Err(refused);
        }
        return Ok(Credentials {
            id: claimed,
            proof: Proof::Assertion(Box::new(assertion)),
            basic: false,
        });
    }
    Ok(Credentials {
        id: id.ok_or(refused)?,
        proof: secret.map_or(Proof::Nothing, |secret| {
            Proof::Secret(Secret::new(secret.to_owned()))
        }),
        basic: false,
    })
}

/// RFC 7521 §4.2: an assertion and its type come together.
fn read_assertion(
    parameters: &Parameters,
) -> Result<Option<ClientAssertion<'_>>, ClientAuthenticationError> {
    let kind = parameters.one("client_assertion_type")?;
    let text = parameters.one("client_assertion")?;
    let refused = ClientAuthenticationError::Refused { basic: false };
    match (kind, text) {
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(text)) => match ClientAssertion::parse(text) {
            Ok(assertion) => Ok(Some(assertion)),
            Err(reason) => {
                tracing::info!(%reason, "no assertion of a client");
                Err(refused)
            }
        },
        _ => Err(refused),
    }
}

/// Reads HTTP Basic. Other schemes are no client authentication, and some clients send the
/// `Authorization` header of their MCP requests everywhere.
fn read_basic(
    headers: &HeaderMap,
) -> Result<Option<Credentials<'static>>, ClientAuthenticationError> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some((scheme, encoded)) = value.and_then(|value| value.split_once(' ')) else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| {
            let (id, secret) = pair.split_once(':')?;
            let secret = form_decode(secret)?;
            Some(Credentials {
                id: ClientId::new(form_decode(id)?),
                proof: if secret.is_empty() {
                    Proof::Nothing
                } else {
                    Proof::Secret(Secret::new(secret))
                },
                basic: true,
            })
        })
        .ok_or(ClientAuthenticationError::Refused { basic: true })
        .map(Some)
}

/// RFC 6749 §2.3.1: both parts are form-encoded. Clients that leave that out are understood as
/// well: our identifiers and secrets hold nothing that it would change.
fn form_decode(part: &str) -> Option<String> {
    if part.contains(['&', '=']) {
        return None;
    }
    let mut pairs = form_urlencoded::parse(part.as_bytes());
    let decoded = pairs.next().map(|(text, _)| text.into_owned());
    Some(decoded.unwrap_or_default())
}
