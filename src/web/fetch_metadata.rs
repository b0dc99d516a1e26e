//! Where a browser says that a request comes from (W3C Fetch Metadata Request Headers §2.2).

use http::HeaderMap;

/// True when a page of another origin made the browser send this. Browsers without the header
/// are left to the form's own token.
///
/// `Origin` is of no use here: under the referrer policy of our pages browsers send it as `null`.
#[must_use]
pub fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

/// True when the browser says that the person came by themselves or from a page of this origin.
/// Without the header nothing is known.
#[must_use]
pub fn comes_from_here(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "same-origin" || site == "none")
}
