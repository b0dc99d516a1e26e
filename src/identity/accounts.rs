//! Signing in with a local account.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Semaphore;

use super::password::{DECOY, verify_password};
use crate::jose::TextCipher;
use crate::model::{Clock, Digest, PasswordHash, Secret, SingleUse, TenantSlug, Timestamp, User};
use crate::store::{AttemptBound, Store, StoreError};

/// The local accounts.
#[derive(Debug)]
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// What browsers carry from which someone has signed in before.
    cipher: TextCipher,
    verifications: Semaphore,
}

/// Someone at the sign-in form.
#[derive(Debug)]
pub struct Visitor<'a> {
    /// Whom they say they are.
    pub username: &'a str,
    /// What they say to prove it.
    pub password: Secret,
    /// What the browser carries from an earlier sign-in.
    pub known: Option<Secret>,
}

/// Whether the password is right can't be said now.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The verification was cut off, as at the end of the process.
    #[error("the password verification was cut off")]
    CutOff,
    /// Too many passwords were tried; there may be another one from then on.
    #[error("too many passwords were tried")]
    TooOften(Duration),
}

/// NIST SP 800-63B §5.2.2: at most a hundred; ten are plenty for a person.
const MOST_ATTEMPTS: i64 = 10;
const WINDOW: Duration = Duration::from_mins(15);

impl Accounts {
    /// How many passwords are verified at a time: each takes a core and 19 MiB for a while.
    const VERIFICATIONS: usize = 2;

    /// The accounts in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, cipher: TextCipher) -> Self {
        Self {
            store,
            clock,
            cipher,
            verifications: Semaphore::new(Self::VERIFICATIONS),
        }
    }

    /// The person with that user name and password. Unknown, disabled and wrong take the same
    /// time and look the same.
    pub async fn sign_in(
        &self,
        tenant: &TenantSlug,
        visitor: Visitor<'_>,
    ) -> Result<Option<User>, SignInError> {
        let attempts = self.attempts_of(tenant, &visitor);
        self.admit(tenant, &attempts).await?;
        let user = self
            .store
            .find_user_by_name(tenant, visitor.username)
            .await?;
        // A person who signs in elsewhere has no password, and takes as long as anyone to refuse.
        let hash = user.as_ref().and_then(|user| user.password.clone());
        let hash = hash.unwrap_or_else(|| PasswordHash::new(DECOY.to_owned()));
        let correct = self.verify(visitor.password, hash).await?;
        let user = user.filter(|user| correct && !user.disabled);
        if user.is_some() {
            self.store.forget_sign_ins(tenant, &attempts).await?;
        }
        Ok(user)
    }

    /// What a browser carries from now on that `username` has signed in from.
    #[must_use]
    pub fn recognise(&self, tenant: &TenantSlug, username: &str) -> Option<Secret> {
        let sealed = self.cipher.seal(tenant.as_str(), username.as_bytes());
        sealed
            .ok()
            .map(|bytes| Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What an attempt counts against: the account, whoever tries; or the browser, where its person
    /// has signed in before. So strangers can use up their own attempts, and not that person's.
    fn attempts_of(&self, tenant: &TenantSlug, visitor: &Visitor<'_>) -> Digest {
        let opens = |cookie: &&Secret| {
            let sealed = URL_SAFE_NO_PAD.decode(cookie.expose()).unwrap_or_default();
            let opened = self.cipher.open(tenant.as_str(), &sealed);
            opened.is_ok_and(|name| name.expose() == visitor.username)
        };
        let known = visitor.known.as_ref().filter(opens);
        let (kind, browser) = match known {
            Some(cookie) => ("browser", cookie.expose()),
            None => ("account", ""),
        };
        let never = Timestamp::from_seconds(0);
        SingleUse::new(kind, visitor.username, browser, never).digest
    }

    async fn admit(&self, tenant: &TenantSlug, attempts: &Digest) -> Result<(), SignInError> {
        let now = self.clock.now();
        let bound = AttemptBound {
            most: MOST_ATTEMPTS,
            window: WINDOW,
            now,
        };
        match self.store.admit_sign_in(tenant, attempts, bound).await? {
            None => Ok(()),
            Some(until) => Err(SignInError::TooOften(until.since(now))),
        }
    }

    async fn verify(&self, password: Secret, hash: PasswordHash) -> Result<bool, SignInError> {
        let permit = self.verifications.acquire().await;
        let _permit = permit.map_err(|_| SignInError::CutOff)?;
        tokio::task::spawn_blocking(move || verify_password(&password, &hash))
            .await
            .map_err(|_| SignInError::CutOff)
    }
}
