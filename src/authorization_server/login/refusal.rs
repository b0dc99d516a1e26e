//! Why nobody is signed in, in words for a person.

use std::time::Duration;

use http::StatusCode;

use crate::authorization_server::pages::{Brand, ErrorPage};
use crate::identity::AdmissionError;
use crate::identity::oidc::ProviderError;
use crate::model::{IdentityProvider, Tenant};
use crate::store::StoreError;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(in crate::authorization_server) enum SignInRefusal {
    #[error("the state is unknown, expired or spent")]
    UnknownState,
    #[error("the sign-in began in another browser")]
    OtherBrowser,
    #[error("the request is too long to be carried through the provider")]
    TooLong,
    #[error("the provider can't be used")]
    Unavailable(String),
    #[error("the provider signed nobody in")]
    Declined(String),
    #[error("the provider's answer is refused: {1}")]
    Invalid(String, ProviderError),
    #[error("the person is in too many groups")]
    TooManyGroups(String),
    #[error("the account is of another organisation")]
    OtherOrganisation(String),
    #[error("none of the person's groups has a role")]
    NoRole(String),
    #[error("the account is disabled")]
    Disabled(String),
    #[error("too many passwords were tried")]
    TooOften(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignInRefusal {
    pub(super) fn of(error: &ProviderError, tenant: &Tenant, provider: &IdentityProvider) -> Self {
        match error {
            ProviderError::Unavailable(_) | ProviderError::Untrusted(_) => {
                tracing::warn!(provider.name = %provider.name, reason = %error, "nobody can sign in");
                Self::unavailable(provider)
            }
            ProviderError::Refused | ProviderError::Invalid(_) => {
                tracing::warn!(provider.name = %provider.name, reason = %error, "a sign-in is refused");
                Self::Invalid(
                    format!(
                        "What {} answered does not hold. Nothing was changed.",
                        provider.title
                    ),
                    *error,
                )
            }
            ProviderError::TooManyGroups => Self::TooManyGroups(format!(
                "{} Tell them that {} names too many groups: it should name those that are \
                 assigned to this application only, or application roles in their place.",
                whom_to_ask(tenant),
                provider.title
            )),
            ProviderError::OtherOrganisation => Self::OtherOrganisation(format!(
                "Sign in with the account of your organisation. {}",
                whom_to_ask(tenant)
            )),
        }
    }

    pub(super) fn of_admission(error: AdmissionError, tenant: &Tenant) -> Self {
        match error {
            AdmissionError::NoRole => Self::NoRole(whom_to_ask(tenant)),
            AdmissionError::Disabled => Self::Disabled(whom_to_ask(tenant)),
            AdmissionError::Store(error) => Self::Store(error),
        }
    }

    pub(super) fn unavailable(provider: &IdentityProvider) -> Self {
        Self::Unavailable(format!(
            "{} does not answer, or not as it should. Those who are signed in here stay signed in.",
            provider.title
        ))
    }

    pub(super) fn declined(provider: &IdentityProvider) -> Self {
        Self::Declined(format!("{} did not sign you in.", provider.title))
    }

    pub(in crate::authorization_server) fn too_often(wait: Duration) -> Self {
        let minutes = wait.as_secs().div_ceil(60).max(1);
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        Self::TooOften(format!(
            "Wait {minutes} {unit}, then try again. A browser that you have signed in with before is \
             not held up by what others try."
        ))
    }

    pub(in crate::authorization_server) const fn status(&self) -> StatusCode {
        match self {
            Self::OtherBrowser
            | Self::TooManyGroups(_)
            | Self::OtherOrganisation(_)
            | Self::NoRole(_)
            | Self::Disabled(_) => StatusCode::FORBIDDEN,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownState | Self::TooLong | Self::Declined(_) | Self::Invalid(..) => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// What happened and what to do about it.
    pub(in crate::authorization_server) fn page<'a>(&'a self, tenant: &'a Tenant) -> ErrorPage<'a> {
        let (title, explanation, advice) = self.texts();
        ErrorPage {
            brand: Brand::of(tenant),
            title,
            explanation,
            advice,
            again: None,
        }
    }

    fn texts(&self) -> (&str, &str, &str) {
        let again = "Go back to the application and connect again.";
        match self {
            Self::UnknownState => (
                "This sign-in is no longer valid",
                "It was finished already, or it took longer than ten minutes. Nothing was changed.",
                again,
            ),
            Self::OtherBrowser => (
                "This sign-in began elsewhere",
                "It was begun in another browser, or this browser did not keep our cookie. To keep \
                 your access safe, nothing was done.",
                "If you did not start this yourself, close this page. Otherwise go back to the \
                 application and connect again. Your browser must accept cookies from this site.",
            ),
            Self::TooLong => (
                "This link is too long",
                "The application sent more than can be carried through the sign-in.",
                "Report it to those who make the application: it should push its request, or send \
                 a shorter state.",
            ),
            Self::Unavailable(explanation) => (
                "You can’t sign in right now",
                explanation,
                "Wait a minute, then go back to the application and connect again.",
            ),
            Self::Declined(explanation) => ("You are not signed in", explanation, again),
            Self::Invalid(explanation, _) => (
                "You could not be signed in",
                explanation,
                "Go back to the application and connect again. If that leads here once more, \
                 report it to those who run this server.",
            ),
            Self::TooManyGroups(advice) => (
                "Your groups could not be read",
                "You are in more groups than your identity provider puts into a sign-in. Without \
                 them, nobody knows what you may do.",
                advice,
            ),
            Self::OtherOrganisation(advice) => (
                "This account is of another organisation",
                "You signed in, but with an account that is not let in here.",
                advice,
            ),
            Self::NoRole(advice) => (
                "You have no access yet",
                "You signed in, but none of your groups is let in here.",
                advice,
            ),
            Self::Disabled(advice) => (
                "Your account is disabled",
                "You signed in, but those who run this server have disabled your account.",
                advice,
            ),
            Self::TooOften(advice) => (
                "Too many attempts",
                "Too many passwords were tried for this user name.",
                advice,
            ),
            Self::Store(_) => (
                "We can't answer right now",
                "The server can't reach its database. Nothing was changed.",
                "Wait a moment, then go back to the application and connect again.",
            ),
        }
    }
}

fn whom_to_ask(tenant: &Tenant) -> String {
    match &tenant.sign_in.support_contact {
        Some(contact) => format!("Ask {contact} for access."),
        None => "Ask those who run this server in your organisation for access.".to_owned(),
    }
}
