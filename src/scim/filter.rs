//! The query of a list: a filter, and which page (RFC 7644 §3.4.2).

use std::borrow::Cow;

use super::error::ScimError;
use crate::store::ScimQuery;

/// How many resources an answer has at most.
pub(super) const MAX_RESULTS: i64 = 200;

/// A list that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) query: ScimQuery,
    /// The position of the first resource, from 1.
    pub(super) first: i64,
    /// False where the provider wants groups without their members.
    pub(super) with_members: bool,
}

/// Reads the query of a request, whose resources are found by their attribute `name`.
pub(super) fn read(query: Option<&str>, name: &str) -> Result<Listing, ScimError> {
    let mut listing = Listing {
        query: ScimQuery {
            limit: MAX_RESULTS,
            ..ScimQuery::default()
        },
        first: 1,
        with_members: true,
    };
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "filter" => filter(&value, name, &mut listing.query)?,
            // RFC 7644 §3.4.2.4: what is too small counts as the smallest.
            "startIndex" => listing.first = number(&value)?.max(1),
            "count" => listing.query.limit = number(&value)?.clamp(0, MAX_RESULTS),
            "excludedAttributes" => listing.with_members = !names_members(&value),
            "attributes" => listing.with_members = names_members(&value),
            _ => {}
        }
    }
    listing.query.offset = listing.first.saturating_sub(1);
    Ok(listing)
}

fn names_members(list: &str) -> bool {
    list.split(',')
        .any(|name| name.trim().eq_ignore_ascii_case("members"))
}

fn number(text: &str) -> Result<i64, ScimError> {
    text.trim().parse().map_err(|_| ScimError::Value)
}

/// The comparisons that providers make. Attribute names and operators are compared without regard
/// to case (RFC 7644 §3.4.2.2).
fn filter(text: &str, name: &str, query: &mut ScimQuery) -> Result<(), ScimError> {
    let (attribute, value) = comparison(text).ok_or(ScimError::Filter)?;
    if attribute.eq_ignore_ascii_case(name) {
        query.name = Some(value);
    } else if attribute.eq_ignore_ascii_case("externalId") {
        query.external_id = Some(value);
    } else {
        return Err(ScimError::Filter);
    }
    Ok(())
}

/// `attribute eq "value"`; the value is written as in JSON.
pub(super) fn comparison(text: &str) -> Option<(Cow<'_, str>, String)> {
    let (attribute, rest) = text.trim().split_once(' ')?;
    let (operator, value) = rest.trim_start().split_once(' ')?;
    if !operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    let value = serde_json::from_str(value.trim()).ok()?;
    Some((without_schema(attribute), value))
}

/// RFC 7644 §3.10: an attribute may be named with its schema in front.
pub(super) fn without_schema(attribute: &str) -> Cow<'_, str> {
    let lower = attribute.to_ascii_lowercase();
    let core = "urn:ietf:params:scim:schemas:core:2.0:";
    match lower
        .strip_prefix(core)
        .and_then(|rest| rest.split_once(':'))
    {
        Some((_, attribute)) => Cow::Owned(attribute.to_owned()),
        None => Cow::Borrowed(attribute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_compares_a_name_or_a_key() {
        let listing = read(
            Some("filter=userName+Eq+%22Ada%20%5C%22L%22&startIndex=3&count=9999"),
            "userName",
        )
        .unwrap();
        assert_eq!(listing.query.name.as_deref(), Some("Ada \"L"));
        assert_eq!(
            (listing.query.offset, listing.query.limit),
            (2, MAX_RESULTS)
        );
        let listing = read(
            Some("filter=externalId%20eq%20%22x%22&startIndex=-4"),
            "userName",
        );
        let listing = listing.unwrap();
        assert_eq!(listing.query.external_id.as_deref(), Some("x"));
        assert_eq!(listing.first, 1);
    }

    #[test]
    fn other_filters_are_refused() {
        for filter in [
            "userName",
            "userName eq",
            "userName eq ada",
            "userName co \"a\"",
            "password eq \"a\"",
            "userName eq \"a\" or userName eq \"b\"",
        ] {
            let mut query = ScimQuery::default();
            let outcome = super::filter(filter, "userName", &mut query);
            assert!(matches!(outcome, Err(ScimError::Filter)), "{filter}");
        }
    }
}
