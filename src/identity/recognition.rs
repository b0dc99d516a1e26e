//! Who someone is that an identity provider vouches for: one way for sign-ins and for assertions.

use super::federated::{AdmissionError, FederatedAccounts};
use super::oidc::Person;
use crate::model::{GroupSnapshot, IdentityProvider, Tenant, Timestamp, User};

impl FederatedAccounts {
    /// The account of someone whom `provider` vouched for at `said_at`. It may say nothing about
    /// their groups, or less than is known already: then what was said last counts for a while.
    pub async fn recognise(
        &self,
        tenant: &Tenant,
        provider: &IdentityProvider,
        person: &Person,
        said_at: Timestamp,
    ) -> Result<User, AdmissionError> {
        let (issuer, subject) = (&person.issuer, &person.subject);
        let found = self
            .store
            .find_user_by_identity(&tenant.slug, issuer, subject);
        let described = self.describe(provider, person, said_at);
        let newer = |groups: &GroupSnapshot| groups.taken_at > said_at;
        let user = match found.await? {
            Some(user) if person.groups.is_none() || user.groups.as_ref().is_some_and(newer) => {
                self.with_last_groups(tenant, provider, user)
            }
            Some(user) => {
                let described = User {
                    email: described.email.or_else(|| user.email.clone()),
                    display_name: described.display_name.or_else(|| user.display_name.clone()),
                    ..described
                };
                self.update(tenant, user, described).await?
            }
            None if described.roles.is_empty() => return Err(AdmissionError::NoRole),
            None => self.add(tenant, described).await?,
        };
        if user.disabled {
            return Err(AdmissionError::Disabled);
        }
        if user.roles.is_empty() {
            return Err(AdmissionError::NoRole);
        }
        Ok(user)
    }

    /// The account with the roles of the groups that were last named, unless that is too long ago.
    fn with_last_groups(&self, tenant: &Tenant, provider: &IdentityProvider, user: User) -> User {
        let now = self.clock.now();
        let fresh =
            |groups: &&GroupSnapshot| now.since(groups.taken_at) <= tenant.sign_in.groups_max_age;
        let groups = user.groups.as_ref().filter(fresh);
        let roles = groups.map(|groups| provider.roles_of(&groups.groups));
        User {
            roles: roles.unwrap_or_default(),
            ..user
        }
    }
}
