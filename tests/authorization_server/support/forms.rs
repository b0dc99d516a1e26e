//! Requests as clients write them.

use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use super::{CALLBACK, CHALLENGE, Fields};

/// The query of a proper authorization request, with `extra` put in or over it; an empty value
/// takes a parameter out.
pub(crate) fn authorization(client: &str, extra: Fields<'_>) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a state & more"),
    ];
    fields.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    fields.extend(extra.iter().filter(|(_, value)| !value.is_empty()));
    encode(&fields)
}

pub(crate) fn encode(fields: Fields<'_>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

pub(crate) fn form(path: &str, fields: Fields<'_>) -> Request<Body> {
    Request::post(path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(encode(fields)))
        .unwrap()
}
