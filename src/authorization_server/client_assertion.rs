//! Client authentication by a signed assertion, `private_key_jwt` (RFC 7523 §2.2, §3).

use std::time::Duration;

use super::Context;
use super::clients::{self, DocumentError, Freshness};
use crate::jose::{ClientAssertion, ClientAssertionClaims, InvalidAssertion};
use crate::model::{Client, ClientKeys, SingleUse, Tenant};
use crate::store::StoreError;

/// RFC 7523 §2.2.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why an assertion does not authenticate its client.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssertionRefusal {
    #[error(transparent)]
    Invalid(#[from] InvalidAssertion),
    #[error("the client has no keys")]
    NoKeys,
    #[error("the client's keys: {0}")]
    Keys(DocumentError),
    #[error("iss and sub are not both the client_id")]
    Client,
    #[error("aud is neither the issuer nor the token endpoint")]
    Audience,
    #[error("it has expired, or not begun, or is good for more than ten minutes")]
    Time,
    #[error("jti is empty or longer than 256 bytes")]
    Identifier,
    #[error("it was used before")]
    Replayed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far the clocks of clients may be off.
const LEEWAY: Duration = Duration::from_secs(30);
const MAX_LIFETIME: Duration = Duration::from_mins(10);
const MAX_IDENTIFIER: usize = 256;

/// Checks that `assertion` is of `client`, is for this server, and comes for the first time.
pub(super) async fn check(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    assertion: &ClientAssertion<'_>,
) -> Result<(), AssertionRefusal> {
    let claims = verify(context, tenant, client, assertion).await?;
    check_claims(context, tenant, client, claims)?;
    // RFC 7523 §3: used once. Spent last, so that a forgery spends nothing.
    let end = claims.exp.after(LEEWAY).after(Duration::from_secs(1));
    let jti = SingleUse::new("client_assertion", client.id.as_str(), &claims.jti, end);
    if context.store.spend(&tenant.slug, &jti).await? {
        Ok(())
    } else {
        Err(AssertionRefusal::Replayed)
    }
}

async fn verify<'a>(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    assertion: &'a ClientAssertion<'_>,
) -> Result<&'a ClientAssertionClaims, AssertionRefusal> {
    let keys = load(context, tenant, client, Freshness::AsTheySay).await?;
    match assertion.verify(&keys) {
        // A new key that we have not seen yet; how often that is looked for has a limit.
        Err(InvalidAssertion::UnknownKey) if matches!(client.keys, Some(ClientKeys::Uri(_))) => {
            let keys = load(context, tenant, client, Freshness::Latest).await?;
            Ok(assertion.verify(&keys)?)
        }
        outcome => Ok(outcome?),
    }
}

async fn load(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    freshness: Freshness,
) -> Result<crate::jose::JwkSet, AssertionRefusal> {
    match clients::load_keys(context, tenant, client, freshness).await {
        Ok(keys) => keys.ok_or(AssertionRefusal::NoKeys),
        Err(DocumentError::Store(error)) => Err(error.into()),
        Err(error) => Err(AssertionRefusal::Keys(error)),
    }
}

/// RFC 7523 §3, points 1 to 7.
fn check_claims(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    claims: &ClientAssertionClaims,
) -> Result<(), AssertionRefusal> {
    if claims.iss != client.id.as_str() || claims.sub != client.id {
        return Err(AssertionRefusal::Client);
    }
    let ours = [tenant.issuer().to_owned(), tenant.public_url.join("/token")];
    if !claims.aud.iter().any(|aud| ours.contains(aud)) {
        return Err(AssertionRefusal::Audience);
    }
    let now = context.clock.now();
    let soon = now.after(LEEWAY);
    let begun = [claims.nbf, claims.iat]
        .into_iter()
        .flatten()
        .all(|time| time <= soon);
    let latest = soon.after(MAX_LIFETIME);
    if claims.exp.after(LEEWAY) <= now || claims.exp > latest || !begun {
        return Err(AssertionRefusal::Time);
    }
    if claims.jti.is_empty() || claims.jti.len() > MAX_IDENTIFIER {
        return Err(AssertionRefusal::Identifier);
    }
    Ok(())
}
