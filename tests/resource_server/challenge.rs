//! The `Authorization` header, and the challenges that answer it.

use axum::response::IntoResponse as _;
use gatehouse::resource_server::{AmbiguousCredential, Challenge, bearer_token};
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::support::{set, tenant};

fn headers(values: &[&str]) -> HeaderMap {
    values
        .iter()
        .map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn challenge(challenge: Challenge) -> (StatusCode, String) {
    let response = challenge.into_response();
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let header = response.headers()[WWW_AUTHENTICATE]
        .to_str()
        .unwrap()
        .to_owned();
    (response.status(), header)
}

#[test]
fn g01_only_the_bearer_scheme_counts() {
    assert_eq!(
        bearer_token(&headers(&["Bearer abc.def"])),
        Ok(Some("abc.def"))
    );
    assert_eq!(bearer_token(&headers(&["bEARER abc"])), Ok(Some("abc")));
    for other in ["Basic abc", "abc", "DPoP abc", "Bearer"] {
        assert_eq!(bearer_token(&headers(&[other])), Ok(None), "{other}");
    }
    assert_eq!(bearer_token(&HeaderMap::new()), Ok(None));
}

#[test]
fn g02_more_than_one_credential_is_refused() {
    for values in [
        &["Bearer a", "Bearer b"][..],
        &["Bearer a, Bearer b"],
        &["Bearer a b"],
    ] {
        assert_eq!(
            bearer_token(&headers(values)),
            Err(AmbiguousCredential),
            "{values:?}"
        );
    }
}

#[test]
fn g01_the_first_challenge_names_metadata_and_scope_but_no_error() {
    let (status, header) = challenge(Challenge::unauthenticated(
        &tenant("one"),
        &set("mcp:tools"),
    ));
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        header,
        "Bearer scope=\"mcp:tools\", resource_metadata=\
         \"https://one.example.com/.well-known/oauth-protected-resource/mcp\""
    );
}

#[test]
fn f01_a_refused_token_is_an_invalid_token() {
    let (status, header) = challenge(Challenge::invalid_token(&tenant("one"), &set("mcp:tools")));
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(header.contains("error=\"invalid_token\""), "{header}");
}

#[test]
fn g03_the_scope_challenge_names_every_scope_of_the_operation() {
    let required = set("metrics:read mcp:tools");
    let (status, header) = challenge(Challenge::insufficient_scope(&tenant("one"), &required));
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(header.contains("error=\"insufficient_scope\""), "{header}");
    assert!(
        header.contains("scope=\"mcp:tools metrics:read\""),
        "{header}"
    );
    assert!(header.contains("resource_metadata="), "{header}");
}
