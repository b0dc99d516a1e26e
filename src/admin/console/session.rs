//! Who is signed in at the console: an operator's token once, then a cookie of this site alone.
//!
//! Every form carries a token that follows from the cookie, and what another site makes a browser
//! send is refused before that: no page elsewhere acts in an operator's name (H06).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::pages::{self, SignInPage, Trouble};
use crate::admin::Context;
use crate::model::{Operator, Secret};
use crate::operations::By;
use crate::web::{
    self, Cookie, Parameters, comes_from_elsewhere, form_token, read_form, see_other,
};

/// An operator in a browser.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) operator: Operator,
    cookie: Secret,
}

const SESSION: &str = "session";
/// Binds the sign-in form to the browser that it was shown in.
const SIGN_IN: &str = "sign-in";
const SIGN_IN_LIFETIME: Duration = Duration::from_hours(1);
const FORM: &str = "console";

impl Visitor {
    pub(super) fn by(&self) -> By {
        By::Operator(self.operator.name.clone())
    }

    /// The token of every form of this session.
    pub(super) fn form_token(&self) -> Secret {
        form_token::make(&self.cookie, FORM, "")
    }

    /// The fields of a form that was shown in this session.
    pub(super) async fn read(&self, request: Request) -> Result<Parameters, Trouble> {
        if comes_from_elsewhere(request.headers()) {
            return Err(Trouble::Forged);
        }
        let fields = read_form(request).await.map_err(|_| Trouble::Form)?;
        if form_token::is_in(&fields, &self.form_token()) {
            Ok(fields)
        } else {
            Err(Trouble::Forged)
        }
    }
}

fn cookie(context: &Context, purpose: &str) -> Cookie {
    Cookie::of_console(context.url.is_some(), purpose)
}

/// Station: lets signed-in operators pass, and shows everyone else where to sign in.
pub(super) async fn station(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
    match find(&context, request.headers()).await {
        Ok(Some(visitor)) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Ok(None) => see_other("/console/sign-in"),
        Err(trouble) => pages::refuse(None, &trouble),
    }
}

async fn find(context: &Context, headers: &HeaderMap) -> Result<Option<Visitor>, Trouble> {
    let Some(cookie) = cookie(context, SESSION).read(headers) else {
        return Ok(None);
    };
    let operator = context.operations.operator_in_session(&cookie).await?;
    Ok(operator.map(|operator| Visitor { operator, cookie }))
}

pub(super) async fn show_sign_in(State(context): State<Arc<Context>>) -> Response {
    show_form(&context, false)
}

/// A form under a new cookie.
fn show_form(context: &Context, refused: bool) -> Response {
    let value = Secret::generate(&*context.operations.random);
    let page = SignInPage {
        style: pages::STYLE,
        visitor: None,
        refused,
        form_token: form_token::make(&value, SIGN_IN, ""),
    };
    let status = if refused {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::OK
    };
    let set = cookie(context, SIGN_IN).set(&value, SIGN_IN_LIFETIME);
    with_cookie(pages::show(status, &page), set)
}

pub(super) async fn sign_in(State(context): State<Arc<Context>>, request: Request) -> Response {
    match try_sign_in(&context, request).await {
        Ok(response) => response,
        Err(trouble) => pages::refuse(None, &trouble),
    }
}

async fn try_sign_in(context: &Context, request: Request) -> Result<Response, Trouble> {
    let headers = request.headers().clone();
    if comes_from_elsewhere(&headers) {
        return Err(Trouble::Forged);
    }
    let fields = read_form(request).await.map_err(|_| Trouble::Form)?;
    let form = cookie(context, SIGN_IN);
    let shown = form
        .read(&headers)
        .is_some_and(|value| form_token::is_in(&fields, &form_token::make(&value, SIGN_IN, "")));
    if !shown {
        return Ok(show_form(context, false));
    }
    let token = fields.one("token").map_err(|_| Trouble::Form)?;
    let token = Secret::new(token.unwrap_or_default().trim().to_owned());
    let Some(operator) = context.operations.operator_of(&token).await? else {
        tracing::warn!("someone was refused at the console");
        return Ok(show_form(context, true));
    };
    if let Some(before) = cookie(context, SESSION).read(&headers) {
        context.operations.end_session(&before).await?;
    }
    let (value, lifetime) = context.operations.begin_session(&operator).await?;
    let response = with_cookie(see_other("/console"), form.clear());
    Ok(with_cookie(
        response,
        cookie(context, SESSION).set(&value, lifetime),
    ))
}

pub(super) async fn sign_out(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    if let Err(trouble) = visitor.read(request).await {
        return pages::refuse(Some(&visitor), &trouble);
    }
    match context.operations.end_session(&visitor.cookie).await {
        Ok(()) => with_cookie(
            web::see_other("/console/sign-in"),
            cookie(&context, SESSION).clear(),
        ),
        Err(error) => pages::refuse(Some(&visitor), &error.into()),
    }
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
