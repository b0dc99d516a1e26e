//! What the server logs, down to the details, and the secrets that must not be in it.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, Once, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use url::form_urlencoded;

use super::Answer;

/// The lines of this process. Tests that share it share the log, which asks for more, not for less.
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The secrets that one server has seen.
pub(super) struct Log(Mutex<BTreeSet<String>>);

/// Parameters of forms and members of answers that are worth stealing.
const SECRETS: [&str; 9] = [
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "password",
    "refresh_token",
    "registration_access_token",
    "token",
];
/// Shorter values are in any text by chance.
const SHORTEST: usize = 12;

struct Lines;

impl Log {
    /// Begins to listen.
    pub(super) fn start() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            tracing_subscriber::fmt()
                .with_ansi(false)
                .with_env_filter(EnvFilter::new("debug"))
                .with_writer(|| Lines)
                .init();
        });
        Self(Mutex::default())
    }

    /// Remembers the secrets of a request. It returns those that no answer may repeat.
    pub(super) fn note_request(&self, parts: &Parts, body: &[u8]) -> Vec<String> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let pairs = form_urlencoded::parse(query).chain(form_urlencoded::parse(body));
        let mut found: Vec<String> = pairs
            .filter(|(name, _)| SECRETS.contains(&name.as_ref()))
            .map(|(_, value)| value.into_owned())
            .collect();
        for value in parts.headers.get_all(AUTHORIZATION) {
            found.extend(value.to_str().ok().and_then(credential));
        }
        for value in parts.headers.get_all(COOKIE) {
            let pairs = value.to_str().unwrap_or_default().split("; ");
            found.extend(pairs.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
        }
        self.note(&found);
        found.retain(|secret| secret.len() >= SHORTEST);
        found
    }

    /// Remembers the secrets of an answer.
    pub(super) fn note_answer(&self, answer: &Answer) {
        let mut found = Vec::new();
        if let Ok(Value::Object(members)) = serde_json::from_str(&answer.body) {
            let secret = members
                .into_iter()
                .filter(|(name, _)| SECRETS.contains(&name.as_str()));
            found.extend(secret.filter_map(|(_, value)| Some(value.as_str()?.to_owned())));
        }
        for value in answer.headers.get_all(SET_COOKIE) {
            let pair = value.to_str().unwrap_or_default().split(';').next();
            found.extend(pair.and_then(|pair| Some(pair.split_once('=')?.1.to_owned())));
        }
        if answer.headers.contains_key(LOCATION) {
            found.extend(answer.redirect_parameter("code"));
        }
        self.note(&found);
    }

    /// No line has any of them.
    pub(super) fn assert_no_secret(&self) {
        let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&lines);
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets.iter() {
            if let Some(place) = text.find(secret.as_str()) {
                let start = text[..place].rfind('\n').map_or(0, |end| end + 1);
                let line = text[start..].lines().next();
                panic!("a secret is in the log: {line:?}");
            }
        }
    }

    fn note(&self, found: &[String]) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let long = found.iter().filter(|secret| secret.len() >= SHORTEST);
        secrets.extend(long.cloned());
    }
}

/// The secret of an `Authorization` header: a token, or the password of `Basic`.
fn credential(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(value.to_owned());
    }
    let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    Some(decoded.split_once(':')?.1.to_owned())
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
