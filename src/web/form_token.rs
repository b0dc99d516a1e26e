//! The hidden field that proves that a form was ours (OAuth 2.1 §7.6, login and consent forgery).
//!
//! It follows from the browser's cookie and from what the form is for, as an authorization request:
//! two tabs work side by side, and a token of one request is of no use for another.

use super::Parameters;
use crate::model::Secret;

/// The field's name.
const FIELD: &str = "form_token";

/// The token of one form.
#[must_use]
pub fn make(cookie: &Secret, form: &str, query: &str) -> Secret {
    cookie.derive(format!("{form}\n{query}").as_bytes())
}

/// True when the form carries `expected`.
#[must_use]
pub fn is_in(fields: &Parameters, expected: &Secret) -> bool {
    let found = fields.one(FIELD).ok().flatten();
    found.is_some_and(|token| Secret::new(token.to_owned()).matches(expected))
}
