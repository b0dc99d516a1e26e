//! Whether an ID token holds (OpenID Connect Core §3.1.3.7).

use super::discovery::Endpoint;
use super::token_request::Tokens;
use super::{Answer, CLOCK_DIFFERENCE, ProviderError, RelyingParty};
use crate::jose::{InvalidProviderToken, ProviderClaims, ProviderToken};
use crate::model::{IdentityProvider, Secret, TENANT_PLACEHOLDER, Timestamp};

/// Checks all that holds for any ID token of `provider`.
pub(super) async fn verify<'text>(
    party: &RelyingParty,
    endpoint: &Endpoint,
    provider: &IdentityProvider,
    text: &'text str,
) -> Result<ProviderToken<'text>, ProviderError> {
    let token = ProviderToken::parse(text)
        .map_err(|_| ProviderError::Invalid("the ID token can't be read"))?;
    // RFC 8725 §3.11: neither an access token nor a logout token passes as one.
    if token
        .typ()
        .is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"))
        || token.claimed().events.is_some()
    {
        return Err(ProviderError::Invalid("the token is no ID token"));
    }
    check_signature(party, endpoint, provider, &token).await?;
    check_claims(provider, token.claimed(), party.clock.now())?;
    Ok(token)
}

/// With the keys that are known, and once more with newer ones where none fits.
pub(super) async fn check_signature(
    party: &RelyingParty,
    endpoint: &Endpoint,
    provider: &IdentityProvider,
    token: &ProviderToken<'_>,
) -> Result<(), ProviderError> {
    let keys = endpoint.keys(party, provider, None).await?;
    let mut verified = token.verify(&keys, &provider.algorithms);
    if verified == Err(InvalidProviderToken::UnknownKey) {
        let newer = endpoint.keys(party, provider, Some(&keys)).await?;
        verified = token.verify(&newer, &provider.algorithms);
    }
    verified.map_err(|error| {
        ProviderError::Invalid(match error {
            InvalidProviderToken::Algorithm => "the token is signed with another algorithm",
            InvalidProviderToken::UnknownKey => "the token is signed with an unknown key",
            InvalidProviderToken::Malformed
            | InvalidProviderToken::Header
            | InvalidProviderToken::Claims
            | InvalidProviderToken::Signature => "the signature of the token does not verify",
        })
    })
}

fn check_claims(
    provider: &IdentityProvider,
    claims: &ProviderClaims,
    now: Timestamp,
) -> Result<(), ProviderError> {
    check_party(provider, claims)?;
    if now.before(CLOCK_DIFFERENCE) >= claims.expires_at() {
        return Err(ProviderError::Invalid("the token has expired"));
    }
    if claims.issued_at() > now.after(CLOCK_DIFFERENCE) {
        return Err(ProviderError::Invalid("the token is from the future"));
    }
    Ok(())
}

/// Who says it, and to whom.
pub(super) fn check_party(
    provider: &IdentityProvider,
    claims: &ProviderClaims,
) -> Result<(), ProviderError> {
    // An Entra tenant speaks for itself only.
    let of_tenant = !provider.issuer.contains(TENANT_PLACEHOLDER)
        || claims
            .tid
            .as_deref()
            .is_some_and(|tenant| provider.issuer_of_tenant(tenant) == claims.iss);
    if !provider.is_issuer(&claims.iss) || !of_tenant {
        return Err(ProviderError::Invalid("the token is of another issuer"));
    }
    let audience = claims.audience();
    if !audience.contains(&provider.client_id) {
        return Err(ProviderError::Invalid("the token is for someone else"));
    }
    // OpenID Connect Core §3.1.3.7, 4 and 5: who asked for it must be us.
    let asked_by_us = claims.azp.as_ref() == Some(&provider.client_id);
    let is_ours = asked_by_us || (claims.azp.is_none() && audience.len() == 1);
    if !is_ours {
        return Err(ProviderError::Invalid(
            "the token was made for someone else",
        ));
    }
    Ok(())
}

/// Checks what holds for the ID token of a sign-in.
pub(super) fn check_answer(
    token: &ProviderToken<'_>,
    answer: &Answer<'_>,
    tokens: &Tokens,
) -> Result<(), ProviderError> {
    let claims = token.claimed();
    let nonce = claims.nonce.clone().map(Secret::new);
    if !nonce.is_some_and(|nonce| nonce.matches(answer.nonce)) {
        return Err(ProviderError::Invalid("the token is of another sign-in"));
    }
    let matches = |claimed: &Option<String>, text: &str| {
        claimed
            .as_ref()
            .is_none_or(|claimed| *claimed == token.half_digest(text))
    };
    if !matches(&claims.c_hash, answer.code) {
        return Err(ProviderError::Invalid("the token is for another code"));
    }
    check_hash(token, tokens)?;
    let since = answer.since.map(|since| since.before(CLOCK_DIFFERENCE));
    if since.is_some_and(|since| claims.authenticated_at().is_none_or(|at| at < since)) {
        return Err(ProviderError::Invalid("the person was not asked again"));
    }
    Ok(())
}

/// OpenID Connect Core §3.1.3.8: the access token beside it is the one that it speaks of.
pub(super) fn check_hash(token: &ProviderToken<'_>, tokens: &Tokens) -> Result<(), ProviderError> {
    let Some(claimed) = &token.claimed().at_hash else {
        return Ok(());
    };
    let access_token = tokens.access_token.as_ref();
    if access_token.is_some_and(|text| *claimed == token.half_digest(text.expose())) {
        Ok(())
    } else {
        Err(ProviderError::Invalid(
            "the token is for another access token",
        ))
    }
}
