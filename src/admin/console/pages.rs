//! The console's pages and what they are made of.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};

use super::session::Visitor;
use crate::admin::api::{ApiError, ServerView};
use crate::model::{Secret, Tenant};
use crate::operations::OperationError;
use crate::store::{Census, StoreError};
use crate::web;

/// The style of every page, inline under its hash in the content security policy.
pub(super) const STYLE: &str = include_str!("pages/console.css");

/// Who is signed in, as every page shows it.
pub(super) struct Badge {
    name: String,
    role: &'static str,
    form_token: Secret,
}

/// Where an operator signs in.
#[derive(Template)]
#[template(path = "operator_sign_in.html")]
pub(super) struct SignInPage {
    pub(super) style: &'static str,
    pub(super) visitor: Option<Badge>,
    pub(super) refused: bool,
    pub(super) form_token: Secret,
}

/// All tenants.
#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct OverviewPage {
    pub(super) style: &'static str,
    pub(super) visitor: Option<Badge>,
    pub(super) is_live: bool,
    pub(super) tenants: Vec<TenantRow>,
}

/// A tenant among all.
pub(super) struct TenantRow {
    pub(super) slug: String,
    pub(super) public_url: String,
    pub(super) origin: &'static str,
    pub(super) state: &'static str,
    /// True where there is more to see of it.
    pub(super) is_open: bool,
    pub(super) census: Census,
    pub(super) picture: String,
}

/// One tenant.
#[derive(Template)]
#[template(path = "tenant.html")]
pub(super) struct TenantPage<'a> {
    pub(super) style: &'static str,
    pub(super) visitor: Option<Badge>,
    pub(super) is_live: bool,
    pub(super) tenant: &'a Tenant,
    pub(super) tabs: Vec<Tab>,
    pub(super) census: Census,
    pub(super) counters: Vec<(&'static str, u64)>,
    pub(super) picture: String,
    pub(super) servers: Vec<ServerView>,
    pub(super) settings: String,
}

/// A list of what a tenant has.
#[derive(Template)]
#[template(path = "list.html")]
pub(super) struct ListPage<'a> {
    pub(super) style: &'static str,
    pub(super) visitor: Option<Badge>,
    pub(super) tenant: &'a Tenant,
    pub(super) tabs: Vec<Tab>,
    pub(super) title: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Row>,
    /// True for an operator whose role lets them act on a row.
    pub(super) may_change: bool,
    pub(super) form_token: String,
    /// The address of the next page.
    pub(super) next: Option<String>,
    /// What can be done to the list as a whole.
    pub(super) action: Option<Action>,
}

/// A part of a tenant's pages.
pub(super) struct Tab {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) is_here: bool,
}

/// A line of a list.
pub(super) struct Row {
    /// What its actions are about.
    pub(super) id: String,
    /// What people know it by.
    pub(super) label: String,
    pub(super) cells: Vec<Cell>,
    pub(super) actions: Vec<Action>,
}

/// What stands in one column.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) link: Option<String>,
    pub(super) tag: Option<&'static str>,
}

/// Something to do.
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    /// What will come of it.
    pub(super) consequence: &'static str,
}

/// Why a page can't be shown, or a form not be followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the form was not shown in this session")]
    Forged,
    #[error("the form can't be read")]
    Form,
    #[error(transparent)]
    Refused(#[from] ApiError),
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    style: &'static str,
    visitor: Option<Badge>,
    title: &'static str,
    explanation: String,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<OperationError> for Trouble {
    fn from(error: OperationError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl Badge {
    pub(super) fn of(visitor: &Visitor) -> Self {
        Self {
            name: visitor.operator.name.to_string(),
            role: visitor.operator.role.as_str(),
            form_token: visitor.form_token(),
        }
    }
}

/// The parts of a tenant's pages; the one at `path` is here.
pub(super) fn tabs(path: &str) -> Vec<Tab> {
    [
        ("Overview", ""),
        ("Users", "/users"),
        ("Clients", "/clients"),
        ("Grants", "/grants"),
        ("Keys", "/keys"),
        ("Tools", "/tools"),
        ("Refusals", "/refusals"),
        ("Audit log", "/audit"),
    ]
    .into_iter()
    .map(|(name, place)| Tab {
        name,
        path: place,
        is_here: place == path,
    })
    .collect()
}

/// Answers with a page.
pub(super) fn show(status: StatusCode, page: &impl Template) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = web::page(status, html, (STYLE, false));
    let headers = response.headers_mut();
    let policy = headers
        .get(CONTENT_SECURITY_POLICY)
        .and_then(|policy| policy.to_str().ok())
        .and_then(|policy| HeaderValue::try_from(format!("{policy}; form-action 'self'")).ok());
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Answers with what went wrong.
pub(super) fn refuse(visitor: Option<&Visitor>, trouble: &Trouble) -> Response {
    let (status, title, explanation) = match trouble {
        Trouble::Forged => (
            StatusCode::FORBIDDEN,
            "Nothing was done",
            "This form is not of your session here. Open the page again and use the form there."
                .to_owned(),
        ),
        Trouble::Form => (
            StatusCode::BAD_REQUEST,
            "Nothing was done",
            "The form came in a way that can’t be read.".to_owned(),
        ),
        Trouble::Refused(error) => {
            let status = error.status();
            let title = if status == StatusCode::NOT_FOUND {
                "Not found"
            } else {
                "That did not work"
            };
            if status.is_server_error() {
                error.log();
            }
            (status, title, error.detail())
        }
    };
    let page = TroublePage {
        style: STYLE,
        visitor: visitor.map(Badge::of),
        title,
        explanation,
    };
    show(status, &page)
}
