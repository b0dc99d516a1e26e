//! The metadata document of a client (draft-ietf-oauth-client-id-metadata-document §3, §4).

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use url::Url;

use super::keys::{self, InvalidKeys};
use crate::authorization_server::register::{read_name, read_uri};
use crate::model::{
    Client, ClientId, GrantType, RedirectUri, RemoteDocument, TokenEndpointAuthMethod,
};

/// Why a document or its address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::authorization_server) enum InvalidMetadata {
    #[error("a client_id URL is https, has a path and is written in its normal form")]
    Url,
    #[error("no JSON object of client metadata, or a member is there twice")]
    Document,
    #[error("client_id is not the URL of the document")]
    ClientId,
    #[error("client_name is missing, too long or misleading")]
    Name,
    #[error("client_uri is no http or https URL")]
    ClientUri,
    #[error("none of redirect_uris can be used, or there are more than 50")]
    RedirectUris,
    #[error("the client would authenticate by a shared secret")]
    SharedSecret,
    #[error("token_endpoint_auth_method is neither none nor private_key_jwt")]
    AuthMethod,
    #[error("grant_types lacks authorization_code")]
    GrantTypes,
    #[error("response_types lacks code")]
    ResponseTypes,
    #[error(transparent)]
    Keys(#[from] InvalidKeys),
}

/// The members that matter; the derived reader refuses one that is there twice.
#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    client_uri: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    jwks: Option<Box<RawValue>>,
    jwks_uri: Option<String>,
    client_secret: Option<IgnoredAny>,
    client_secret_expires_at: Option<IgnoredAny>,
}

const MAX_URL: usize = 2048;
const MAX_REDIRECT_URIS: usize = 50;

/// True for an identifier that is the address of a document. Those that we give out never are.
pub(super) fn is_url(id: &ClientId) -> bool {
    id.as_str().starts_with("https://")
}

/// Reads an identifier as the address that it is (§3 of the draft).
pub(super) fn read_url(id: &ClientId) -> Result<Url, InvalidMetadata> {
    let text = id.as_str();
    let url = Url::parse(text).map_err(|_| InvalidMetadata::Url)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // Compared as strings from here on. The parser resolves dot segments, lower-cases hosts and
    // turns every way to write an IPv4 address into one: what it changes has two names.
    let normal = url.as_str() == text && text.len() <= MAX_URL;
    let has_path = url.path() != "/";
    if plain && normal && has_path {
        Ok(url)
    } else {
        Err(InvalidMetadata::Url)
    }
}

/// Checks the document that was found at `url`.
pub(super) fn check(url: &str, body: &str) -> Result<(), InvalidMetadata> {
    Document::read(url, body).map(|_| ())
}

/// The client that a document describes.
pub(super) fn read(document: &RemoteDocument) -> Result<Client, InvalidMetadata> {
    let client = Document::read(&document.url, &document.body)?;
    Ok(Client {
        created_at: document.fetched_at,
        ..client
    })
}

impl Document {
    fn read(url: &str, body: &str) -> Result<Client, InvalidMetadata> {
        let document: Self = serde_json::from_str(body).map_err(|_| InvalidMetadata::Document)?;
        // §4.1 of the draft: simple string comparison.
        if document.client_id != url {
            return Err(InvalidMetadata::ClientId);
        }
        if document.client_secret.is_some() || document.client_secret_expires_at.is_some() {
            return Err(InvalidMetadata::SharedSecret);
        }
        let names = document.response_types;
        if names.is_some_and(|names| !names.iter().any(|name| name == "code")) {
            return Err(InvalidMetadata::ResponseTypes);
        }
        let name = read_name(document.client_name).map_err(|_| InvalidMetadata::Name)?;
        let auth_method = read_auth_method(document.token_endpoint_auth_method.as_deref())?;
        Ok(Client {
            id: ClientId::new(document.client_id),
            name: Some(name.ok_or(InvalidMetadata::Name)?),
            uri: read_uri(document.client_uri).map_err(|_| InvalidMetadata::ClientUri)?,
            redirect_uris: read_redirect_uris(&document.redirect_uris)?,
            auth_method,
            secret: None,
            keys: keys::read(auth_method, document.jwks.as_deref(), document.jwks_uri)?,
            grant_types: read_grant_types(document.grant_types)?,
            scopes: None,
            refusals: None,
            created_at: crate::model::Timestamp::from_seconds(0),
        })
    }
}

/// Those that can be used: one that we would never redirect to does not spoil the others, since
/// clients list what they need elsewhere too.
fn read_redirect_uris(uris: &[String]) -> Result<Vec<RedirectUri>, InvalidMetadata> {
    let parsed = uris.iter().filter_map(|uri| RedirectUri::parse(uri).ok());
    let usable: Vec<RedirectUri> = parsed.collect();
    if usable.is_empty() || uris.len() > MAX_REDIRECT_URIS {
        return Err(InvalidMetadata::RedirectUris);
    }
    Ok(usable)
}

/// §4.1 of the draft: no method that rests on a shared secret, for nobody could have given one.
fn read_auth_method(name: Option<&str>) -> Result<TokenEndpointAuthMethod, InvalidMetadata> {
    match name {
        None | Some("none") => Ok(TokenEndpointAuthMethod::None),
        Some("private_key_jwt") => Ok(TokenEndpointAuthMethod::PrivateKeyJwt),
        Some(name) if name.starts_with("client_secret_") => Err(InvalidMetadata::SharedSecret),
        Some(_) => Err(InvalidMetadata::AuthMethod),
    }
}

/// Grants that we don't have are passed over: the document is for every server there is.
fn read_grant_types(names: Option<Vec<String>>) -> Result<Vec<GrantType>, InvalidMetadata> {
    let Some(names) = names else {
        return Ok(vec![GrantType::AuthorizationCode]);
    };
    let ours = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::JwtBearer,
    ];
    let known: Vec<GrantType> = ours
        .into_iter()
        .filter(|grant| names.iter().any(|name| name == grant.as_str()))
        .collect();
    if known.contains(&GrantType::AuthorizationCode) {
        Ok(known)
    } else {
        Err(InvalidMetadata::GrantTypes)
    }
}
