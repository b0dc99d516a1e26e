//! Who a provider says that a person is, and which groups they are in.

use std::collections::BTreeSet;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::discovery::Endpoint;
use super::token_request::Tokens;
use super::{ProviderError, RelyingParty};
use crate::jose::ProviderClaims;
use crate::model::{IdentityProvider, Secret};

/// A person, as a provider describes them.
#[derive(Clone, Debug)]
pub struct Person {
    /// The issuer that knows them.
    pub issuer: String,
    /// Who they are to it.
    pub subject: String,
    /// Their groups; none where the provider does not say.
    pub groups: Option<BTreeSet<String>>,
    /// An address, if the provider has verified it.
    pub email: Option<String>,
    /// What they are called.
    pub display_name: Option<String>,
    /// What they are called by at the provider.
    pub username: Option<String>,
    /// Their session there.
    pub session: Option<String>,
    /// What asks about them again.
    pub refresh_token: Option<Secret>,
}

/// What the UserInfo endpoint says (OpenID Connect Core §5.3.2).
#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// Longer identifiers are no one's (OpenID Connect Core §2: at most 255 characters).
const MAX_SUBJECT: usize = 255;
/// More groups, or longer names of them, are no one's either.
const MAX_GROUPS: usize = 2000;
const MAX_TEXT: usize = 256;

impl Person {
    /// Reads the claims of an ID token that was verified.
    pub(super) fn read(
        provider: &IdentityProvider,
        claims: &ProviderClaims,
    ) -> Result<Self, ProviderError> {
        // The `hd` of the request is only a wish; this is the answer to it.
        if provider.hosted_domain.is_some() && provider.hosted_domain != claims.hd {
            return Err(ProviderError::OtherOrganisation);
        }
        let subject = match provider.subject_claim.as_str() {
            "sub" => claims.sub.as_deref(),
            other => claims.more.get(other).and_then(Value::as_str),
        };
        let subject = subject.filter(|text| (1..=MAX_SUBJECT).contains(&text.len()));
        let subject = subject.filter(|text| !text.contains('\0'));
        let subject = subject.ok_or(ProviderError::Invalid(
            "the token does not say who it is about",
        ))?;
        let email = claims.email.as_deref().filter(|_| claims.email_verified);
        Ok(Self {
            issuer: claims.iss.clone(),
            subject: subject.to_owned(),
            groups: read_groups(provider, &claims.more)?,
            email: email.and_then(printable),
            display_name: claims.name.as_deref().and_then(printable),
            username: claims.preferred_username.as_deref().and_then(printable),
            session: claims
                .sid
                .clone()
                .filter(|sid| (1..=MAX_TEXT).contains(&sid.len())),
            refresh_token: None,
        })
    }
}

/// Asks the UserInfo endpoint about the person whose access token this is. With `expected`, they
/// are who an ID token said that they are.
pub(super) async fn ask(
    party: &RelyingParty,
    endpoint: &Endpoint,
    provider: &IdentityProvider,
    (expected, tokens): (Option<&str>, &Tokens),
) -> Result<Person, ProviderError> {
    let unavailable = ProviderError::Unavailable("its UserInfo endpoint does not answer");
    let metadata = endpoint.metadata(party, provider).await?;
    let url = metadata.userinfo_endpoint.clone().ok_or(unavailable)?;
    let token = tokens.access_token.as_ref().ok_or(unavailable)?;
    let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
    let mut bearer = bearer.map_err(|_| unavailable)?;
    bearer.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (ACCEPT, json)]);
    let answer = party
        .http
        .get(url, headers)
        .await
        .map_err(|_| unavailable)?;
    if answer.status() != StatusCode::OK {
        return Err(unavailable);
    }
    let said: UserInfo = serde_json::from_slice(answer.body()).map_err(|_| unavailable)?;
    // OpenID Connect Core §5.3.2: an answer about someone else is not to be used.
    if expected.is_some_and(|expected| said.sub != expected) {
        return Err(ProviderError::Invalid("the answer is about someone else"));
    }
    let subject = match provider.subject_claim.as_str() {
        "sub" => Some(said.sub.as_str()),
        other => said.more.get(other).and_then(Value::as_str),
    };
    let subject = subject.ok_or(ProviderError::Invalid(
        "the answer does not say who it is about",
    ))?;
    Ok(Person {
        issuer: provider.issuer.clone(),
        subject: subject.to_owned(),
        groups: read_groups(provider, &said.more)?,
        email: None,
        display_name: None,
        username: None,
        session: None,
        refresh_token: tokens.refresh_token.clone(),
    })
}

/// The groups that a claim names: a list of texts, one text, or a table whose keys they are.
fn read_groups(
    provider: &IdentityProvider,
    claims: &Map<String, Value>,
) -> Result<Option<BTreeSet<String>>, ProviderError> {
    let path = provider.groups_claim.as_str();
    let groups: BTreeSet<String> = match find(claims, path) {
        None | Some(Value::Null) if is_left_out(claims, path) => {
            return Err(ProviderError::TooManyGroups);
        }
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(one)) => [one.clone()].into(),
        Some(Value::Object(table)) => table.keys().cloned().collect(),
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
            let texts: Option<_> = texts.collect();
            texts.ok_or(ProviderError::Invalid("the groups are no texts"))?
        }
        Some(Value::Bool(_) | Value::Number(_)) => {
            return Err(ProviderError::Invalid("the groups are no texts"));
        }
    };
    let too_long = |group: &String| group.len() > MAX_TEXT || group.contains('\0');
    if groups.len() > MAX_GROUPS || groups.iter().any(too_long) {
        return Err(ProviderError::TooManyGroups);
    }
    Ok(Some(groups))
}

/// What stands at a path. Names may have dots in them, as URLs do: the longest one that is there
/// counts.
fn find<'a>(table: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = table.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(at, _)| {
        let (name, rest) = path.split_at_checked(at)?;
        let below = table.get(name)?.as_object()?;
        find(below, rest.get(1..)?)
    })
}

/// True where Entra says that there were too many groups to name (`_claim_names` of OpenID Connect
/// Core §5.6.2, or `hasgroups`).
fn is_left_out(claims: &Map<String, Value>, path: &str) -> bool {
    let elsewhere = claims.get("_claim_names").and_then(Value::as_object);
    let flagged = claims
        .get("hasgroups")
        .is_some_and(|flag| *flag == Value::Bool(true) || *flag == Value::from("true"));
    elsewhere.is_some_and(|names| names.contains_key(path)) || (flagged && path == "groups")
}

/// A text that may be shown.
fn printable(text: &str) -> Option<String> {
    let text = text.trim();
    let sound = (1..=MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control);
    sound.then(|| text.to_owned())
}
