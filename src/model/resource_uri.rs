//! Resource indicators (RFC 8707 §2): the absolute URI of a protected resource.

use std::fmt;

use url::Url;

use super::PublicUrl;

/// The identifier of a protected resource; two are the same only when their text is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceUri(String);

/// The text is not an absolute http(s) URI without fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource is an absolute http or https URI without a fragment")]
pub struct InvalidResourceUri;

impl ResourceUri {
    /// Reads a `resource` parameter. Scheme and host may come in upper case (MCP authorization,
    /// canonical server URI); the path is taken as it is.
    pub fn parse(text: &str) -> Result<Self, InvalidResourceUri> {
        let url = Url::parse(text).map_err(|_| InvalidResourceUri)?;
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !web
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(InvalidResourceUri);
        }
        let text = url.as_str();
        // An origin without a path is written without the slash that the parser adds.
        let bare = url.path() == "/" && url.query().is_none();
        Ok(Self(
            if bare {
                text.trim_end_matches('/')
            } else {
                text
            }
            .to_owned(),
        ))
    }

    /// The resource of the tenant at `public_url`.
    #[must_use]
    pub fn of_tenant(public_url: &PublicUrl) -> Self {
        Self(public_url.join("/mcp"))
    }

    /// The identifier as it stands in tokens and metadata.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
