//! OAuth clients (RFC 7591 §2).

use std::fmt;

use super::{ClientKeys, Digest, RedirectUri, RefusalDialect, ScopeSet, Timestamp};

/// The identifier of a client, unique within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

/// How a client proves who it is at the token endpoint (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenEndpointAuthMethod {
    /// A public client.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// The secret as a form parameter.
    ClientSecretPost,
    /// An assertion that the client signs (RFC 7523 §2.2).
    PrivateKeyJwt,
}

/// A way to obtain a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// OAuth 2.1 §4.1.
    AuthorizationCode,
    /// OAuth 2.1 §4.3.
    RefreshToken,
    /// OAuth 2.1 §4.2: the client acts for itself.
    ClientCredentials,
    /// RFC 7523 §2.1: an identity provider says who the client acts for.
    JwtBearer,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// The name it gave itself; untrusted.
    pub name: Option<String>,
    /// The home page it named; untrusted.
    pub uri: Option<String>,
    /// Where its users may be sent back to; empty only where it has none.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    pub auth_method: TokenEndpointAuthMethod,
    /// The digest of its secret, where it has one.
    pub secret: Option<Digest>,
    /// The keys that it signs with, where it does.
    pub keys: Option<ClientKeys>,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes that it is limited to; of a client that acts for itself, those it has.
    pub scopes: Option<ScopeSet>,
    /// How it is told what its tokens lack, where an operator has said so.
    pub refusals: Option<RefusalDialect>,
    /// When it registered.
    pub created_at: Timestamp,
}

impl ClientId {
    /// The identifier as it stands on the wire.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TokenEndpointAuthMethod {
    /// Every method that the token endpoint takes.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
    ];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// True when the client proves itself by a secret.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        match self {
            Self::None | Self::PrivateKeyJwt => false,
            Self::ClientSecretBasic | Self::ClientSecretPost => true,
        }
    }

    /// The method of that registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

impl GrantType {
    /// Every grant that the token endpoint takes.
    pub const ALL: [Self; 4] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::JwtBearer,
    ];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// The grant of that registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

impl Client {
    /// The name to show a person.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// True when the client may use `grant`.
    #[must_use]
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }
}
