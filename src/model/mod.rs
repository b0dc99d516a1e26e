//! Domain values without I/O: the nouns of OAuth, of MCP and of Gatehouse.

mod client;
mod encryption_key;
mod grant;
mod pkce;
mod principal;
mod random;
mod redirect_uri;
mod requirement;
mod resource_uri;
mod scope;
mod secret;
mod signing_key;
mod tenant;
mod time;
mod user;

pub use client::{Client, ClientId, GrantType, TokenEndpointAuthMethod};
pub use encryption_key::{EncryptionKey, InvalidEncryptionKey};
pub use grant::{AuthorizationCode, Grant, GrantId, LoginSession, RefreshToken};
pub use pkce::{CodeChallenge, CodeVerifier, InvalidPkce};
pub use principal::Principal;
pub use random::{Random, SystemRandom};
pub use redirect_uri::{InvalidRedirectUri, RedirectUri};
pub use requirement::{Requirement, Visibility};
pub use resource_uri::{InvalidResourceUri, ResourceUri};
pub use scope::{InvalidScope, Scope, ScopeCatalogue, ScopeDefinition, ScopeSet};
pub use secret::{Digest, Secret};
pub use signing_key::{LONGEST_ACCESS_TOKEN, SealedSigningKey, SigningAlgorithm, SigningKey};
pub use tenant::{InvalidPublicUrl, InvalidTenantSlug, PublicUrl, Role, Tenant, TenantSlug};
pub use time::{Clock, SystemClock, Timestamp};
pub use user::{PasswordHash, User, UserId};
