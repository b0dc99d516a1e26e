//! The tenant's logo: GET /logo.

use std::sync::Arc;

use axum::extract::Extension;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};

use crate::model::Tenant;

/// An SVG can hold scripts; opened as a page of its own, it runs none and reaches nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) async fn get(Extension(tenant): Extension<Arc<Tenant>>) -> Response {
    let Some(logo) = &tenant.branding.logo else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, logo.kind().media_type()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, logo.bytes().to_vec()).into_response()
}
