//! Grants and what hangs on them: authorization codes, refresh tokens, login sessions.

use std::fmt;

use super::{
    ClientId, CodeChallenge, Digest, KeyThumbprint, RedirectUri, ResourceUri, ScopeSet, Timestamp,
    UserId,
};

/// The identifier of a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(String);

/// What a person allowed a client: every code and token belongs to one grant, and ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its identifier.
    pub id: GrantId,
    /// Whom it was given to.
    pub client: ClientId,
    /// Who gave it.
    pub user: UserId,
    /// What it allows.
    pub scopes: ScopeSet,
    /// Where it allows that.
    pub resource: ResourceUri,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// An authorization code as it is stored (OAuth 2.1 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// The code's digest.
    pub digest: Digest,
    /// The grant that its exchange begins.
    pub grant: Grant,
    /// The redirect URI of the authorization request.
    pub redirect_uri: RedirectUri,
    /// The PKCE challenge of the authorization request.
    pub challenge: CodeChallenge,
    /// The key whose holder alone can exchange it (RFC 9449 §10).
    pub key: Option<KeyThumbprint>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// What a person agreed to on the consent page, and in whose favour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who agreed.
    pub user: UserId,
    /// Whom they let act.
    pub client: ClientId,
    /// Where the page said that they would be sent back to.
    pub redirect_host: String,
    /// What they allowed.
    pub scopes: ScopeSet,
    /// Where they allowed that.
    pub resource: ResourceUri,
    /// When.
    pub given_at: Timestamp,
}

/// A refresh token as it is stored (OAuth 2.1 §4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The token's digest.
    pub digest: Digest,
    /// The grant that it belongs to.
    pub grant: GrantId,
    /// The key whose holder alone can exchange it (RFC 9449 §5).
    pub key: Option<KeyThumbprint>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// A browser that a person signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSession {
    /// The digest of the cookie.
    pub digest: Digest,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub signed_in_at: Timestamp,
    /// From when on the person must sign in again.
    pub expires_at: Timestamp,
    /// The issuer that they signed in at; none for a local account.
    pub issuer: Option<String>,
    /// Their session there, where it has a name.
    pub provider_session: Option<String>,
}

impl GrantId {
    /// An identifier from a token or a row.
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

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
