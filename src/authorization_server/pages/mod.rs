//! The pages that people see: plain HTML that works without scripts.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::model::{IdentityProvider, Secret, Tenant};
use crate::web;

/// The style of every page, inline under its hash in the content security policy; the tenant's
/// colour comes after it.
const STYLE: &str = include_str!("style.css");

/// What a tenant's pages have in common.
pub(super) struct Brand<'a> {
    name: &'a str,
    /// The address of its image.
    logo: Option<String>,
    style: String,
}

/// Where a person signs in.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
    pub(super) brand: Brand<'a>,
    /// What they sign in to.
    pub(super) host: &'a str,
    /// The application that they came from, by the name it gave itself.
    pub(super) client: Option<&'a str>,
    pub(super) action: String,
    pub(super) form_token: Secret,
    /// The user name of the attempt that was just refused.
    pub(super) refused: Option<&'a str>,
    /// Where else they may sign in.
    pub(super) providers: Vec<Choice<'a>>,
    /// Whether they may sign in with a password.
    pub(super) has_password: bool,
}

/// Where a person decides what an application may do.
#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage<'a> {
    pub(super) brand: Brand<'a>,
    pub(super) asking: Asking<'a>,
    pub(super) username: &'a str,
    pub(super) action: String,
    pub(super) form_token: Secret,
}

/// Where a person decides that, and goes to an identity provider.
#[derive(Template)]
#[template(path = "approval.html")]
pub(super) struct ApprovalPage<'a> {
    pub(super) brand: Brand<'a>,
    pub(super) asking: Asking<'a>,
    /// The providers that they may choose from.
    pub(super) providers: Vec<Choice<'a>>,
    /// Whether an e-mail address may choose for them.
    pub(super) asks_address: bool,
    /// The address that was just refused.
    pub(super) unknown_address: Option<&'a str>,
    /// Where those go who have a password here.
    pub(super) password: Option<String>,
    pub(super) action: String,
    pub(super) form_token: Secret,
}

/// What an application asks for.
pub(super) struct Asking<'a> {
    pub(super) host: &'a str,
    pub(super) client: &'a str,
    /// True when the host that the person is sent back to vouches for the application.
    pub(super) is_verified: bool,
    /// Where they are sent back to.
    pub(super) destination: String,
    /// True when that is a program on their own computer.
    pub(super) is_loopback: bool,
    pub(super) scopes: Vec<ScopeLine<'a>>,
}

/// An identity provider to choose.
pub(super) struct Choice<'a> {
    pub(super) name: &'a str,
    pub(super) title: &'a str,
}

/// One scope in words.
pub(super) struct ScopeLine<'a> {
    pub(super) scope: &'a str,
    pub(super) description: &'a str,
}

/// Where a person sees what they allowed, and takes it back.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage<'a> {
    pub(super) brand: Brand<'a>,
    pub(super) host: &'a str,
    pub(super) username: &'a str,
    pub(super) apps: Vec<ConnectedApp<'a>>,
    pub(super) servers: Vec<LinkableServer<'a>>,
    pub(super) action: String,
    pub(super) form_token: Secret,
}

/// An application that a person let act for them.
pub(super) struct ConnectedApp<'a> {
    pub(super) id: &'a str,
    pub(super) name: String,
    pub(super) scopes: Vec<ScopeLine<'a>>,
    /// The day when they first did.
    pub(super) given: String,
    /// The day when it last made use of that.
    pub(super) used: String,
}

/// A mounted server where a person may link an account of theirs.
pub(super) struct LinkableServer<'a> {
    pub(super) name: &'a str,
    /// The day when they did.
    pub(super) since: Option<String>,
    /// True once the server's authorization server has refused to go on.
    pub(super) has_ended: bool,
}

/// What went wrong and what to do about it.
#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage<'a> {
    pub(super) brand: Brand<'a>,
    pub(super) title: &'a str,
    pub(super) explanation: &'a str,
    pub(super) advice: &'a str,
    /// Where the person may begin again.
    pub(super) again: Option<&'a str>,
}

impl<'a> Choice<'a> {
    pub(super) fn of(provider: &'a IdentityProvider) -> Self {
        Self {
            name: &provider.name,
            title: &provider.title,
        }
    }
}

impl<'a> Brand<'a> {
    pub(super) fn of(tenant: &'a Tenant) -> Self {
        let colour = tenant.branding.colour;
        let accent = colour.map(|colour| format!(":root{{--accent:{colour}}}\n"));
        let logo = tenant.branding.logo.as_ref();
        Self {
            name: tenant.display_name(),
            logo: logo.map(|_| tenant.public_url.join("/logo")),
            style: format!("{STYLE}{}", accent.unwrap_or_default()),
        }
    }
}

/// Answers with a page.
pub(super) fn show(tenant: &Tenant, status: StatusCode, page: &impl Template) -> Response {
    let Brand { logo, style, .. } = Brand::of(tenant);
    match page.render() {
        Ok(html) => web::page(status, html, (&style, logo.is_some())),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
