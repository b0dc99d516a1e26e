//! Tenants: each its own issuer, resource, users and clients.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use super::{
    AccessRules, AssertionIssuer, Authorization, Branding, DocumentTrust, ProvisioningSettings,
    RateLimits, RedirectUri, RefusalRules, RegistrationSettings, ResourceUri, ScopeSet,
    SignInSettings, Upstreams,
};

/// The short name of a tenant, and its key in every table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantSlug(String);

/// The text is no tenant slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant slug has 1 to 63 characters of a-z, 0-9 and '-', a letter or digit first")]
pub struct InvalidTenantSlug;

/// The address of a tenant: an origin, or an origin with a path; never with a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicUrl {
    text: String,
    origin: String,
    path: String,
    host: String,
}

/// The text is no public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an https URL (http on a loopback host only) without query, fragment or trailing slash")]
pub struct InvalidPublicUrl;

/// What the holders of a role may be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The scopes.
    pub scopes: ScopeSet,
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its short name.
    pub slug: TenantSlug,
    /// Its address.
    pub public_url: PublicUrl,
    /// Its protected resource, `{public_url}/mcp`.
    pub resource: ResourceUri,
    /// Who issues the tokens that it takes.
    pub authorization: Authorization,
    /// Its roles by name.
    pub roles: BTreeMap<String, Role>,
    /// What single tools, resources and prompts ask for.
    pub access: AccessRules,
    /// How clients are told what their tokens lack.
    pub refusals: RefusalRules,
    /// How people sign in.
    pub sign_in: SignInSettings,
    /// Whose word about people it takes without asking them.
    pub identity_assertions: Vec<AssertionIssuer>,
    /// Which clients may be known by the URL of their metadata document.
    pub client_documents: DocumentTrust,
    /// Which clients may register themselves.
    pub registration: RegistrationSettings,
    /// How often it may be asked.
    pub rate_limits: RateLimits,
    /// What its identity provider may keep here; none where it may keep nothing.
    pub provisioning: Option<Arc<ProvisioningSettings>>,
    /// How its pages look.
    pub branding: Branding,
    /// The servers that it has mounted.
    pub servers: Arc<Upstreams>,
}

impl TenantSlug {
    /// The slug of the tenant of a fresh installation.
    pub const DEFAULT: &'static str = "default";

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantSlug {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl FromStr for TenantSlug {
    type Err = InvalidTenantSlug;

    fn from_str(text: &str) -> Result<Self, InvalidTenantSlug> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid =
            (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTenantSlug)
        }
    }
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PublicUrl {
    /// The whole address; also the tenant's issuer identifier (RFC 8414 §2).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What follows the origin: empty, or a path without trailing slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host as a `Host` header names it, with the port unless it is the scheme's own.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// True when browsers take `Secure` cookies from here.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// An address below this one; `path` begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl)?;
        // One rule for what may be plain http, here and in redirect URIs.
        let reachable =
            RedirectUri::parse(text).is_ok() && matches!(url.scheme(), "http" | "https");
        let host = url.host_str().ok_or(InvalidPublicUrl)?;
        let host = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let origin = format!("{}://{host}", url.scheme());
        let path = url.path().trim_end_matches('/').to_owned();
        let canonical = format!("{origin}{path}");
        let given = text
            .strip_suffix('/')
            .filter(|_| path.is_empty())
            .unwrap_or(text);
        if !reachable || url.query().is_some() || given != canonical {
            return Err(InvalidPublicUrl);
        }
        Ok(Self {
            text: canonical,
            origin,
            path,
            host,
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Tenant {
    /// The tenant at `public_url`.
    #[must_use]
    pub fn new(slug: TenantSlug, public_url: PublicUrl, roles: BTreeMap<String, Role>) -> Self {
        let resource = ResourceUri::of_tenant(&public_url);
        Self {
            slug,
            public_url,
            resource,
            authorization: Authorization::default(),
            roles,
            access: AccessRules::default(),
            refusals: RefusalRules::default(),
            sign_in: SignInSettings::default(),
            identity_assertions: Vec::new(),
            client_documents: DocumentTrust::default(),
            registration: RegistrationSettings::default(),
            rate_limits: RateLimits::default(),
            provisioning: None,
            branding: Branding::default(),
            servers: Arc::default(),
        }
    }

    /// The issuer identifier, byte for byte as every document and token names it (RFC 8414 §2).
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.public_url.as_str()
    }

    /// What people know it by.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.branding.name.as_deref().unwrap_or("Gatehouse")
    }

    /// The address of the protected resource's metadata (RFC 9728 §3.1: the well-known part goes
    /// between origin and path).
    #[must_use]
    pub fn resource_metadata_url(&self) -> String {
        let PublicUrl { origin, path, .. } = &self.public_url;
        format!("{origin}/.well-known/oauth-protected-resource{path}/mcp")
    }

    /// What the holder of all these roles may be granted; an unknown role adds nothing.
    #[must_use]
    pub fn scopes_of_roles<'a>(&self, roles: impl IntoIterator<Item = &'a String>) -> ScopeSet {
        let known = roles.into_iter().filter_map(|role| self.roles.get(role));
        known.fold(ScopeSet::default(), |scopes, role| {
            scopes.union(&role.scopes)
        })
    }

    /// The issuer of the tokens that it takes, byte for byte.
    #[must_use]
    pub fn token_issuer(&self) -> &str {
        match &self.authorization {
            Authorization::BuiltIn => self.issuer(),
            Authorization::External(external) => &external.keys.issuer,
        }
    }

    /// What a client asks the issuer of tokens for to have `scopes`.
    #[must_use]
    pub fn scopes_to_ask_for(&self, scopes: &ScopeSet) -> ScopeSet {
        match &self.authorization {
            Authorization::BuiltIn => scopes.clone(),
            Authorization::External(external) => external.to_ask_for(scopes),
        }
    }

    /// The scopes that every role has: what a client may reasonably ask for up front.
    #[must_use]
    pub fn basic_scopes(&self) -> ScopeSet {
        let mut roles = self.roles.values().map(|role| role.scopes.clone());
        let first = roles.next().unwrap_or_default();
        roles.fold(first, |basic, scopes| basic.intersection(&scopes))
    }
}
