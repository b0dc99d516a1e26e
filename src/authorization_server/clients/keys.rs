//! The keys by which a client authenticates: as its metadata names them, and as they are found
//! (RFC 7591 §2, RFC 7523).

use serde_json::value::RawValue;
use url::Url;

use super::remote_documents::{DocumentError, DocumentKind, Freshness};
use crate::authorization_server::Context;
use crate::jose::{InvalidJwkSet, JwkSet};
use crate::model::{Client, ClientKeys, Tenant, TokenEndpointAuthMethod};

/// Why the keys in a client's metadata are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::authorization_server) enum InvalidKeys {
    #[error("jwks and jwks_uri exclude each other")]
    Both,
    #[error("private_key_jwt needs jwks or jwks_uri")]
    Missing,
    #[error("jwks_uri must be an https URL")]
    Uri,
    #[error("{0}")]
    Set(#[from] InvalidJwkSet),
}

const MAX_URI: usize = 2048;

/// Reads `jwks` and `jwks_uri` (RFC 7591 §2).
pub(in crate::authorization_server) fn read(
    method: TokenEndpointAuthMethod,
    jwks: Option<&RawValue>,
    uri: Option<String>,
) -> Result<Option<ClientKeys>, InvalidKeys> {
    match (jwks, uri) {
        (Some(_), Some(_)) => Err(InvalidKeys::Both),
        (Some(jwks), None) => {
            JwkSet::parse(jwks.get().as_bytes())?;
            Ok(Some(ClientKeys::Inline(jwks.get().to_owned())))
        }
        (None, Some(uri)) => {
            let secure = |url: Url| url.scheme() == "https" && url.fragment().is_none();
            if uri.len() > MAX_URI || !Url::parse(&uri).is_ok_and(secure) {
                return Err(InvalidKeys::Uri);
            }
            Ok(Some(ClientKeys::Uri(uri)))
        }
        (None, None) if method == TokenEndpointAuthMethod::PrivateKeyJwt => {
            Err(InvalidKeys::Missing)
        }
        (None, None) => Ok(None),
    }
}

/// The keys of `client`; none when it has none.
pub(in crate::authorization_server) async fn load(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    freshness: Freshness,
) -> Result<Option<JwkSet>, DocumentError> {
    let set = match &client.keys {
        None => return Ok(None),
        Some(ClientKeys::Inline(jwks)) => JwkSet::parse(jwks.as_bytes()),
        Some(ClientKeys::Uri(uri)) => {
            let url = Url::parse(uri).map_err(|_| DocumentError::Address)?;
            let what = (DocumentKind::KeySet, freshness);
            let document = context.documents.load(&tenant.slug, &url, what).await?;
            JwkSet::parse(document.body.as_bytes())
        }
    };
    Ok(Some(set.map_err(DocumentError::KeySet)?))
}
