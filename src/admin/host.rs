//! Station: refuses requests under names that are none of the admin listener's.
//!
//! A page of a stranger can have its own name lead to this machine (DNS rebinding), and then read
//! what it gets. A numeric address can't be anyone else's name.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::HOST;

use super::Context;
use super::api::ApiError;
use crate::model::PublicUrl;

pub(super) async fn station(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    let uri_host = request.uri().authority().map(http::uri::Authority::as_str);
    let header = request.headers().get(HOST);
    let host = uri_host.or_else(|| header.and_then(|value| value.to_str().ok()));
    if host.is_some_and(|host| is_known(host, context.url.as_ref())) {
        next.run(request).await
    } else {
        ApiError::Misdirected.into_response()
    }
}

fn is_known(authority: &str, url: Option<&PublicUrl>) -> bool {
    if url.is_some_and(|url| url.host().eq_ignore_ascii_case(authority)) {
        return true;
    }
    let Ok(authority) = authority.parse::<http::uri::Authority>() else {
        return false;
    };
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_localhost_and_the_configured_name_are_known_and_nothing_else() {
        let url: PublicUrl = "https://gatehouse.example.com".parse().unwrap();
        for host in ["127.0.0.1:9090", "[::1]:9090", "10.2.3.4", "LOCALHOST:9090"] {
            assert!(is_known(host, None), "{host}");
        }
        assert!(is_known("gatehouse.example.com", Some(&url)));
        for host in ["rebound.example", "127.0.0.1.nip.example:9090", "a b", ""] {
            assert!(!is_known(host, Some(&url)), "{host}");
        }
        assert!(!is_known("gatehouse.example.com", None));
    }
}
