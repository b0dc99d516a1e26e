//! `openapi` of a mounted server: where the document is that describes an HTTP API. A file is read
//! with the configuration, and its mistakes are the configuration's.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use http::HeaderName;
use url::Url;

use super::checks::Checks;
use super::problem::KeyPath;
use super::servers::{AN_ADDRESS, address};
use crate::model::{ApiDescription, ApiDocument, LARGEST_DOCUMENT};

/// The document that `text` names, for a server at `url` to which the gateway shows who it is in the
/// header `credential`.
pub(super) fn resolve(
    text: &str,
    (url, allow_private): (&Url, &[String]),
    credential: Option<&HeaderName>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<ApiDocument> {
    if url.query().is_some() {
        let expected = "a URL without a query where there is `openapi`: its paths are added to it";
        checks.refuse(&path.join("url"), expected);
    }
    let place = path.join("openapi");
    if text.starts_with("https://") || text.starts_with("http://") {
        let url = checks.require(address(text, allow_private), &place, AN_ADDRESS);
        return url.map(ApiDocument::Address);
    }
    checks.note_file(text);
    let bytes = match bytes_of(text) {
        Ok(bytes) => bytes,
        Err(error) => {
            let found = format!("no readable file there ({})", error.kind());
            let expected = "the path or the URL of an OpenAPI document";
            checks.refuse_found(&place, found, expected);
            return None;
        }
    };
    match ApiDescription::read(&bytes, credential) {
        Ok(description) => Some(ApiDocument::Here(Arc::new(description))),
        Err(mistakes) => {
            for mistake in mistakes {
                let expected = "an OpenAPI document (3.0 or 3.1) in JSON or YAML";
                checks.refuse_found(&place, format!("{text:?}, {mistake}"), expected);
            }
            None
        }
    }
}

/// What is in the file; of a larger one, as much as shows that it is too large.
fn bytes_of(name: &str) -> io::Result<Vec<u8>> {
    let most = u64::try_from(LARGEST_DOCUMENT).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(name)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
