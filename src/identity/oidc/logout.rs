//! Logout tokens (OpenID Connect Back-Channel Logout §2.4, §2.6).

use super::{CLOCK_DIFFERENCE, ProviderError, RelyingParty, id_token};
use crate::jose::{ProviderClaims, ProviderToken};
use crate::model::{IdentityProvider, SingleUse, Tenant, Timestamp};

/// What a provider says has ended. At least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// The issuer that says so.
    pub issuer: String,
    /// Whose sessions.
    pub subject: Option<String>,
    /// Which session.
    pub session: Option<String>,
    /// What makes the token count once.
    pub once: SingleUse,
}

/// Why a text is no logout token of a provider of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogout {
    /// Not a logout token.
    #[error("not a logout token: {0}")]
    Token(&'static str),
    /// Its provider can't be asked for its keys.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Older ones are no news: providers give them two minutes.
const MAX_AGE: std::time::Duration = std::time::Duration::from_mins(10);

impl RelyingParty {
    /// What a logout token says, if it holds.
    pub async fn read_logout(&self, tenant: &Tenant, text: &str) -> Result<Logout, InvalidLogout> {
        let token =
            ProviderToken::parse(text).map_err(|_| InvalidLogout::Token("it can't be read"))?;
        let provider = provider_of(tenant, token.claimed()).ok_or(InvalidLogout::Token(
            "no provider of the tenant is its issuer",
        ))?;
        check_kind(&token)?;
        let endpoint = self.endpoint(tenant, provider);
        id_token::check_signature(self, &endpoint, provider, &token).await?;
        id_token::check_party(provider, token.claimed())?;
        read(provider, token.claimed(), self.clock.now())
    }
}

/// The provider whose keys to ask for. Nothing is proven by that.
fn provider_of<'a>(tenant: &'a Tenant, claims: &ProviderClaims) -> Option<&'a IdentityProvider> {
    let is_its = |provider: &&IdentityProvider| {
        provider.is_issuer(&claims.iss) && claims.audience().contains(&provider.client_id)
    };
    tenant.sign_in.providers.iter().find(is_its)
}

fn check_kind(token: &ProviderToken<'_>) -> Result<(), InvalidLogout> {
    // §2.4: the type is recommended, and some providers still send the one of every JWT. What tells
    // it from an ID token is the event, and that there is no nonce.
    let known = ["logout+jwt", "application/logout+jwt", "JWT"];
    let typ = token.typ();
    if typ.is_some_and(|typ| !known.iter().any(|name| typ.eq_ignore_ascii_case(name))) {
        return Err(InvalidLogout::Token("it is of another type"));
    }
    let claims = token.claimed();
    let event = claims.events.as_ref().and_then(|events| events.get(EVENT));
    if !event.is_some_and(serde_json::Value::is_object) {
        return Err(InvalidLogout::Token("it tells of another event"));
    }
    if claims.nonce.is_some() {
        return Err(InvalidLogout::Token("it has a nonce"));
    }
    Ok(())
}

fn read(
    provider: &IdentityProvider,
    claims: &ProviderClaims,
    now: Timestamp,
) -> Result<Logout, InvalidLogout> {
    let (issued, expires) = (claims.issued_at(), claims.expires_at());
    if now.before(CLOCK_DIFFERENCE) >= expires
        || issued > now.after(CLOCK_DIFFERENCE)
        || now.since(issued) > MAX_AGE
    {
        return Err(InvalidLogout::Token("it is too old, or from the future"));
    }
    if claims.sub.is_none() && claims.sid.is_none() {
        return Err(InvalidLogout::Token(
            "it names neither a person nor a session",
        ));
    }
    let id = claims.jti.as_deref().filter(|id| !id.is_empty());
    let id = id.ok_or(InvalidLogout::Token("it has no identifier"))?;
    let forget = issued.after(MAX_AGE).after(CLOCK_DIFFERENCE);
    // Where another claim tells people apart, `sub` is none of our keys.
    let subject = claims
        .sub
        .clone()
        .filter(|_| provider.subject_claim == "sub");
    Ok(Logout {
        issuer: claims.iss.clone(),
        subject,
        session: claims.sid.clone(),
        once: SingleUse::new("logout token", &claims.iss, id, forget),
    })
}
