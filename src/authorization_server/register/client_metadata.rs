//! Client metadata as clients send it (RFC 7591 §2).

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use url::Url;

use super::error::RegistrationError;
use crate::authorization_server::clients;
use crate::model::{ClientKeys, GrantType, RedirectUri, Secret, TokenEndpointAuthMethod};

/// Metadata that a client may be registered with.
#[derive(Debug)]
pub(super) struct ClientMetadata {
    pub(super) name: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) redirect_uris: Vec<RedirectUri>,
    pub(super) auth_method: TokenEndpointAuthMethod,
    pub(super) keys: Option<ClientKeys>,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) application_type: Option<ApplicationType>,
    /// RFC 7592 §2.2: in a replacement, whose it is.
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
}

/// OpenID Connect Dynamic Client Registration §2. What it would say is read off the redirect
/// URIs; it is only given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ApplicationType {
    Native,
    Web,
}

/// The members that matter; others are ignored (RFC 7591 §2). The derived reader refuses a member
/// that is there twice.
#[derive(Deserialize)]
struct Document {
    redirect_uris: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<ApplicationType>,
    jwks: Option<Box<RawValue>>,
    jwks_uri: Option<String>,
    software_statement: Option<IgnoredAny>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

const MAX_REDIRECT_URIS: usize = 20;
const MAX_NAME: usize = 200;
const MAX_URI: usize = 2048;

impl ClientMetadata {
    pub(super) fn parse(body: &[u8]) -> Result<Self, RegistrationError> {
        // RFC 8259 §8.1: UTF-8, in the members too that are passed over.
        let text = std::str::from_utf8(body).map_err(|_| RegistrationError::Document)?;
        let document: Document =
            serde_json::from_str(text).map_err(|_| RegistrationError::Document)?;
        if document.software_statement.is_some() {
            return Err(RegistrationError::SoftwareStatement);
        }
        check_response_types(document.response_types)?;
        let auth_method = read_auth_method(document.token_endpoint_auth_method)?;
        Ok(Self {
            redirect_uris: read_redirect_uris(document.redirect_uris)?,
            name: read_name(document.client_name)?,
            uri: read_uri(document.client_uri)?,
            auth_method,
            keys: clients::read_keys(auth_method, document.jwks.as_deref(), document.jwks_uri)?,
            grant_types: read_grant_types(document.grant_types)?,
            application_type: document.application_type,
            client_id: document.client_id,
            client_secret: document.client_secret.map(Secret::new),
        })
    }
}

impl ApplicationType {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Web => "web",
        }
    }
}

fn read_redirect_uris(uris: Option<Vec<String>>) -> Result<Vec<RedirectUri>, RegistrationError> {
    let uris = uris.unwrap_or_default();
    if uris.is_empty() || uris.len() > MAX_REDIRECT_URIS {
        return Err(RegistrationError::RedirectUriCount);
    }
    let parsed = uris.iter().map(|uri| RedirectUri::parse(uri));
    Ok(parsed.collect::<Result<_, _>>()?)
}

/// Reads a name that a person can be shown.
pub(in crate::authorization_server) fn read_name(
    name: Option<String>,
) -> Result<Option<String>, RegistrationError> {
    let Some(name) = name else {
        return Ok(None);
    };
    // Such characters make a name look like another one on the consent page.
    let misleading = |character: char| {
        character.is_control()
            || matches!(
                character,
                '\u{61c}'
                    | '\u{200b}'
                    | '\u{200e}'
                    | '\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{feff}'
            )
    };
    if name.chars().count() > MAX_NAME || name.chars().any(misleading) {
        return Err(RegistrationError::Name);
    }
    let name = name.trim();
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// Reads the address of a home page.
pub(in crate::authorization_server) fn read_uri(
    uri: Option<String>,
) -> Result<Option<String>, RegistrationError> {
    let Some(uri) = uri.filter(|uri| !uri.is_empty()) else {
        return Ok(None);
    };
    let web = |url: Url| matches!(url.scheme(), "https" | "http");
    let plain = uri.len() <= MAX_URI && !uri.chars().any(char::is_control);
    if plain && Url::parse(&uri).is_ok_and(web) {
        Ok(Some(uri))
    } else {
        Err(RegistrationError::ClientUri)
    }
}

fn read_auth_method(method: Option<String>) -> Result<TokenEndpointAuthMethod, RegistrationError> {
    // RFC 7591 §2: client_secret_basic where the client does not say.
    method.map_or(Ok(TokenEndpointAuthMethod::ClientSecretBasic), |name| {
        TokenEndpointAuthMethod::from_name(&name).ok_or(RegistrationError::AuthMethod)
    })
}

fn read_grant_types(names: Option<Vec<String>>) -> Result<Vec<GrantType>, RegistrationError> {
    // RFC 7591 §2: authorization_code where the client does not say.
    let Some(names) = names else {
        return Ok(vec![GrantType::AuthorizationCode]);
    };
    // RFC 7591 §3.2.1: what we don't do is left out, and the answer says what is left.
    // A client that acts for itself is one that an operator knows.
    let known: Vec<GrantType> = [GrantType::AuthorizationCode, GrantType::RefreshToken]
        .into_iter()
        .filter(|grant| names.iter().any(|name| name == grant.as_str()))
        .collect();
    if known.contains(&GrantType::AuthorizationCode) {
        Ok(known)
    } else {
        Err(RegistrationError::GrantTypes)
    }
}

fn check_response_types(names: Option<Vec<String>>) -> Result<(), RegistrationError> {
    match names {
        Some(names) if !names.iter().any(|name| name == "code") => {
            Err(RegistrationError::ResponseTypes)
        }
        Some(_) | None => Ok(()),
    }
}
