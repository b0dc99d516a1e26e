//! Access tokens in requests (RFC 6750 §2.1, RFC 9449 §7.1).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::model::Principal;

/// What a request presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'request> {
    /// How.
    pub scheme: Scheme,
    /// The token.
    pub token: &'request str,
}

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// By whoever has it.
    Bearer,
    /// By the holder of its key, with a proof.
    Dpop,
}

/// The request presents more than one credential, or one that is no token (RFC 6750 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is more than one way to read the Authorization header")]
pub struct AmbiguousCredential;

/// The token of the `Authorization` header, where there is one.
pub fn credential(headers: &HeaderMap) -> Result<Option<Credential<'_>>, AmbiguousCredential> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(AmbiguousCredential);
    }
    let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
        return Ok(None);
    };
    let Some((scheme, token)) = text.split_once(' ') else {
        return Ok(None);
    };
    let Some(scheme) = Scheme::from_name(scheme) else {
        return Ok(None);
    };
    if token.is_empty() || !is_b64token(token) {
        // A comma would be a second credential; what is not visible is none.
        return value
            .to_str()
            .map_or(Ok(None), |_| Err(AmbiguousCredential));
    }
    Ok(Some(Credential { scheme, token }))
}

/// RFC 6750 §2.1. A table: tokens are long, and come with each request.
fn is_b64token(text: &str) -> bool {
    #[expect(clippy::indexing_slicing, reason = "a byte is a place in the table")]
    const ALPHABET: [bool; 256] = {
        let mut alphabet = [false; 256];
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
        let mut rest: &[u8] = letters;
        while let [letter, others @ ..] = rest {
            alphabet[*letter as usize] = true;
            rest = others;
        }
        alphabet
    };
    let is_of_it = |byte| ALPHABET.get(usize::from(byte)) == Some(&true);
    text.bytes().all(is_of_it)
}

impl Scheme {
    /// The scheme of that name, in whatever case (RFC 9110 §11.1).
    fn from_name(name: &str) -> Option<Self> {
        [Self::Bearer, Self::Dpop]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
    }

    /// The scheme for the token of `principal`.
    #[must_use]
    pub const fn of(principal: &Principal) -> Self {
        if principal.key.is_some() {
            Self::Dpop
        } else {
            Self::Bearer
        }
    }

    /// Its registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}
