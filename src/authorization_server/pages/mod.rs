//! The pages that people see: plain HTML that works without scripts.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::model::{Secret, Tenant};
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
}

/// Where a person decides what an application may do.
#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage<'a> {
    pub(super) brand: Brand<'a>,
    pub(super) host: &'a str,
    pub(super) client: &'a str,
    /// True when the host that they are sent back to vouches for the application.
    pub(super) is_verified: bool,
    /// Where they are sent back to.
    pub(super) destination: String,
    /// True when that is a program on their own computer.
    pub(super) is_loopback: bool,
    pub(super) username: &'a str,
    pub(super) scopes: Vec<ScopeLine<'a>>,
    pub(super) action: String,
    pub(super) form_token: Secret,
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
