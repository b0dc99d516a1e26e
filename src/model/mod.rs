//! Domain values without I/O: the nouns of OAuth, of MCP and of Gatehouse.

mod audit_entry;
mod audit_event;
mod authorization;
mod branding;
mod change;
mod client;
mod client_keys;
mod encryption_key;
mod grant;
mod hidden_text;
mod identity_assertions;
mod key_thumbprint;
mod mount_prefix;
mod openapi;
mod operator;
mod pkce;
mod principal;
mod provisioning;
mod pushed_request;
mod random;
mod rate_limits;
mod redirect_uri;
mod refusals;
mod registration;
mod remote_document;
mod requirement;
mod resource_uri;
mod revocation;
mod scope;
mod secret;
mod sign_in;
mod signing_key;
mod single_use;
mod stored_tenant;
mod strict_json;
mod tenant;
mod time;
mod tool_definition;
mod tool_difference;
mod tool_record;
mod upstream;
mod uri_template;
mod user;
mod written_json;

pub use audit_entry::{AuditEntry, ChainHead, ChainedEntry};
pub use audit_event::{Event, Outcome};
pub use authorization::{Authorization, ExternalAuthorization, ExternalTokenType, KeySource};
pub use branding::{Branding, Colour, InvalidColour, InvalidLogo, Logo, LogoKind};
pub use change::{Actor, Change, RequestId, RequestOrigin};
pub use client::{Client, ClientId, GrantType, TokenEndpointAuthMethod};
pub use client_keys::ClientKeys;
pub use encryption_key::{EncryptionKey, InvalidEncryptionKey};
pub use grant::{AuthorizationCode, Consent, Grant, GrantId, LoginSession, RefreshToken};
pub use hidden_text::{HiddenText, check_visible, hidden_character};
pub use identity_assertions::AssertionIssuer;
pub use key_thumbprint::KeyThumbprint;
pub use mount_prefix::{InvalidMountPrefix, MountPrefix};
pub use openapi::{
    ApiBody, ApiBodyKind, ApiDescription, ApiOperation, ApiParameter, ApiRemark, BODY,
    LARGEST_DOCUMENT, OPERATION, ParameterPlace, ParameterStyle, PathPart,
};
pub use operator::{
    InvalidOperatorName, Operator, OperatorName, OperatorRole, OperatorSession, is_operator_token,
    new_operator_token,
};
pub use pkce::{CodeChallenge, CodeVerifier, InvalidPkce};
pub use principal::Principal;
pub use provisioning::{
    GroupChange, ProvisionedGroup, ProvisionedUser, ProvisioningProvider, ProvisioningSettings,
    ProvisioningSubject, UserChange,
};
pub use pushed_request::PushedRequest;
pub use random::{Random, SystemRandom, new_identifier};
pub use rate_limits::{InvalidRateLimit, RateLimit, RateLimits, Rule, Subject};
pub use redirect_uri::{InvalidRedirectUri, RedirectUri};
pub use refusals::{RefusalDialect, RefusalRules};
pub use registration::{RegistrationPolicy, RegistrationSettings};
pub use remote_document::{DocumentTrust, RemoteDocument};
pub use requirement::{AccessRules, Requirement, Visibility};
pub use resource_uri::{InvalidResourceUri, ResourceUri};
pub use revocation::{Revocation, Revoked};
pub use scope::{InvalidScope, Scope, ScopeCatalogue, ScopeDefinition, ScopeSet};
pub use secret::{Digest, Secret};
pub use sign_in::{IdentityProvider, OnLogout, SignInSettings, TENANT_PLACEHOLDER};
pub use signing_key::{LONGEST_ACCESS_TOKEN, SealedSigningKey, SigningAlgorithm, SigningKey};
pub use single_use::SingleUse;
pub use stored_tenant::{ListedTenant, StoredTenant, TenantOrigin};
pub use strict_json::{MESSAGE_DEPTH, MembersBut, NotStrict, strict_json, strict_members_but};
pub use tenant::{InvalidPublicUrl, InvalidTenantSlug, PublicUrl, Role, Tenant, TenantSlug};
pub use time::{Clock, SystemClock, Timestamp};
pub use tool_definition::ToolDefinition;
pub use tool_difference::{DifferenceKind, ToolDifference, tool_differences};
pub use tool_record::{ToolChanges, ToolNews, ToolNewsKind, ToolOffer, ToolRecord, ToolState};
pub use upstream::{
    ApiDocument, ClientCredentials, Linkable, SecretHeader, Upstream, UpstreamAddress,
    UpstreamCredentials, UpstreamLimits, UpstreamPlace, UpstreamProcess, Upstreams,
    UserCredentials,
};
pub use uri_template::expands_to;
pub use user::{ExternalIdentity, GroupSnapshot, PasswordHash, User, UserId};
pub use written_json::{Named, check_strictly, written_members};
