//! Access tokens of an external authorization server (RFC 9068 §4, RFC 8725), as its tenant has them.

use std::time::Duration;

use super::access_token::InvalidAccessToken;
use crate::jose::{InvalidIssuerToken, IssuerClaims, IssuerToken, JwkSet};
use crate::model::{
    ClientId, ExternalAuthorization, ExternalTokenType, Principal, ScopeCatalogue, ScopeSet,
    Tenant, Timestamp, UserId,
};

/// The longest name of a person or a client that is taken.
const MAX_NAME: usize = 512;

/// Claims that only tokens for other purposes have: ID tokens (OpenID Connect Core §2) and logout
/// tokens (Back-Channel Logout §2.4).
const OTHER_PURPOSES: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// Where a token may say which client it was issued to: RFC 9068 §2.2, OpenID Connect, Entra v1.
const CLIENT_CLAIMS: [&str; 3] = ["client_id", "azp", "appid"];

/// What is looked at beside the token itself.
pub(super) struct Circumstances<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) catalogue: &'a ScopeCatalogue,
    pub(super) keys: Option<&'a JwkSet>,
    pub(super) now: Timestamp,
    pub(super) leeway: Duration,
}

/// The principal that `text` speaks for. Whatever can be refused without a key is: nobody has keys
/// fetched with a token that would be refused anyway.
pub(super) fn verify(
    external: &ExternalAuthorization,
    circumstances: &Circumstances<'_>,
    text: &str,
) -> Result<Principal, InvalidAccessToken> {
    let token = IssuerToken::parse(text)?;
    check_type(external, &token)?;
    check_claims(external, circumstances, token.claimed())?;
    let keys = circumstances.keys.ok_or(InvalidAccessToken::NoKeys)?;
    let claims = token.verify(keys)?;
    principal(external, circumstances, claims)
}

fn check_type(
    external: &ExternalAuthorization,
    token: &IssuerToken<'_>,
) -> Result<(), InvalidAccessToken> {
    let claims = token.claimed();
    let good = match external.token_type {
        ExternalTokenType::AccessToken => token.is_type("at+jwt"),
        // RFC 8725 §3.12: where types don't tell tokens apart, their claims must.
        ExternalTokenType::Jwt => {
            (token.is_untyped() || token.is_type("JWT") || token.is_type("at+jwt"))
                && !OTHER_PURPOSES.iter().any(|claim| claims.has(claim))
        }
    };
    let required = external.claims.iter();
    let mut required = required.map(|(name, value)| claims.text(name) == Some(value.as_str()));
    if good && required.all(|holds| holds) {
        Ok(())
    } else {
        Err(InvalidAccessToken::Type)
    }
}

fn check_claims(
    external: &ExternalAuthorization,
    circumstances: &Circumstances<'_>,
    claims: &IssuerClaims,
) -> Result<(), InvalidAccessToken> {
    // RFC 9068 §4: iss and aud, compared without any normalisation.
    if claims.text("iss") != Some(external.keys.issuer.as_str()) {
        return Err(InvalidAccessToken::Issuer);
    }
    let audience = claims.audience()?;
    if let Some(expected) = &external.audience
        && !audience.contains(&expected.as_str())
    {
        return Err(InvalidAccessToken::Audience);
    }
    let client = client(claims);
    if !external.clients.is_empty()
        && !external
            .clients
            .iter()
            .any(|known| client == Some(known.as_str()))
    {
        return Err(InvalidAccessToken::Client);
    }
    let Circumstances { now, leeway, .. } = *circumstances;
    let expires_at = claims.time("exp")?.ok_or(InvalidAccessToken::Claims)?;
    if expires_at.after(leeway) <= now {
        return Err(InvalidAccessToken::Expired);
    }
    let latest = now.after(leeway);
    let begins = [claims.time("nbf")?, claims.time("iat")?];
    if begins.into_iter().flatten().any(|begin| begin > latest) {
        return Err(InvalidAccessToken::NotYetValid);
    }
    Ok(())
}

fn principal(
    external: &ExternalAuthorization,
    circumstances: &Circumstances<'_>,
    claims: &IssuerClaims,
) -> Result<Principal, InvalidAccessToken> {
    let tenant = circumstances.tenant;
    let short = |name: &&str| name.len() <= MAX_NAME;
    let subject = claims.text(&external.subject_claim).filter(short);
    let subject = subject.ok_or(InvalidAccessToken::Claims)?;
    let client = client(claims)
        .filter(short)
        .ok_or(InvalidAccessToken::Claims)?;
    let expires_at = claims.time("exp")?.ok_or(InvalidAccessToken::Claims)?;
    let scopes = scopes(external, tenant, circumstances.catalogue, claims);
    Ok(Principal {
        tenant: tenant.slug.clone(),
        // A subject is one of its issuer's (OpenID Connect Core §2). No issuer has a fragment, so
        // the two can't be taken apart in two ways.
        user: UserId::new(format!("{}#{subject}", external.keys.issuer)),
        refusals: tenant.refusals.of(client),
        client: ClientId::new(client),
        grant: None,
        key: claims.key()?,
        scopes,
        issued_at: claims.time("iat")?.unwrap_or(circumstances.now),
        expires_at,
    })
}

fn client(claims: &IssuerClaims) -> Option<&str> {
    CLIENT_CLAIMS.iter().find_map(|claim| claims.text(claim))
}

/// What the token's scopes and roles are here. Where both are looked at, both must allow it; what
/// nobody mapped is nothing.
fn scopes(
    external: &ExternalAuthorization,
    tenant: &Tenant,
    catalogue: &ScopeCatalogue,
    claims: &IssuerClaims,
) -> ScopeSet {
    let by_roles = external.roles_claim.as_ref().map(|path| {
        let values = claims.values(path).unwrap_or_default().into_iter();
        let roles = values.filter_map(|value| external.roles.get(value));
        catalogue.expand(&tenant.scopes_of_roles(roles))
    });
    let looks_at_scopes =
        by_roles.is_none() || !external.scopes.is_empty() || external.scopes_claim.is_some();
    let by_scopes = looks_at_scopes.then(|| catalogue.expand(&mapped(external, catalogue, claims)));
    match (by_scopes, by_roles) {
        (Some(scopes), Some(roles)) => scopes.intersection(&roles),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => ScopeSet::default(),
    }
}

fn mapped(
    external: &ExternalAuthorization,
    catalogue: &ScopeCatalogue,
    claims: &IssuerClaims,
) -> ScopeSet {
    let values = match &external.scopes_claim {
        Some(path) => claims.values(path),
        None => claims.values("scope").or_else(|| claims.values("scp")),
    };
    let values = values.unwrap_or_default();
    if external.scopes.is_empty() {
        let named: ScopeSet = values
            .into_iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        return named.intersection(&catalogue.all());
    }
    let ours = values
        .into_iter()
        .filter_map(|name| external.scopes.get(name));
    ours.fold(ScopeSet::default(), |all, ours| all.union(ours))
}

impl From<InvalidIssuerToken> for InvalidAccessToken {
    fn from(error: InvalidIssuerToken) -> Self {
        match error {
            InvalidIssuerToken::UnknownKey => Self::UnknownKey,
            InvalidIssuerToken::Claims => Self::Claims,
            InvalidIssuerToken::Malformed
            | InvalidIssuerToken::Header
            | InvalidIssuerToken::Algorithm
            | InvalidIssuerToken::Signature => Self::Signature,
        }
    }
}
