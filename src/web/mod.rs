//! HTTP as OAuth endpoints and their pages need it: strict parameters, cookies, safe answers.

mod answer;
mod client_address;
mod cookie;
mod fetch_metadata;
pub mod form_token;
mod headers;
mod instant;
mod parameters;

pub use answer::{json, json_error, page, public_json, see_other};
pub use client_address::{ClientAddress, TrustedProxies};
pub use cookie::Cookie;
pub use fetch_metadata::{comes_from_elsewhere, comes_from_here};
pub use headers::{DPOP, DPOP_NONCE};
pub use instant::rfc3339;
pub use parameters::{
    FormRejection, MalformedParameters, Parameters, RepeatedParameter, read_form,
};
