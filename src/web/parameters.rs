//! Request parameters, from a query or a form (RFC 6749 §3.1, §3.2 and appendix B).

use axum::body::to_bytes;
use axum::extract::Request;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

/// Decoded parameters in the order in which they came. Those without a value are left out:
/// RFC 6749 §3.1 treats them as omitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// A parameter came more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} came more than once")]
pub struct RepeatedParameter(pub &'static str);

/// The text is no UTF-8 when decoded, or has a NUL in it, which no database column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameters are not UTF-8 text")]
pub struct MalformedParameters;

/// Why a body has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormRejection {
    /// Another media type.
    #[error("the body is not application/x-www-form-urlencoded")]
    MediaType,
    /// More bytes than any form of ours has.
    #[error("the body is too large or was cut off")]
    Body,
    /// Not text.
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
}

/// The largest form that is read.
const MAX_FORM: usize = 64 * 1024;

impl Parameters {
    /// Reads a query or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, MalformedParameters> {
        // The decoder puts U+FFFD where the bytes are no UTF-8.
        let sound = |text: &str| !text.contains(['\0', '\u{fffd}']);
        let mut parameters = Vec::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if !sound(&name) || !sound(&value) {
                return Err(MalformedParameters);
            }
            if !value.is_empty() {
                parameters.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter that may come once (RFC 6749 §3.1).
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, RepeatedParameter> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(RepeatedParameter(name)),
        }
    }

    /// The values of a parameter that may come several times, as RFC 8707 §2 lets `resource`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = move |(other, _): &&(String, String)| other == name;
        self.0
            .iter()
            .filter(of_name)
            .map(|(_, value)| value.as_str())
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These parameters without those called `name`.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let kept = self.0.iter().filter(|(other, _)| other != name);
        Self(kept.cloned().collect())
    }

    /// These parameters with one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.0.push((name.to_owned(), value));
        self
    }

    /// The one way to write these parameters as a query.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// Reads the form that a request carries in its body.
pub async fn read_form(request: Request) -> Result<Parameters, FormRejection> {
    if !is_form(request.headers()) {
        return Err(FormRejection::MediaType);
    }
    let body = to_bytes(request.into_body(), MAX_FORM)
        .await
        .map_err(|_| FormRejection::Body)?;
    Ok(Parameters::parse(&body)?)
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| {
        essence
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}
