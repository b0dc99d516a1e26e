//! Redirect URIs: what may be registered, and which request matches which registration
//! (OAuth 2.1 §2.3, RFC 8252 §7).

use std::fmt;

use url::{Host, Url};

/// A redirect URI that may be registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedirectUri {
    text: String,
    url: Url,
}

/// Why a text is no redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// It is no absolute URI.
    #[error("a redirect URI is an absolute URI")]
    NotAbsolute,
    /// It has a fragment (RFC 6749 §3.1.2).
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// It carries a user name or password.
    #[error("a redirect URI has no user information")]
    UserInformation,
    /// Plain http to a host that is not loopback.
    #[error("a redirect URI uses https, or http on a loopback host")]
    PlainHttp,
    /// A scheme that runs content or that no app can own (RFC 8252 §7.1).
    #[error("a private-use scheme is a reversed domain name, or one of a known application")]
    Scheme,
    /// Its query has a parameter that the response needs.
    #[error("a redirect URI's query has no parameter of an authorization response")]
    ReservedQuery,
    /// It has a wildcard, a control character or is longer than 2,048 bytes.
    #[error("a redirect URI has at most 2048 printable ASCII characters and no wildcard")]
    Characters,
}

/// Parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
const RESPONSE_PARAMETERS: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// Schemes without a dot that desktop applications in the field register beside others.
const APPLICATION_SCHEMES: [&str; 5] = ["cursor", "vscode", "vscode-insiders", "windsurf", "zed"];

/// Looked for in the text as well: the parser drops user information that is empty.
fn has_user_information(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.split(['/', '?']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

impl RedirectUri {
    /// Reads a redirect URI, as registered or as requested.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        if text.len() > 2048
            || !text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'*')
        {
            return Err(InvalidRedirectUri::Characters);
        }
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        // Looked for in the text: the parser reads `http:/host` and `http:\\host` as a host too.
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        if text.contains('\\') {
            return Err(InvalidRedirectUri::Characters);
        }
        if !url.username().is_empty() || url.password().is_some() || has_user_information(text) {
            return Err(InvalidRedirectUri::UserInformation);
        }
        let redirect_uri = Self {
            text: text.to_owned(),
            url,
        };
        redirect_uri.check_scheme()?;
        let reserved = |(name, _): (std::borrow::Cow<'_, str>, _)| {
            RESPONSE_PARAMETERS.contains(&name.as_ref())
        };
        if redirect_uri.url.query_pairs().any(reserved) {
            return Err(InvalidRedirectUri::ReservedQuery);
        }
        Ok(redirect_uri)
    }

    /// The URI as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where a person is sent, for the consent page: the host with its port, or the scheme of an
    /// application.
    #[must_use]
    pub fn destination(&self) -> String {
        match (self.url.host_str(), self.url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) if self.is_web() => host.to_owned(),
            _ => format!("{}:", self.url.scheme()),
        }
    }

    /// True when the URI points at this machine: only a program on the person's own computer can
    /// answer there.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.is_web()
            && match self.url.host() {
                Some(Host::Domain(domain)) => domain == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    }

    /// True when a request for `requested` matches this registration: byte for byte, but for the
    /// port of a loopback URI (RFC 8252 §7.3).
    #[must_use]
    pub fn matches(&self, requested: &Self) -> bool {
        if self.text == requested.text {
            return true;
        }
        // RFC 8252 §7.3 speaks of IP literals; clients in the field register `localhost` as well.
        self.is_loopback()
            && requested.is_loopback()
            && self.url.scheme() == "http"
            && self.without_port() == requested.without_port()
    }

    /// This URI with the parameters of an authorization response added to its query.
    #[must_use]
    pub fn with_parameters(&self, parameters: &[(&str, &str)]) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let separator = if self.text.contains('?') { '&' } else { '?' };
        format!("{}{separator}{query}", self.text)
    }

    fn is_web(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }

    fn check_scheme(&self) -> Result<(), InvalidRedirectUri> {
        match self.url.scheme() {
            "https" if self.url.has_host() => Ok(()),
            "http" if self.is_loopback() => Ok(()),
            "http" | "https" => Err(InvalidRedirectUri::PlainHttp),
            // RFC 8252 §7.1: a private-use scheme is based on a domain name.
            scheme if scheme.contains('.') || APPLICATION_SCHEMES.contains(&scheme) => Ok(()),
            _ => Err(InvalidRedirectUri::Scheme),
        }
    }

    /// The text without the port, so that everything else is compared as it was written.
    fn without_port(&self) -> String {
        let Some((scheme, rest)) = self.text.split_once("://") else {
            return self.text.clone();
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let host = match authority.rfind(':') {
            Some(colon) if !authority.ends_with(']') => &authority[..colon],
            _ => authority,
        };
        // VS Code writes its URI with and without the slash of the empty path.
        let tail = if tail == "/" { "" } else { tail };
        format!("{scheme}://{host}{tail}")
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
