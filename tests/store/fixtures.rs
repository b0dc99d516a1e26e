//! Values that the cases store, and attempts that run at the same time.

use std::sync::Arc;
use std::time::Duration;

use gatehouse::model::{
    Actor, AuthorizationCode, Change, Client, ClientId, ClientKeys, CodeChallenge, Digest, Grant,
    GrantId, GrantType, KeyThumbprint, LoginSession, PasswordHash, PushedRequest, RedirectUri,
    RefreshToken, ResourceUri, SealedSigningKey, SigningAlgorithm, TenantSlug, Timestamp,
    TokenEndpointAuthMethod, User, UserId,
};
use gatehouse::store::{Rotation, Store};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// The present of every case.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// The instant `seconds` after [`NOW`].
pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

pub(crate) fn tenant(slug: &str) -> TenantSlug {
    slug.parse().unwrap()
}

pub(crate) fn acme() -> TenantSlug {
    tenant("acme")
}

/// A change that an operator makes at [`NOW`].
pub(crate) fn change(tenant: &TenantSlug) -> Change {
    change_at(tenant, NOW)
}

/// A change that an operator makes at that moment.
pub(crate) fn change_at(tenant: &TenantSlug, at: Timestamp) -> Change {
    Change {
        actor: Actor::Operator("test".to_owned()),
        ..Change::by_system(tenant, at)
    }
}

pub(crate) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A client with everything that a client can have.
pub(crate) fn client(id: &str) -> Client {
    Client {
        id: ClientId::new(id),
        name: Some("Météo \"App\"".to_owned()),
        uri: Some("https://client.example".to_owned()),
        redirect_uris: vec![
            RedirectUri::parse("https://client.example/callback?a=1").unwrap(),
            RedirectUri::parse("http://127.0.0.1/callback").unwrap(),
        ],
        auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
        secret: Some(digest("client secret")),
        keys: Some(ClientKeys::Inline(r#"{"keys":[]}"#.to_owned())),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: Some("mcp:tools metrics:read".parse().unwrap()),
        refusals: None,
        created_at: NOW,
    }
}

pub(crate) fn user(name: &str) -> User {
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned();
    User::local(
        UserId::new(format!("id-of-{name}")),
        name,
        ["member".to_owned()].into(),
        PasswordHash::new(hash),
        NOW,
    )
}

pub(crate) fn login_session(name: &str, user: &User) -> LoginSession {
    LoginSession {
        digest: digest(name),
        user: user.id.clone(),
        signed_in_at: NOW,
        expires_at: NOW.after(MINUTE),
        issuer: None,
        provider_session: None,
    }
}

pub(crate) fn grant(id: &str, user: &User) -> Grant {
    Grant {
        id: GrantId::new(id),
        client: ClientId::new("https://client.example/metadata.json"),
        user: user.id.clone(),
        scopes: "mcp:tools mcp:resources".parse().unwrap(),
        resource: ResourceUri::parse("https://mcp.example.com/t/acme/mcp").unwrap(),
        created_at: NOW,
        revoked_at: None,
    }
}

/// A code that ends a minute from [`NOW`], for the grant `grant-of-{name}`.
pub(crate) fn code(name: &str, user: &User) -> AuthorizationCode {
    AuthorizationCode {
        digest: digest(name),
        grant: grant(&format!("grant-of-{name}"), user),
        redirect_uri: RedirectUri::parse("http://127.0.0.1:4711/callback").unwrap(),
        challenge: CodeChallenge::from_digest(digest("verifier")),
        key: Some(KeyThumbprint::from_digest(digest("key"))),
        expires_at: NOW.after(MINUTE),
    }
}

/// A refresh token that ends 30 days from [`NOW`].
pub(crate) fn refresh_token(name: &str, grant: &GrantId) -> RefreshToken {
    RefreshToken {
        digest: digest(name),
        grant: grant.clone(),
        key: Some(KeyThumbprint::from_digest(digest("key"))),
        expires_at: NOW.after(DAY * 30),
    }
}

/// The exchange of the token `presented` for the token `successor`.
pub(crate) fn rotation(presented: &str, successor: &str, grant: &GrantId) -> Rotation {
    Rotation {
        presented: digest(presented),
        salt: salt(successor),
        successor: refresh_token(successor, grant),
        now: NOW,
        grace: GRACE,
    }
}

/// The salt that [`rotation`] gives to that successor.
pub(crate) fn salt(successor: &str) -> [u8; 32] {
    *digest(&format!("salt of {successor}")).as_bytes()
}

/// A pushed request that may be begun with for a minute from [`NOW`].
pub(crate) fn pushed_request(name: &str) -> PushedRequest {
    PushedRequest {
        digest: digest(name),
        client: ClientId::new("client"),
        request: "client_id=client&state=a%20state".to_owned(),
        created_at: NOW,
        expires_at: NOW.after(MINUTE),
    }
}

pub(crate) fn signing_key(id: &str) -> SealedSigningKey {
    SealedSigningKey {
        id: id.to_owned(),
        algorithm: SigningAlgorithm::Es256,
        sealed_key: format!("private key {id}").into_bytes(),
        created_at: NOW,
        signs_from: NOW,
    }
}

/// Adds the account `alice` to `acme`.
pub(crate) async fn add_alice(store: &dyn Store) -> User {
    let alice = user("alice");
    store.add_user(&change(&acme()), &alice).await.unwrap();
    alice
}

/// Begins a family in `acme` with the refresh token `first`; answers with its grant.
pub(crate) async fn begin_family(store: &dyn Store) -> GrantId {
    let code = code("code", &add_alice(store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let first = refresh_token("first", &code.grant.id);
    store
        .redeem_code(&change(&acme()), &code.digest, Some(&first))
        .await
        .unwrap();
    code.grant.id
}

/// When the grant of that refresh token was revoked.
pub(crate) async fn revoked_at(store: &dyn Store, token: &str) -> Option<Timestamp> {
    let found = store.find_refresh_token(&acme(), &digest(token)).await;
    found.unwrap().unwrap().1.revoked_at
}

/// Makes attempts `0..count` at the same time, taking turns between the replicas; answers in the
/// order of their numbers.
pub(crate) async fn race<T, F>(
    replicas: &[Arc<dyn Store>],
    count: usize,
    attempt: impl Fn(Arc<dyn Store>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let mut attempts = JoinSet::new();
    for (number, store) in (0..count).zip(replicas.iter().cycle()) {
        let (start, attempt) = (Arc::clone(&start), attempt(Arc::clone(store), number));
        let store = Arc::clone(store);
        attempts.spawn(async move {
            // Opens the connections beforehand, so that the first attempt has no head start.
            store.ping().await.unwrap();
            start.wait().await;
            (number, attempt.await)
        });
    }
    let mut answers = attempts.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
