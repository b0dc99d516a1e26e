//! The rules that live in the domain values themselves.

mod pkce;
mod public_url;
mod redirect_uri;
mod scope;
