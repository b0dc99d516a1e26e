//! The `Authorization` header, and the challenges that answer it.

use axum::response::IntoResponse as _;
use gatehouse::resource_server::{AmbiguousCredential, Challenge, Credential, Scheme, credential};
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
fn g01_only_the_schemes_for_tokens_count() {
    let found = |value: &str| {
        let headers = headers(&[value]);
        let found = credential(&headers).unwrap();
        found.map(|found| (found.scheme, found.token.to_owned()))
    };
    let token = |scheme, token: &str| Some((scheme, token.to_owned()));
    assert_eq!(found("Bearer abc.def"), token(Scheme::Bearer, "abc.def"));
    assert_eq!(found("bEARER abc"), token(Scheme::Bearer, "abc"));
    assert_eq!(found("dpop abc"), token(Scheme::Dpop, "abc"));
    for other in ["Basic abc", "abc", "Bearer", "BearerDPoP abc"] {
        assert_eq!(found(other), None, "{other}");
    }
    assert_eq!(credential(&HeaderMap::new()), Ok(None::<Credential<'_>>));
}

#[test]
fn g02_more_than_one_credential_is_refused() {
    for values in [
        &["Bearer a", "Bearer b"][..],
        &["Bearer a", "DPoP a"],
        &["Bearer a, Bearer b"],
        &["Bearer a b"],
    ] {
        assert_eq!(
            credential(&headers(values)),
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
