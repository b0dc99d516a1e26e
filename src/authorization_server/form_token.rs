//! The hidden field that proves that a form was ours (OAuth 2.1 §7.6, login and consent forgery).
//!
//! It follows from the browser's cookie and from the authorization request that the form is for:
//! two tabs work side by side, and a token of one request is of no use for another.

use crate::model::Secret;
use crate::web::Parameters;

/// The field's name.
const FIELD: &str = "form_token";

/// The token of one form.
pub(super) fn make(cookie: &Secret, form: &str, query: &str) -> Secret {
    cookie.derive(format!("{form}\n{query}").as_bytes())
}

/// True when the form carries `expected`.
pub(super) fn is_in(fields: &Parameters, expected: &Secret) -> bool {
    let found = fields.one(FIELD).ok().flatten();
    found.is_some_and(|token| Secret::new(token.to_owned()).matches(expected))
}
