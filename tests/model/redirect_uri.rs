//! Which redirect URIs may be registered, and which request matches which registration.

use gatehouse::model::{InvalidRedirectUri, RedirectUri};

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a02_a_registered_uri_matches_itself_only() {
    let registered = uri("https://good.example/cb?x=1");
    assert!(registered.matches(&uri("https://good.example/cb?x=1")));
    for other in [
        "https://good.example/cb",
        "https://good.example/cb?x=1&y=2",
        "https://good.example/cb/?x=1",
        "https://good.example/CB?x=1",
        "https://GOOD.example/cb?x=1",
        "https://good.example:443/cb?x=1",
        "https://good.example:8443/cb?x=1",
        "https://good.example.evil/cb?x=1",
        "https://good.example/a/%2e%2e/cb?x=1",
    ] {
        assert!(!registered.matches(&uri(other)), "{other} must not match");
    }
}

#[test]
fn a03_only_the_port_of_a_loopback_uri_is_free() {
    for (registered, requested, matches) in [
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
        ("http://127.0.0.1/cb", "http://127.0.0.1:2/cb", true),
        ("http://[::1]:1/cb", "http://[::1]:9/cb", true),
        ("http://localhost/cb", "http://localhost:7777/cb", true),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:33418", true),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/other", false),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb?x=1", false),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb/", false),
        ("http://127.0.0.1:1/cb", "http://localhost:1/cb", false),
        ("http://127.0.0.1:1/cb", "http://127.0.0.2:1/cb", false),
        ("http://127.0.0.1:1/cb", "https://127.0.0.1:2/cb", false),
        ("https://localhost:1/cb", "https://localhost:2/cb", false),
        (
            "https://good.example:1/cb",
            "https://good.example:2/cb",
            false,
        ),
    ] {
        assert_eq!(
            uri(registered).matches(&uri(requested)),
            matches,
            "{registered} {requested}"
        );
    }
}

#[test]
fn a03_a_name_that_only_begins_like_loopback_is_no_loopback() {
    for text in [
        "http://127.0.0.1.evil/cb",
        "http://localhost.evil/cb",
        "http://localhost./cb",
    ] {
        assert_eq!(
            RedirectUri::parse(text),
            Err(InvalidRedirectUri::PlainHttp),
            "{text}"
        );
    }
}

#[test]
fn a05_schemes_that_run_content_are_refused() {
    for text in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "blob:https://x/y",
        "about:blank",
        "ws://127.0.0.1/cb",
    ] {
        assert_eq!(
            RedirectUri::parse(text),
            Err(InvalidRedirectUri::Scheme),
            "{text}"
        );
    }
}

#[test]
fn a09_a_query_may_not_hold_response_parameters() {
    for name in ["code", "state", "iss", "error"] {
        let text = format!("https://good.example/cb?{name}=evil");
        assert_eq!(
            RedirectUri::parse(&text),
            Err(InvalidRedirectUri::ReservedQuery),
            "{text}"
        );
    }
}

#[test]
fn c01_what_can_not_be_a_redirect_uri_is_refused() {
    for (text, reason) in [
        ("http://example.com/cb", InvalidRedirectUri::PlainHttp),
        ("https://good.example/cb#x", InvalidRedirectUri::Fragment),
        ("https://good.example/cb#", InvalidRedirectUri::Fragment),
        ("https://*.example.com/cb", InvalidRedirectUri::Characters),
        (
            "https://good@evil.example/cb",
            InvalidRedirectUri::UserInformation,
        ),
        ("com.example.app://@", InvalidRedirectUri::UserInformation),
        (
            "https://@good.example/cb",
            InvalidRedirectUri::UserInformation,
        ),
        ("/cb", InvalidRedirectUri::NotAbsolute),
        ("myapp:/cb", InvalidRedirectUri::Scheme),
        ("https://good.example/c b", InvalidRedirectUri::Characters),
        (
            "https://good.example/c\u{0}b",
            InvalidRedirectUri::Characters,
        ),
        (
            "https://good.example\\@evil.example/",
            InvalidRedirectUri::Characters,
        ),
    ] {
        assert_eq!(RedirectUri::parse(text), Err(reason), "{text}");
    }
}

#[test]
fn applications_of_the_field_may_use_their_own_schemes() {
    for text in [
        "com.example.app:/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ] {
        assert_eq!(uri(text).as_str(), text);
    }
    assert_eq!(
        uri("cursor://anysphere.cursor-mcp/oauth/callback").destination(),
        "cursor:"
    );
}

#[test]
fn the_destination_is_the_host_with_its_port() {
    assert_eq!(
        uri("https://claude.ai/api/mcp/auth_callback").destination(),
        "claude.ai"
    );
    assert_eq!(
        uri("http://127.0.0.1:4000/cb").destination(),
        "127.0.0.1:4000"
    );
}

#[test]
fn response_parameters_join_a_query_that_is_there() {
    let parameters = [("code", "a b"), ("iss", "https://as.example")];
    assert_eq!(
        uri("https://good.example/cb?x=1").with_parameters(&parameters),
        "https://good.example/cb?x=1&code=a+b&iss=https%3A%2F%2Fas.example"
    );
    assert_eq!(
        uri("https://good.example/cb").with_parameters(&parameters),
        "https://good.example/cb?code=a+b&iss=https%3A%2F%2Fas.example"
    );
}
