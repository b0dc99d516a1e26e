//! Bodies of requests: one JSON object, of a bounded length.

use axum::body::to_bytes;
use axum::extract::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::ScimError;

const MAX_BODY: usize = 1024 * 1024;

/// RFC 7644 §3.1; providers send either media type (§8.1).
pub(super) async fn read(request: Request) -> Result<Map<String, Value>, ScimError> {
    let media_type = request.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next());
    let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(
        media_type.as_str(),
        "application/scim+json" | "application/json"
    ) {
        return Err(ScimError::MediaType);
    }
    let body = to_bytes(request.into_body(), MAX_BODY).await;
    let body = body.map_err(|_| ScimError::TooLarge)?;
    serde_json::from_slice(&body).map_err(|_| ScimError::Syntax)
}
