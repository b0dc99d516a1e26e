//! A check of access tokens (RFC 9068) that keeps what it has verified, and does nothing else.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::AUTHORIZATION;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use moka::sync::Cache;
use serde::Deserialize;

/// The digest of a token.
type Digest = [u8; 32];

/// What a token says, as far as it is looked at.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
}

/// Whose token it is.
pub(crate) struct Principal {
    _subject: String,
    may_call: bool,
}

pub(crate) struct Tokens {
    key: DecodingKey,
    verified: Cache<Digest, Arc<Principal>>,
}

impl Tokens {
    /// Those that the first key of a set signs.
    pub(crate) fn of(keys: &str) -> Result<Self, Box<dyn Error>> {
        let keys: JwkSet = serde_json::from_str(keys)?;
        let key = keys.keys.first().ok_or("there is no key")?;
        Ok(Self {
            key: DecodingKey::from_jwk(key)?,
            verified: Cache::builder()
                .max_capacity(100_000)
                .time_to_live(Duration::from_secs(60))
                .build(),
        })
    }

    fn principal(&self, token: &str) -> Option<Arc<Principal>> {
        let digest: Digest = digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()?;
        if let Some(principal) = self.verified.get(&digest) {
            return Some(principal);
        }
        let mut validation = Validation::new(decode_header(token).ok()?.alg);
        validation.validate_aud = false;
        let claims = decode::<Claims>(token, &self.key, &validation).ok()?.claims;
        let principal = Arc::new(Principal {
            _subject: claims.sub,
            may_call: claims.scope.split(' ').any(|scope| scope == "mcp:tools"),
        });
        self.verified.insert(digest, Arc::clone(&principal));
        Some(principal)
    }
}

/// Lets those through who may call tools.
pub(crate) async fn check(
    State(tokens): State<Arc<Tokens>>,
    mut request: Request,
    next: Next,
) -> Response {
    let header = request.headers().get(AUTHORIZATION);
    let token = header.and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    let Some(principal) = token.and_then(|token| tokens.principal(token)) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if !principal.may_call {
        return StatusCode::FORBIDDEN.into_response();
    }
    request.extensions_mut().insert(principal);
    next.run(request).await
}
