//! From a mounted server to its authorization server (MCP basic/authorization, RFC 9728 §3).

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use url::Url;

use super::fetch::Sent;
use super::metadata::{self, ResourceMetadata, ServerMetadata};
use super::{LinkError, LinkedAccounts};
use crate::model::Linkable;

/// What was found.
pub(super) struct Found {
    /// What the tokens are to be good at (RFC 8707 §2).
    pub(super) resource: String,
    pub(super) scopes: Vec<String>,
    pub(super) metadata: ServerMetadata,
}

/// How many scopes of a server's own are asked for.
const SCOPES: usize = 64;

/// A request without credentials, which a server answers with where its metadata is.
const PROBE: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

impl LinkedAccounts {
    /// Finds the authorization server, and what it can do.
    pub(super) async fn discover(&self, at: Linkable<'_>) -> Result<Found, LinkError> {
        let said = self.resource_metadata(at).await?;
        let configured = at.credentials.issuer.as_ref();
        let issuer = match (configured, &said) {
            (None, None) => {
                return Err(LinkError::Unavailable(
                    "the server does not say which authorization server it has",
                ));
            }
            (Some(issuer), None) => issuer.clone(),
            (Some(issuer), Some(said)) => {
                // Whatever the server says by now, secrets go to the one that operators named.
                if !said.authorization_servers.contains(issuer) {
                    tracing::error!(
                        server = at.server,
                        "a mounted server names another authorization server than the configuration"
                    );
                    return Err(LinkError::Untrusted(
                        "the server names another authorization server",
                    ));
                }
                issuer.clone()
            }
            (None, Some(said)) => {
                let first = said.authorization_servers.first();
                let unnamed = LinkError::Unavailable("the server names no authorization server");
                first.ok_or(unnamed)?.clone()
            }
        };
        let metadata = self.server_metadata(at, &issuer).await?;
        let mut scopes = at.credentials.scopes.clone();
        let said = said.unwrap_or_default();
        if scopes.is_empty() {
            scopes.extend(said.scopes_supported.into_iter().take(SCOPES));
            let offline = "offline_access".to_owned();
            if metadata.has_offline_access && !scopes.contains(&offline) {
                scopes.push(offline);
            }
        }
        let resource = match said.resource {
            resource if resource.is_empty() => at.address.url.to_string(),
            resource => resource,
        };
        Ok(Found {
            resource,
            scopes,
            metadata,
        })
    }

    /// What the server says, where it says or where it must be.
    async fn resource_metadata(
        &self,
        at: Linkable<'_>,
    ) -> Result<Option<ResourceMetadata>, LinkError> {
        let url = &at.address.url;
        let mut places: Vec<Url> = self.named_place(at).await?.into_iter().collect();
        let path = url.path().trim_end_matches('/');
        for known in [
            format!("/.well-known/oauth-protected-resource{path}"),
            "/.well-known/oauth-protected-resource".to_owned(),
        ] {
            places.extend(url.join(&known));
        }
        places.dedup();
        for place in places {
            if let Some(body) = self.document(at.address, &place).await? {
                return ResourceMetadata::read(&body, url).map(Some);
            }
        }
        Ok(None)
    }

    /// Where the server's refusal says that its metadata is (RFC 9728 §5.1). At another origin than
    /// the server's it is not looked for.
    async fn named_place(&self, at: Linkable<'_>) -> Result<Option<Url>, LinkError> {
        let url = &at.address.url;
        let probe = Sent::post("application/json", PROBE);
        let refusal = self.send(at.address, url, probe).await?;
        if refusal.status != StatusCode::UNAUTHORIZED {
            return Ok(None);
        }
        let challenges = refusal.headers.get_all(WWW_AUTHENTICATE).into_iter();
        let mut texts = challenges.filter_map(|value| value.to_str().ok());
        let named = texts.find_map(metadata_of_challenge);
        let named = named.and_then(|text| Url::parse(text).ok());
        Ok(named.filter(|named| named.origin() == url.origin()))
    }

    async fn server_metadata(
        &self,
        at: Linkable<'_>,
        issuer: &str,
    ) -> Result<ServerMetadata, LinkError> {
        let no_url = LinkError::Untrusted("the authorization server is no URL");
        let url = Url::parse(issuer).map_err(|_| no_url)?;
        for place in metadata::places(&url) {
            if let Some(body) = self.document(at.address, &place).await? {
                return ServerMetadata::read(&body, issuer);
            }
        }
        Err(LinkError::Unavailable(
            "the authorization server has no metadata",
        ))
    }
}

/// The parameter `resource_metadata` of a challenge (RFC 9110 §11.6.1).
fn metadata_of_challenge(challenge: &str) -> Option<&str> {
    let (_, rest) = challenge.split_once("resource_metadata=")?;
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(text, _)| text),
        None => rest.split([',', ' ']).next(),
    }
}
