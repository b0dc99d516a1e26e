//! Rows as both databases give them, and the way from them to domain values.

use serde::de::DeserializeOwned;
use sqlx::FromRow;

use super::{LiveGrant, StoreError};
use crate::model::{
    AuthorizationCode, Client, ClientId, ClientKeys, CodeChallenge, Consent, Digest, Grant,
    GrantId, GrantType, KeyThumbprint, LoginSession, PushedRequest, RedirectUri, RefreshToken,
    RefusalDialect, RemoteDocument, ResourceUri, Revocation, Revoked, Scope, ScopeSet,
    SealedSigningKey, SigningAlgorithm, Timestamp, TokenEndpointAuthMethod, UserId,
};

#[derive(FromRow)]
pub(super) struct ClientRow {
    id: String,
    name: Option<String>,
    uri: Option<String>,
    redirect_uris: String,
    auth_method: String,
    secret: Option<Vec<u8>>,
    grant_types: String,
    scopes: Option<String>,
    created_at: i64,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    refusals: Option<String>,
}

#[derive(FromRow)]
pub(super) struct RemoteDocumentRow {
    url: String,
    body: String,
    fetched_at: i64,
    fresh_until: i64,
}

#[derive(FromRow)]
pub(super) struct LoginSessionRow {
    digest: Vec<u8>,
    user_id: String,
    signed_in_at: i64,
    expires_at: i64,
    issuer: Option<String>,
    provider_session: Option<String>,
}

#[derive(FromRow)]
pub(super) struct GrantRow {
    grant_id: String,
    client_id: String,
    user_id: String,
    scopes: String,
    resource: String,
    granted_at: i64,
    revoked_at: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct CodeRow {
    digest: Vec<u8>,
    redirect_uri: String,
    challenge: Vec<u8>,
    dpop_key: Option<Vec<u8>>,
    expires_at: i64,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(FromRow)]
pub(super) struct RefreshTokenRow {
    digest: Vec<u8>,
    dpop_key: Option<Vec<u8>>,
    expires_at: i64,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(FromRow)]
pub(super) struct LiveGrantRow {
    used_at: Option<i64>,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(FromRow)]
pub(super) struct ConsentRow {
    user_id: String,
    client_id: String,
    redirect_host: String,
    scopes: String,
    resource: String,
    given_at: i64,
}

#[derive(FromRow)]
pub(super) struct PushedRequestRow {
    digest: Vec<u8>,
    client_id: String,
    request: String,
    created_at: i64,
    expires_at: i64,
}

/// A refresh token that could not be consumed, with what tells why.
#[derive(FromRow)]
pub(super) struct SpentTokenRow {
    pub(super) grant_id: String,
    consumed_at: Option<i64>,
    salt: Option<Vec<u8>>,
    revoked_at: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct SigningKeyRow {
    id: String,
    algorithm: String,
    sealed_key: Vec<u8>,
    created_at: i64,
    signs_from: i64,
}

#[derive(FromRow)]
pub(super) struct RevocationRow {
    tenant: String,
    kind: String,
    id: String,
    revoked_at: i64,
}

/// When a refresh token was consumed, and the salt of the successor it got.
pub(super) struct Consumption {
    pub(super) at: Timestamp,
    pub(super) salt: [u8; 32],
}

/// A stored value that no version of this program writes.
#[derive(Debug, thiserror::Error)]
#[error("a row holds no valid {0}")]
struct InvalidColumn(&'static str);

impl SpentTokenRow {
    /// How the token was consumed; `None` when it never was, or when its grant is revoked.
    pub(super) fn consumption(&self) -> Result<Option<Consumption>, StoreError> {
        let (Some(at), Some(salt), None) = (self.consumed_at, &self.salt, self.revoked_at) else {
            return Ok(None);
        };
        Ok(Some(Consumption {
            at: Timestamp::from_seconds(at),
            salt: salt.as_slice().try_into().map_err(|_| invalid("salt"))?,
        }))
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let redirect_uris = parse_list::<String>(&row.redirect_uris, "redirect URIs")?;
        let grant_types = parse_list::<String>(&row.grant_types, "grant types")?;
        Ok(Self {
            id: ClientId::new(row.id),
            name: row.name,
            uri: row.uri,
            redirect_uris: redirect_uris
                .iter()
                .map(|uri| parse_redirect_uri(uri))
                .collect::<Result<_, _>>()?,
            auth_method: TokenEndpointAuthMethod::from_name(&row.auth_method)
                .ok_or_else(|| invalid("authentication method"))?,
            secret: row.secret.as_deref().map(parse_digest).transpose()?,
            keys: read_keys(row.jwks, row.jwks_uri),
            grant_types: grant_types
                .iter()
                .map(|name| GrantType::from_name(name).ok_or_else(|| invalid("grant type")))
                .collect::<Result<_, _>>()?,
            scopes: row.scopes.as_deref().map(parse_scopes).transpose()?,
            refusals: row.refusals.as_deref().and_then(RefusalDialect::from_name),
            created_at: Timestamp::from_seconds(row.created_at),
        })
    }
}

impl From<RemoteDocumentRow> for RemoteDocument {
    fn from(row: RemoteDocumentRow) -> Self {
        Self {
            url: row.url,
            body: row.body,
            fetched_at: Timestamp::from_seconds(row.fetched_at),
            fresh_until: Timestamp::from_seconds(row.fresh_until),
        }
    }
}

impl TryFrom<LoginSessionRow> for LoginSession {
    type Error = StoreError;

    fn try_from(row: LoginSessionRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: parse_digest(&row.digest)?,
            user: UserId::new(row.user_id),
            signed_in_at: Timestamp::from_seconds(row.signed_in_at),
            expires_at: Timestamp::from_seconds(row.expires_at),
            issuer: row.issuer,
            provider_session: row.provider_session,
        })
    }
}

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: GrantId::new(row.grant_id),
            client: ClientId::new(row.client_id),
            user: UserId::new(row.user_id),
            scopes: parse_scopes(&row.scopes)?,
            resource: ResourceUri::parse(&row.resource).map_err(|_| invalid("resource"))?,
            created_at: Timestamp::from_seconds(row.granted_at),
            revoked_at: row.revoked_at.map(Timestamp::from_seconds),
        })
    }
}

impl TryFrom<CodeRow> for AuthorizationCode {
    type Error = StoreError;

    fn try_from(row: CodeRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: parse_digest(&row.digest)?,
            grant: row.grant.try_into()?,
            redirect_uri: parse_redirect_uri(&row.redirect_uri)?,
            challenge: CodeChallenge::from_digest(parse_digest(&row.challenge)?),
            key: parse_key(row.dpop_key.as_deref())?,
            expires_at: Timestamp::from_seconds(row.expires_at),
        })
    }
}

impl TryFrom<RefreshTokenRow> for (RefreshToken, Grant) {
    type Error = StoreError;

    fn try_from(row: RefreshTokenRow) -> Result<Self, StoreError> {
        let grant = Grant::try_from(row.grant)?;
        let token = RefreshToken {
            digest: parse_digest(&row.digest)?,
            grant: grant.id.clone(),
            key: parse_key(row.dpop_key.as_deref())?,
            expires_at: Timestamp::from_seconds(row.expires_at),
        };
        Ok((token, grant))
    }
}

impl TryFrom<LiveGrantRow> for LiveGrant {
    type Error = StoreError;

    fn try_from(row: LiveGrantRow) -> Result<Self, StoreError> {
        Ok(Self {
            grant: row.grant.try_into()?,
            used_at: row.used_at.map(Timestamp::from_seconds),
        })
    }
}

impl TryFrom<ConsentRow> for Consent {
    type Error = StoreError;

    fn try_from(row: ConsentRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: UserId::new(row.user_id),
            client: ClientId::new(row.client_id),
            redirect_host: row.redirect_host,
            scopes: parse_scopes(&row.scopes)?,
            resource: ResourceUri::parse(&row.resource).map_err(|_| invalid("resource"))?,
            given_at: Timestamp::from_seconds(row.given_at),
        })
    }
}

impl TryFrom<PushedRequestRow> for PushedRequest {
    type Error = StoreError;

    fn try_from(row: PushedRequestRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: parse_digest(&row.digest)?,
            client: ClientId::new(row.client_id),
            request: row.request,
            created_at: Timestamp::from_seconds(row.created_at),
            expires_at: Timestamp::from_seconds(row.expires_at),
        })
    }
}

impl TryFrom<SigningKeyRow> for SealedSigningKey {
    type Error = StoreError;

    fn try_from(row: SigningKeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            algorithm: SigningAlgorithm::from_name(&row.algorithm)
                .ok_or_else(|| invalid("signature algorithm"))?,
            id: row.id,
            sealed_key: row.sealed_key,
            created_at: Timestamp::from_seconds(row.created_at),
            signs_from: Timestamp::from_seconds(row.signs_from),
        })
    }
}

impl TryFrom<RevocationRow> for Revocation {
    type Error = StoreError;

    fn try_from(row: RevocationRow) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: row.tenant.parse().map_err(|_| invalid("tenant"))?,
            subject: match row.kind.as_str() {
                "grant" => Revoked::Grant(GrantId::new(row.id)),
                "user" => Revoked::User(UserId::new(row.id)),
                "client" => Revoked::Client(ClientId::new(row.id)),
                _ => return Err(invalid("kind of revocation")),
            },
            at: Timestamp::from_seconds(row.revoked_at),
        })
    }
}

/// A list of texts for its column.
pub(super) fn write_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<serde_json::Value>().to_string()
}

/// Scopes for their column.
pub(super) fn write_scopes(scopes: &ScopeSet) -> String {
    write_list(scopes.iter().map(Scope::as_str))
}

/// Keys for their two columns.
pub(super) fn write_keys(keys: Option<&ClientKeys>) -> (Option<&str>, Option<&str>) {
    match keys {
        Some(ClientKeys::Inline(jwks)) => (Some(jwks), None),
        Some(ClientKeys::Uri(uri)) => (None, Some(uri)),
        None => (None, None),
    }
}

fn read_keys(jwks: Option<String>, uri: Option<String>) -> Option<ClientKeys> {
    jwks.map(ClientKeys::Inline)
        .or_else(|| uri.map(ClientKeys::Uri))
}

pub(super) fn parse_list<T: DeserializeOwned>(
    json: &str,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(json).map_err(|_| invalid(what))
}

fn parse_scopes(json: &str) -> Result<ScopeSet, StoreError> {
    parse_list::<Scope>(json, "scopes").map(ScopeSet::from_iter)
}

fn parse_redirect_uri(text: &str) -> Result<RedirectUri, StoreError> {
    RedirectUri::parse(text).map_err(|_| invalid("redirect URI"))
}

pub(super) fn parse_digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    Digest::from_bytes(bytes).ok_or_else(|| invalid("digest"))
}

fn parse_key(bytes: Option<&[u8]>) -> Result<Option<KeyThumbprint>, StoreError> {
    let digest = bytes.map(parse_digest).transpose()?;
    Ok(digest.map(KeyThumbprint::from_digest))
}

pub(super) fn invalid(what: &'static str) -> StoreError {
    StoreError::failed(InvalidColumn(what))
}
