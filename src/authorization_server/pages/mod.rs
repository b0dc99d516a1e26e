//! The pages that people see: plain HTML that works without scripts.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::model::Secret;
use crate::web;

/// The style of every page, inline under its hash in the content security policy.
const STYLE: &str = include_str!("style.css");

/// Where a person signs in.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
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
    pub(super) title: &'a str,
    pub(super) explanation: &'a str,
    pub(super) advice: &'a str,
    /// Where the person may begin again.
    pub(super) again: Option<&'a str>,
}

/// Answers with a page.
pub(super) fn show(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => web::page(status, html, STYLE),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
