//! What came back, and what it must look like.

use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

use super::CALLBACK;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn redirect_parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.header(LOCATION.as_str()).split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A JSON error of RFC 6749 §5.2, and nothing that a cache would keep.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, error: &str) {
        assert_eq!(
            (self.status.as_u16(), self.json()["error"].as_str()),
            (status, Some(error)),
            "{}",
            self.body
        );
        assert!(self.json()["error_description"].is_string());
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("content-type"), "application/json");
    }

    /// A page for the person, from which the browser goes nowhere.
    #[track_caller]
    pub(crate) fn assert_page(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("location"), "");
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(self.header("content-type").starts_with("text/html"));
    }

    /// An error that the client hears of at its redirect URI.
    #[track_caller]
    pub(crate) fn assert_redirect(&self, error: &str, issuer: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        assert!(self.header("location").starts_with(CALLBACK));
        assert_eq!(self.redirect_parameter("error").as_deref(), Some(error));
        assert_eq!(self.redirect_parameter("iss").as_deref(), Some(issuer));
        assert_eq!(self.redirect_parameter("code"), None);
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// What the page's form would send, without the fields that the person fills in.
    pub(crate) fn form(&self) -> (String, String) {
        (
            attribute(&self.body, "action=\""),
            attribute(&self.body, "name=\"form_token\" value=\""),
        )
    }
}

fn attribute(html: &str, start: &str) -> String {
    let (_, rest) = html
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {html}"));
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&")
}
