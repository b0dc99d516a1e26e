//! What a gateway asks of its database, by the store that it uses itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatehouse::model::{
    Actor, AuditEntry, AuthorizationCode, Change, Client, ClientId, Clock as _, CodeChallenge,
    Digest, Event, Grant, GrantId, GrantType, LoginSession, PasswordHash, RedirectUri,
    RefreshToken, ResourceUri, SystemClock, TenantSlug, Timestamp, TokenEndpointAuthMethod, User,
    UserId,
};
use gatehouse::store::{AttemptBound, Rotation, RotationOutcome, Store, StoreError, Use};
use tokio::sync::Mutex;

/// A store with people who have signed in at it.
pub(crate) struct Traffic {
    pub(crate) store: Arc<dyn Store>,
    tenant: TenantSlug,
    user: User,
    client: ClientId,
    number: AtomicU64,
    /// The present refresh token of each family.
    families: Vec<Mutex<(Digest, GrantId)>>,
}

const MONTH: Duration = Duration::from_hours(24 * 30);
const GRACE: Duration = Duration::from_secs(30);

impl Traffic {
    /// A tenant of this name with one account, one client and that many families of tokens.
    pub(crate) async fn begin(
        store: Arc<dyn Store>,
        tenant: &str,
        families: usize,
    ) -> Result<Self, StoreError> {
        let user = User::local(
            UserId::new(format!("person-of-{tenant}")),
            "ada",
            ["member".to_owned()].into(),
            PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
            now(),
        );
        let mut traffic = Self {
            tenant: tenant.parse().unwrap(),
            client: ClientId::new(format!("client-of-{tenant}")),
            store,
            user,
            number: AtomicU64::default(),
            families: Vec::new(),
        };
        let change = traffic.change();
        let added = traffic.store.add_user(&change, &traffic.user);
        added.await?;
        let client = traffic.client.clone();
        traffic.register(client).await?;
        for _ in 0..families {
            let family = traffic.sign_in().await?;
            traffic.families.push(Mutex::new(family));
        }
        Ok(traffic)
    }

    fn change(&self) -> Change {
        Change {
            actor: Actor::Operator("simulation".to_owned()),
            ..Change::by_system(&self.tenant, now())
        }
    }

    fn digest(&self) -> Digest {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Digest::of(format!("{} {number}", self.tenant).as_bytes())
    }

    async fn register(&self, id: ClientId) -> Result<(), StoreError> {
        let client = Client {
            id,
            name: Some("A client".to_owned()),
            uri: None,
            redirect_uris: vec![RedirectUri::parse("http://127.0.0.1/callback").unwrap()],
            auth_method: TokenEndpointAuthMethod::None,
            secret: None,
            keys: None,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scopes: None,
            refusals: None,
            created_at: now(),
        };
        let change = self.change();
        let registered = self.store.register_client(&change, &client);
        registered.await
    }

    /// A client registers.
    pub(crate) async fn registration(&self) -> Result<(), StoreError> {
        self.register(ClientId::new(self.digest().to_hex())).await
    }

    /// A person signs in and allows a client, which exchanges its code: what the database does of it.
    pub(crate) async fn sign_in(&self) -> Result<(Digest, GrantId), StoreError> {
        let (store, now) = (&self.store, now());
        let session = LoginSession {
            digest: self.digest(),
            user: self.user.id.clone(),
            signed_in_at: now,
            expires_at: now.after(MONTH),
            issuer: None,
            provider_session: None,
        };
        // At /authorize, /login, /consent and /token.
        for _ in 0..4 {
            let found = store.find_client(&self.tenant, &self.client).await;
            assert!(found?.is_some());
        }
        let bound = AttemptBound {
            most: 10,
            window: Duration::from_mins(15),
            now,
        };
        let attempts = self.digest();
        let admitted = store.admit_sign_in(&self.tenant, &attempts, bound).await;
        assert_eq!(admitted?, None);
        let found = store.find_user_by_name(&self.tenant, "ada").await;
        assert!(found?.is_some());
        let forgotten = store.forget_sign_ins(&self.tenant, &attempts).await;
        forgotten?;
        let change = self.change();
        let started = store.start_login_session(&change, &session);
        started.await?;
        // The pages look who is there.
        for _ in 0..2 {
            let found = store.find_login_session(&self.tenant, &session.digest, now);
            assert!(found.await?.is_some());
            let found = store.find_user(&self.tenant, &self.user.id).await;
            assert!(found?.is_some());
        }
        let grant = Grant {
            id: GrantId::new(self.digest().to_hex()),
            client: self.client.clone(),
            user: self.user.id.clone(),
            scopes: "mcp:tools mcp:resources".parse().unwrap(),
            resource: ResourceUri::parse("https://mcp.example.com/mcp").unwrap(),
            created_at: now,
            revoked_at: None,
        };
        let code = AuthorizationCode {
            digest: self.digest(),
            grant,
            redirect_uri: RedirectUri::parse("http://127.0.0.1:4711/callback").unwrap(),
            challenge: CodeChallenge::from_digest(self.digest()),
            key: None,
            expires_at: now.after(Duration::from_mins(1)),
        };
        store.issue_code(&change, &code, true).await?;
        let found = store.find_code(&self.tenant, &code.digest).await;
        let grant = found?.expect("the code is there").0.grant.id;
        let token = self.token(&grant);
        let redeemed = store.redeem_code(&change, &code.digest, Some(&token));
        redeemed.await?;
        Ok((token.digest, grant))
    }

    fn token(&self, grant: &GrantId) -> RefreshToken {
        RefreshToken {
            digest: self.digest(),
            grant: grant.clone(),
            key: None,
            expires_at: now().after(MONTH),
        }
    }

    /// A client refreshes its token.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(number).unwrap() % self.families.len();
        let mut family = self.families[place].lock().await;
        let (presented, grant) = &*family;
        let store = &self.store;
        let found = store.find_client(&self.tenant, &self.client).await;
        assert!(found?.is_some());
        let found = store.find_refresh_token(&self.tenant, presented).await;
        assert!(found?.is_some());
        let successor = self.token(grant);
        let rotation = Rotation {
            presented: *presented,
            salt: *self.digest().as_bytes(),
            successor: successor.clone(),
            now: now(),
            grace: GRACE,
        };
        let rotated = store.rotate_refresh_token(&self.change(), &rotation).await;
        assert_eq!(rotated?, RotationOutcome::Rotated);
        family.0 = successor.digest;
        Ok(())
    }

    /// A replica writes what was called since it last did, and what changes wrote.
    pub(crate) async fn audit(&self, calls: usize) -> Result<(), StoreError> {
        let entry =
            || -> AuditEntry { Event::TokenRefused("a call stands here").entry(&self.change()) };
        let entries: Vec<AuditEntry> = std::iter::repeat_with(entry).take(calls).collect();
        self.store.list_pending_audit().await?;
        let chained = self.store.chain_audit(&self.tenant, &entries);
        chained.await?;
        Ok(())
    }

    /// Writes into the chain all that changes have left behind.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        while self
            .store
            .list_pending_audit()
            .await?
            .contains(&self.tenant)
        {
            self.store.chain_audit(&self.tenant, &[]).await?;
        }
        Ok(())
    }

    /// A replica tells the others what was used of so many limits.
    pub(crate) async fn exchange(&self, keys: usize) -> Result<(), StoreError> {
        let limit = "100000/s".parse().unwrap();
        let first = self.number.fetch_add(1, Ordering::Relaxed) % 1000;
        let used = |key: usize| Use {
            key: Digest::of(format!("{} {} {key}", self.tenant, first).as_bytes()),
            limit,
            requests: 1,
        };
        let all: Vec<Use> = (0..keys).map(used).collect();
        self.store.add_uses(&all).await?;
        Ok(())
    }

    /// What a replica looks at each second, whatever its callers do.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        let (store, since) = (&self.store, now());
        let tenants = [self.tenant.clone()];
        let (revocations, sessions, version, keys, decisions) = tokio::join!(
            store.list_revocations(since),
            store.list_ended_sessions(since),
            store.tenants_version(),
            store.list_signing_keys_of(&tenants),
            store.tool_decisions(),
        );
        revocations?;
        sessions?;
        version?;
        keys?;
        decisions?;
        for _ in 0..3 {
            // The audit writer's looks that find nothing; the fourth comes with [`Traffic::audit`].
            store.list_pending_audit().await?;
        }
        Ok(())
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}
