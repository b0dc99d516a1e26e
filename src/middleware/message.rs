//! Station: reads the body, parses it once, and holds the headers against it. The wire log is
//! written here.

use std::error::Error as _;

use axum::response::{IntoResponse as _, Response};
use http::Method;
use http_body_util::{BodyExt as _, LengthLimitError};

use super::limits;
use super::way::{Boxed, Next};
use crate::mcp::{self, wire};

/// Adds the message of a POST. Other methods carry none.
pub async fn station((): (), request: Boxed, next: Next) -> Response {
    wire::watch(answer(request, next).await)
}

async fn answer(mut request: Boxed, next: Next) -> Response {
    if request.method() != Method::POST {
        wire::received(Some(request.headers()), None);
        return next.run(request).await;
    }
    let body = std::mem::take(request.body_mut());
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if is_too_long(&error) => return limits::too_large(),
        // The client broke off: nobody reads the answer.
        Err(_) => return limits::too_slow(),
    };
    wire::received(Some(request.headers()), Some(&bytes));
    match mcp::http::accept(request.headers(), &bytes) {
        Ok(message) => {
            request.extensions_mut().insert(message);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<LengthLimitError>() {
            return true;
        }
        cause = inner.source();
    }
    false
}
