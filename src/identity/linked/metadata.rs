//! What a mounted server and its authorization server say about themselves (RFC 9728, RFC 8414).

use serde::Deserialize;
use url::Url;

use super::LinkError;

/// What a server says about who may use it (RFC 9728 §2).
#[derive(Debug, Default, Deserialize)]
pub(super) struct ResourceMetadata {
    pub(super) resource: String,
    #[serde(default)]
    pub(super) authorization_servers: Vec<String>,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
}

/// What an authorization server says about itself, as far as it may be believed.
#[derive(Debug)]
pub(super) struct ServerMetadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) registration_endpoint: Option<Url>,
    /// RFC 7009 §2.
    pub(super) revocation_endpoint: Option<Url>,
    /// RFC 9207 §3.
    pub(super) names_issuer: bool,
    /// True where tokens that can be renewed have to be asked for.
    pub(super) has_offline_access: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

impl ResourceMetadata {
    pub(super) fn read(body: &[u8], server: &Url) -> Result<Self, LinkError> {
        let metadata: Self = serde_json::from_slice(body)
            .map_err(|_| LinkError::Unavailable("the server's metadata is no such document"))?;
        // RFC 9728 §3.3; MCP lets a resource be the whole of a path that servers are below.
        if is_resource_of(&metadata.resource, server) {
            Ok(metadata)
        } else {
            Err(LinkError::Untrusted(
                "the server's metadata is of another resource",
            ))
        }
    }
}

/// True when `resource` is the server at `url`, or what it is a part of.
fn is_resource_of(resource: &str, url: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else {
        return false;
    };
    let whole = resource.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(whole);
    resource.origin() == url.origin() && rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

/// Where the metadata of `issuer` may be, the likeliest place first (RFC 8414 §3.1, and OpenID
/// Connect Discovery §4).
pub(super) fn places(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut all = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        all.push(format!("{path}/.well-known/openid-configuration"));
    }
    all.iter()
        .filter_map(|path| issuer.join(path).ok())
        .collect()
}

impl ServerMetadata {
    pub(super) fn read(body: &[u8], issuer: &str) -> Result<Self, LinkError> {
        let document: Document = serde_json::from_slice(body).map_err(|_| {
            LinkError::Unavailable("the authorization server's metadata is no such document")
        })?;
        // RFC 8414 §3.3
        if document.issuer != issuer {
            return Err(LinkError::Untrusted(
                "the authorization server's metadata is of another issuer",
            ));
        }
        // MCP basic/authorization: a client must refuse to go on without PKCE.
        let methods = &document.code_challenge_methods_supported;
        if !methods.iter().any(|method| method == "S256") {
            return Err(LinkError::Untrusted(
                "the authorization server does not say that it has PKCE",
            ));
        }
        let optional = |text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| endpoint(text, issuer)).transpose()
        };
        let offline = |scope: &String| scope == "offline_access";
        Ok(Self {
            authorization_endpoint: endpoint(&document.authorization_endpoint, issuer)?,
            token_endpoint: endpoint(&document.token_endpoint, issuer)?,
            registration_endpoint: optional(&document.registration_endpoint)?,
            revocation_endpoint: optional(&document.revocation_endpoint)?,
            names_issuer: document.authorization_response_iss_parameter_supported,
            has_offline_access: document.scopes_supported.iter().any(offline),
            issuer: document.issuer,
        })
    }
}

/// An endpoint: with TLS, unless the issuer itself is without.
fn endpoint(text: &str, issuer: &str) -> Result<Url, LinkError> {
    let untrusted = LinkError::Untrusted("an endpoint is no https URL");
    let Ok(url) = Url::parse(text) else {
        return Err(untrusted);
    };
    let origin = |text| Url::parse(text).map(|url: Url| url.origin());
    let is_at_issuer = origin(issuer).is_ok_and(|issuer| issuer == url.origin());
    if url.scheme() == "https" || (url.scheme() == "http" && is_at_issuer) {
        Ok(url)
    } else {
        Err(untrusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_server_or_what_it_is_a_part_of() {
        let server: Url = "https://example.com/a/mcp".parse().unwrap();
        for whole in [
            "https://example.com",
            "https://example.com/a",
            "https://example.com/a/mcp",
        ] {
            assert!(is_resource_of(whole, &server), "{whole}");
        }
        for other in [
            "https://example.org/a/mcp",
            "http://example.com/a/mcp",
            "https://example.com/a/m",
            "https://example.com/a/mcp/b",
            "example.com",
        ] {
            assert!(!is_resource_of(other, &server), "{other}");
        }
    }

    #[test]
    fn metadata_is_looked_for_where_it_may_be() {
        let places = |issuer: &str| -> Vec<String> {
            let found = places(&issuer.parse().unwrap());
            found.iter().map(|url| url.path().to_owned()).collect()
        };
        assert_eq!(
            places("https://as.example.com/t/a"),
            [
                "/.well-known/oauth-authorization-server/t/a",
                "/.well-known/openid-configuration/t/a",
                "/t/a/.well-known/openid-configuration",
            ]
        );
        assert_eq!(places("https://as.example.com").len(), 2);
    }
}
