//! What the audit log tells of: the events, their names and what is written with each.

use super::{
    AuditEntry, Change, ClientId, Grant, GrantId, ScopeSet, TenantSlug, ToolNews, ToolNewsKind,
    UserId,
};

/// Something that the audit log tells. None of them carries a token, a code or a secret.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A person signed in.
    SignedIn(&'a UserId),
    /// A sign-in was refused; the account, where there is one of the name that was given. The name
    /// itself is not written: people mistake the field for that of the password.
    SignInRefused(Option<&'a UserId>),
    /// A person signed out.
    SignedOut(&'a UserId),
    /// A person was asked and let a client act for them.
    ConsentGiven(&'a Grant),
    /// A client got a grant without a question, by what its person agreed to before.
    ConsentReused(&'a Grant),
    /// A person was asked and said no.
    ConsentDenied(&'a ClientId),
    /// What a person agreed to is kept for the next time.
    ConsentRemembered(&'a ClientId, &'a ScopeSet),
    /// A person took back what they had agreed to.
    ConsentWithdrawn(&'a ClientId),
    /// A client got tokens by this grant type.
    TokenIssued(&'static str),
    /// A refresh token was exchanged for its successor.
    TokenRefreshed(&'a GrantId),
    /// The exchange of a refresh token was answered again, within the grace period.
    TokenRefreshRepeated(&'a GrantId),
    /// A refresh token came again that was exchanged before: its grant is revoked.
    TokenReused(&'a GrantId),
    /// A code came again that was redeemed before: its grant is revoked.
    CodeReplayed,
    /// The token endpoint refused a request, with this error code.
    TokenRequestRefused(&'a str),
    /// A grant was revoked with its tokens.
    GrantRevoked(&'a GrantId),
    /// The MCP endpoint refused an access token (401).
    TokenRefused(&'a str),
    /// A request was refused for lack of scope (403): what it was about to do, and all that it needs.
    ScopeRefused(&'a str, &'a ScopeSet),
    /// A request was refused by the tenant's policy: what it was about to do, and the reason.
    PolicyRefused(&'a str, &'a str),
    /// A person linked their account at a mounted server of this name.
    AccountLinked(&'a UserId, &'a str),
    /// A person took that back.
    AccountUnlinked(&'a UserId, &'a str),
    /// A client registered itself.
    ClientRegistered(&'a ClientId),
    /// An operator added a client.
    ClientAdded(&'a ClientId),
    /// A client's registration was changed.
    ClientChanged(&'a ClientId),
    /// A client was removed.
    ClientRemoved(&'a ClientId),
    /// A client that nobody ever used was removed.
    ClientExpired(&'a ClientId),
    /// An account was added: its identifier and its user name.
    UserAdded(&'a UserId, &'a str),
    /// An account was disabled.
    UserDisabled(&'a UserId, &'a str),
    /// An account was enabled again.
    UserEnabled(&'a UserId, &'a str),
    /// An account was changed otherwise, or got other roles.
    UserChanged(&'a UserId, &'a str),
    /// An operator was added.
    OperatorAdded(&'a str),
    /// An operator was removed.
    OperatorRemoved(&'a str),
    /// An account was removed.
    UserRemoved(&'a UserId, &'a str),
    /// Groups gave a person these roles.
    RolesAssigned(&'a UserId, &'a str),
    /// An identity provider added a group: its identifier and its name.
    GroupAdded(&'a str, &'a str),
    /// An identity provider changed a group: its identifier and its name.
    GroupChanged(&'a str, &'a str),
    /// An identity provider removed a group: its identifier and its name.
    GroupRemoved(&'a str, &'a str),
    /// A person came into a group: the group's identifier.
    MemberAdded(&'a UserId, &'a str),
    /// A person left a group: the group's identifier.
    MemberRemoved(&'a UserId, &'a str),
    /// An operator issued a token for provisioning.
    ProvisioningTokenIssued,
    /// An operator revoked the tokens for provisioning.
    ProvisioningTokensRevoked,
    /// A signing key was added.
    KeyAdded(&'a str),
    /// A tenant was added, or is in the configuration file again.
    TenantAdded(&'a TenantSlug),
    /// The address or the settings of a tenant were changed.
    TenantChanged(&'a TenantSlug),
    /// A tenant is no longer in the configuration file.
    TenantDeactivated(&'a TenantSlug),
    /// A tenant was removed with everything that it had.
    TenantRemoved(&'a TenantSlug),
    /// Something happened to what is on record of a mounted server's tools.
    Tool(&'a ToolNews),
    /// The log was cut off at its beginning, up to this number and hash.
    AuditTrimmed(i64, &'a str),
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was not allowed.
    Refused,
    /// It was tried and did not work.
    Failed,
    /// Whoever asked for it went away.
    Cancelled,
}

/// What an event adds to a change.
#[derive(Default)]
struct Parts<'a> {
    user: Option<&'a UserId>,
    client: Option<&'a ClientId>,
    grant: Option<&'a GrantId>,
    target: Option<&'a str>,
    detail: Vec<(&'static str, String)>,
}

impl Outcome {
    /// The word in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Event<'_> {
    /// The name in the log. Names are a contract: they don't change.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignedIn(_) => "sign_in.accepted",
            Self::SignInRefused(_) => "sign_in.refused",
            Self::SignedOut(_) => "sign_in.ended",
            Self::ConsentGiven(_) => "consent.given",
            Self::ConsentReused(_) => "consent.reused",
            Self::ConsentDenied(_) => "consent.denied",
            Self::ConsentRemembered(..) => "consent.remembered",
            Self::ConsentWithdrawn(_) => "consent.withdrawn",
            Self::TokenIssued(_) => "token.issued",
            Self::TokenRefreshed(_) => "token.refreshed",
            Self::TokenRefreshRepeated(_) => "token.refresh_repeated",
            Self::TokenReused(_) => "token.reuse_detected",
            Self::CodeReplayed => "code.replay_detected",
            Self::TokenRequestRefused(_) => "token.request_refused",
            Self::GrantRevoked(_) => "grant.revoked",
            Self::TokenRefused(_) => "access.token_refused",
            Self::ScopeRefused(..) => "access.scope_refused",
            Self::PolicyRefused(..) => "access.policy_refused",
            Self::AccountLinked(..) => "account.linked",
            Self::AccountUnlinked(..) => "account.unlinked",
            Self::ClientRegistered(_) => "client.registered",
            Self::ClientAdded(_) => "client.added",
            Self::ClientChanged(_) => "client.changed",
            Self::ClientRemoved(_) => "client.removed",
            Self::ClientExpired(_) => "client.expired",
            Self::UserAdded(..) => "user.added",
            Self::UserDisabled(..) => "user.disabled",
            Self::UserEnabled(..) => "user.enabled",
            Self::UserRemoved(..) => "user.removed",
            Self::UserChanged(..) => "user.changed",
            Self::OperatorAdded(_) => "operator.added",
            Self::OperatorRemoved(_) => "operator.removed",
            Self::RolesAssigned(..) => "user.roles_assigned",
            Self::GroupAdded(..) => "group.added",
            Self::GroupChanged(..) => "group.changed",
            Self::GroupRemoved(..) => "group.removed",
            Self::MemberAdded(..) => "group.member_added",
            Self::MemberRemoved(..) => "group.member_removed",
            Self::ProvisioningTokenIssued => "provisioning.token_issued",
            Self::ProvisioningTokensRevoked => "provisioning.tokens_revoked",
            Self::KeyAdded(_) => "key.added",
            Self::TenantAdded(_) => "tenant.added",
            Self::TenantChanged(_) => "tenant.changed",
            Self::TenantDeactivated(_) => "tenant.deactivated",
            Self::TenantRemoved(_) => "tenant.removed",
            Self::Tool(news) => news.kind.event(),
            Self::AuditTrimmed(..) => "audit.trimmed",
        }
    }

    /// How it went.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        if matches!(
            self,
            Self::SignInRefused(_)
                | Self::ConsentDenied(_)
                | Self::TokenReused(_)
                | Self::CodeReplayed
                | Self::TokenRequestRefused(_)
                | Self::TokenRefused(_)
                | Self::ScopeRefused(..)
                | Self::PolicyRefused(..)
                | Self::Tool(ToolNews {
                    kind: ToolNewsKind::Refused,
                    ..
                })
        ) {
            Outcome::Refused
        } else {
            Outcome::Success
        }
    }

    /// The entry of the log that tells of it.
    #[must_use]
    pub fn entry(&self, change: &Change) -> AuditEntry {
        let parts = self.parts();
        let mut entry = AuditEntry::of(change, self.name(), self.outcome());
        let text = |text: &str| Some(text.to_owned());
        entry.user = parts.user.map_or(entry.user, |id| text(id.as_str()));
        entry.client = parts.client.map_or(entry.client, |id| text(id.as_str()));
        entry.grant = parts.grant.map_or(entry.grant, |id| text(id.as_str()));
        entry.aim(parts.target);
        entry.explain(parts.detail);
        entry
    }

    fn parts(&self) -> Parts<'_> {
        let said = |name, text: String| Parts::default().saying(name, text);
        match *self {
            Self::SignedIn(user) | Self::SignedOut(user) => Parts::of_user(Some(user)),
            Self::SignInRefused(user) => Parts::of_user(user),
            Self::ConsentGiven(grant) | Self::ConsentReused(grant) => Parts {
                user: Some(&grant.user),
                client: Some(&grant.client),
                grant: Some(&grant.id),
                target: Some(grant.resource.as_str()),
                detail: vec![("scope", grant.scopes.to_string())],
            },
            Self::ConsentRemembered(client, scopes) => {
                Parts::of_client(client).saying("scope", scopes.to_string())
            }
            Self::ConsentDenied(client) | Self::ConsentWithdrawn(client) => {
                Parts::of_client(client)
            }
            Self::TokenIssued(grant_type) => said("grant_type", grant_type.to_owned()),
            Self::TokenRefreshed(grant)
            | Self::TokenRefreshRepeated(grant)
            | Self::TokenReused(grant)
            | Self::GrantRevoked(grant) => Parts {
                grant: Some(grant),
                ..Parts::default()
            },
            Self::CodeReplayed
            | Self::ProvisioningTokenIssued
            | Self::ProvisioningTokensRevoked => Parts::default(),
            Self::TokenRequestRefused(error) => said("error", error.to_owned()),
            Self::TokenRefused(reason) => said("reason", reason.to_owned()),
            Self::ScopeRefused(target, required) => {
                said("required", required.to_string()).at(target)
            }
            Self::PolicyRefused(target, reason) => said("reason", reason.to_owned()).at(target),
            Self::ClientRegistered(client)
            | Self::ClientAdded(client)
            | Self::ClientChanged(client)
            | Self::ClientRemoved(client)
            | Self::ClientExpired(client) => Parts::of_client(client).at(client.as_str()),
            Self::AccountLinked(user, name)
            | Self::AccountUnlinked(user, name)
            | Self::UserAdded(user, name)
            | Self::UserDisabled(user, name)
            | Self::UserEnabled(user, name)
            | Self::UserChanged(user, name)
            | Self::UserRemoved(user, name) => Parts::of_user(Some(user)).at(name),
            Self::RolesAssigned(user, roles) => {
                Parts::of_user(Some(user)).saying("roles", roles.to_owned())
            }
            Self::GroupAdded(id, name)
            | Self::GroupChanged(id, name)
            | Self::GroupRemoved(id, name) => said("name", name.to_owned()).at(id),
            Self::MemberAdded(user, group) | Self::MemberRemoved(user, group) => {
                Parts::of_user(Some(user)).at(group)
            }
            Self::KeyAdded(id) | Self::OperatorAdded(id) | Self::OperatorRemoved(id) => {
                Parts::default().at(id)
            }
            Self::TenantAdded(slug)
            | Self::TenantChanged(slug)
            | Self::TenantDeactivated(slug)
            | Self::TenantRemoved(slug) => Parts::default().at(slug.as_str()),
            Self::Tool(news) => {
                let digest = news.digest.map(|digest| digest.to_hex());
                let parts = Parts::default().at(&news.target);
                let parts = parts.saying("what", news.detail.clone());
                match digest {
                    Some(digest) => parts.saying("digest", digest),
                    None => parts,
                }
            }
            Self::AuditTrimmed(sequence, hash) => said("sequence", sequence.to_string()).at(hash),
        }
    }
}

impl<'a> Parts<'a> {
    fn of_user(user: Option<&'a UserId>) -> Self {
        Self {
            user,
            ..Self::default()
        }
    }

    fn of_client(client: &'a ClientId) -> Self {
        Self {
            client: Some(client),
            ..Self::default()
        }
    }

    fn at(self, target: &'a str) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    fn saying(mut self, name: &'static str, text: String) -> Self {
        self.detail.push((name, text));
        self
    }
}
