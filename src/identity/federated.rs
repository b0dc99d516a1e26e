//! Accounts of people who sign in at an identity provider: made at the first sign-in, and looked at
//! again at each refresh.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::oidc::{Person, ProviderError, RelyingParty};
use crate::jose::TextCipher;
use crate::model::{
    Actor, Change, Clock, ExternalIdentity, GroupSnapshot, IdentityProvider, Random, Secret,
    Tenant, Timestamp, User, UserId, new_identifier,
};
use crate::store::{ProviderLease, ProviderTokenOutcome, Store, StoreError};

/// The accounts of people who sign in elsewhere.
#[derive(Debug)]
pub struct FederatedAccounts {
    /// Where the accounts are.
    pub store: Arc<dyn Store>,
    /// Who asks the providers.
    pub party: RelyingParty,
    /// What the providers' tokens are sealed with in the database.
    pub cipher: TextCipher,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Entropy for identifiers.
    pub random: Arc<dyn Random>,
}

/// Why someone who a provider vouches for doesn't get in.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// None of their groups has a role.
    #[error("none of the person's groups has a role")]
    NoRole,
    /// An operator has disabled the account.
    #[error("the account is disabled")]
    Disabled,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an account can't be looked at again.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// The provider no longer vouches for the person.
    #[error("the provider no longer vouches for the person")]
    Ended,
    /// What it last said is too old, and only a sign-in brings something newer.
    #[error("the person has to sign in again")]
    SignInAgain,
    /// What it last said is too old, and it can't be asked now.
    #[error("the provider can't be asked")]
    TryLater,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// For how long one replica may use a provider's token: longer than any request to it lasts.
const LEASE: Duration = Duration::from_secs(15);
/// How often, and how many times, the others look whether it is free.
const TURN: Duration = Duration::from_millis(100);
const TURNS: u32 = 50;

/// The longest user name.
const MAX_USERNAME: usize = 128;

impl FederatedAccounts {
    /// The account of someone who has just signed in at `provider`. Issuer and subject find it, and
    /// nothing else: whoever comes with someone's e-mail address gets an account of their own.
    pub async fn admit(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        person: &Person,
    ) -> Result<User, AdmissionError> {
        // Who signs in and is in no group is in none.
        let person = &Person {
            groups: Some(person.groups.clone().unwrap_or_default()),
            ..person.clone()
        };
        let user = self
            .recognise(tenant, provider, person, self.clock.now())
            .await?;
        let sealed = self.seal(tenant, &user.id, person.refresh_token.as_ref());
        self.store
            .keep_provider_token(&tenant.slug, &user.id, sealed.as_deref())
            .await?;
        Ok(user)
    }

    /// The account with what its provider says of it now. Local accounts are as they are.
    pub async fn renew(
        self: &Arc<Self>,
        tenant: &Tenant,
        user: User,
    ) -> Result<User, RenewalError> {
        let Some(identity) = &user.identity else {
            return Ok(user);
        };
        let provider = tenant.sign_in.provider(&identity.provider);
        let provider = provider.filter(|provider| provider.is_issuer(&identity.issuer));
        let provider = provider.ok_or(RenewalError::SignInAgain)?.clone();
        let asked_at = self.clock.now();
        for _ in 0..TURNS {
            let now = self.clock.now();
            let lease =
                self.store
                    .lease_provider_token(&tenant.slug, &user.id, (now, now.after(LEASE)));
            match lease.await? {
                ProviderLease::Leased(sealed) => {
                    let (this, tenant) = (Arc::clone(self), tenant.clone());
                    // On its own: were it cut off with the client's connection, a new token of the
                    // provider could be lost.
                    let asked =
                        tokio::spawn(
                            async move { this.ask(&tenant, &provider, user, &sealed).await },
                        );
                    return asked.await.map_err(|_| RenewalError::TryLater)?;
                }
                ProviderLease::Ended => return Err(RenewalError::Ended),
                ProviderLease::None => {
                    let too_old = RenewalError::SignInAgain;
                    return self.fall_back(tenant, &provider, user, too_old).await;
                }
                ProviderLease::Busy => tokio::time::sleep(TURN).await,
            }
            // Whoever was using the token asked about the same person a moment ago.
            if let Some(newer) = self.store.find_user(&tenant.slug, &user.id).await?
                && newer
                    .groups
                    .as_ref()
                    .is_some_and(|groups| groups.taken_at >= asked_at)
            {
                return Ok(newer);
            }
        }
        Err(RenewalError::TryLater)
    }

    async fn ask(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        user: User,
        sealed: &[u8],
    ) -> Result<User, RenewalError> {
        let subject = user
            .identity
            .as_ref()
            .map(|identity| identity.subject.clone());
        let subject = subject.unwrap_or_default();
        let place = place(tenant, &user.id);
        let asked = match self.cipher.open(&place, sealed) {
            Ok(token) => {
                self.party
                    .refresh(tenant, provider, (&subject, &token))
                    .await
            }
            Err(_) => Err(ProviderError::Unavailable(
                "its token was sealed with another key",
            )),
        };
        let renewed = asked.as_ref().ok();
        let renewed = renewed.and_then(|person| person.refresh_token.as_ref());
        let renewed = self.seal(tenant, &user.id, renewed);
        let outcome = match (&asked, &renewed) {
            (Err(ProviderError::Refused), _) => ProviderTokenOutcome::Refused,
            (_, Some(sealed)) => ProviderTokenOutcome::Renewed(sealed),
            (_, None) => ProviderTokenOutcome::Kept,
        };
        // The account first: whoever waits for the token finds what it brought.
        let result = self.judge(tenant, provider, user.clone(), asked).await;
        self.store
            .return_provider_token(&tenant.slug, &user.id, outcome)
            .await?;
        result
    }

    async fn judge(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        user: User,
        asked: Result<Person, ProviderError>,
    ) -> Result<User, RenewalError> {
        match asked {
            Ok(person) => {
                let described = User {
                    email: person.email.clone().or_else(|| user.email.clone()),
                    display_name: person
                        .display_name
                        .clone()
                        .or_else(|| user.display_name.clone()),
                    ..self.describe(provider, &person, self.clock.now())
                };
                Ok(self.update(tenant, user, described).await?)
            }
            Err(ProviderError::Refused) => Err(RenewalError::Ended),
            Err(error @ (ProviderError::Unavailable(_) | ProviderError::Untrusted(_))) => {
                tracing::warn!(provider.name = %provider.name, user.id = %user.id, reason = %error,
                    "a person's groups can't be asked for");
                self.fall_back(tenant, provider, user, RenewalError::TryLater)
                    .await
            }
            Err(error @ ProviderError::Invalid(_)) => {
                tracing::warn!(provider.name = %provider.name, user.id = %user.id, reason = %error,
                    "a provider's answer is refused");
                Err(RenewalError::TryLater)
            }
            Err(ProviderError::TooManyGroups | ProviderError::OtherOrganisation) => {
                Ok(self.without_groups(tenant, user).await?)
            }
        }
    }

    /// What was last said counts for a while.
    async fn fall_back(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        user: User,
        too_old: RenewalError,
    ) -> Result<User, RenewalError> {
        let now = self.clock.now();
        let age = |groups: &GroupSnapshot| now.since(groups.taken_at);
        let fresh = |groups: &&GroupSnapshot| age(groups) <= tenant.sign_in.groups_max_age;
        let Some(groups) = user.groups.as_ref().filter(fresh) else {
            return Err(too_old);
        };
        // The operator may have given the groups other roles since.
        let roles = provider.roles_of(&groups.groups);
        if roles == user.roles {
            return Ok(user);
        }
        let user = User { roles, ..user };
        self.store.update_person(&tenant.slug, &user).await?;
        Ok(user)
    }

    async fn without_groups(&self, tenant: &Tenant, user: User) -> Result<User, StoreError> {
        let groups = GroupSnapshot {
            groups: BTreeSet::new(),
            taken_at: self.clock.now(),
        };
        let user = User {
            roles: BTreeSet::new(),
            groups: Some(groups),
            ..user
        };
        self.store.update_person(&tenant.slug, &user).await?;
        Ok(user)
    }

    /// An account as it would be if the person came for the first time.
    pub(super) fn describe(
        &self,
        provider: &IdentityProvider,
        person: &Person,
        said_at: Timestamp,
    ) -> User {
        let groups = person.groups.clone().unwrap_or_default();
        let called = person.username.as_ref().or(person.email.as_ref());
        let called = called.unwrap_or(&person.subject);
        User {
            id: UserId::new(new_identifier(&*self.random)),
            username: username(&provider.name, called),
            roles: provider.roles_of(&groups),
            password: None,
            identity: Some(ExternalIdentity {
                provider: provider.name.clone(),
                issuer: person.issuer.clone(),
                subject: person.subject.clone(),
            }),
            email: person.email.clone(),
            display_name: person.display_name.clone(),
            groups: Some(GroupSnapshot {
                groups,
                taken_at: said_at,
            }),
            disabled: false,
            created_at: self.clock.now(),
        }
    }

    pub(super) async fn update(
        &self,
        tenant: &Tenant,
        user: User,
        said: User,
    ) -> Result<User, StoreError> {
        let user = User {
            roles: said.roles,
            identity: user.identity.clone().map(|identity| ExternalIdentity {
                provider: said
                    .identity
                    .map_or(identity.provider, |said| said.provider),
                ..identity
            }),
            email: said.email,
            display_name: said.display_name,
            groups: said.groups,
            ..user
        };
        self.store.update_person(&tenant.slug, &user).await?;
        Ok(user)
    }

    /// Adds an account. Its name may be taken: by someone of the same name, or by the same person,
    /// who is signing in twice at once.
    pub(super) async fn add(&self, tenant: &Tenant, user: User) -> Result<User, StoreError> {
        match self.store.add_user(&self.change(tenant), &user).await {
            Err(StoreError::Conflict) => {}
            added => return added.map(|()| user),
        }
        if let Some(identity) = &user.identity {
            let (issuer, subject) = (&identity.issuer, &identity.subject);
            let same = self
                .store
                .find_user_by_identity(&tenant.slug, issuer, subject);
            if let Some(same) = same.await? {
                return self.update(tenant, same, user).await;
            }
        }
        let beginning: String = user.id.as_str().chars().take(8).collect();
        let username = format!("{}#{beginning}", user.username);
        let user = User { username, ..user };
        self.store.add_user(&self.change(tenant), &user).await?;
        Ok(user)
    }

    fn change(&self, tenant: &Tenant) -> Change {
        Change::new(&tenant.slug, Actor::System, &*self.clock)
    }

    fn seal(&self, tenant: &Tenant, user: &UserId, token: Option<&Secret>) -> Option<Vec<u8>> {
        let text = token?.expose().as_bytes();
        self.cipher.seal(&place(tenant, user), text).ok()
    }
}

/// Where a token opens: a row that is copied elsewhere doesn't. A slug has no slash.
fn place(tenant: &Tenant, user: &UserId) -> String {
    format!("provider token/{}/{user}", tenant.slug)
}

/// A name that operators can type. That of the provider before it keeps it from being taken for a
/// local account.
fn username(provider: &str, called: &str) -> String {
    let sound = |c: &char| !c.is_control() && !c.is_whitespace();
    let mut name = format!("{provider}/");
    for c in called.chars().filter(sound) {
        // Room for a suffix.
        if name.len() + c.len_utf8() > MAX_USERNAME - 9 {
            break;
        }
        name.push(c);
    }
    name
}
