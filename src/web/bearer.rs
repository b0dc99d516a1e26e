//! The credential of a request (RFC 6750 §2.1).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::model::Secret;

/// The bearer token in `Authorization`, the only place where one counts.
#[must_use]
pub fn read_bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    // RFC 9110 §11.1: the scheme's name has no case.
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    bearer.then(|| Secret::new(token.trim().to_owned()))
}
