//! What the names and URIs of a mounted server begin with, so that they are told from all others.

use std::fmt;
use std::str::FromStr;

/// The prefix of a mounted server; without one, its names and URIs are as it gives them.
///
/// A tool `search` of the server `docs` is `docs_search`, and a resource `file:///a` is
/// `docs+file:///a`. Hosts know views (MCP Apps) by their scheme, so that `ui://app/main` is
/// `ui://docs/app/main`. A prefix has no `_`, `+` or `/`, so that no name can be read in two ways.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountPrefix(String);

/// The text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a prefix has up to 32 characters of a-z, 0-9 and '-', a letter first")]
pub struct InvalidMountPrefix;

/// The scheme of views.
const VIEWS: &str = "ui://";

impl MountPrefix {
    /// True when names and URIs stay as they are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What clients know the server's `name` by.
    #[must_use]
    pub fn outer_name(&self, name: &str) -> String {
        if self.is_empty() {
            return name.to_owned();
        }
        format!("{}_{name}", self.0)
    }

    /// What the server knows `name` by; none for a name that is not the server's.
    #[must_use]
    pub fn inner_name<'a>(&self, name: &'a str) -> Option<&'a str> {
        if self.is_empty() {
            return Some(name);
        }
        name.strip_prefix(&self.0)?.strip_prefix('_')
    }

    /// What clients know the server's `uri`, or URI template, by.
    #[must_use]
    pub fn outer_uri(&self, uri: &str) -> String {
        if self.is_empty() {
            return uri.to_owned();
        }
        match uri.strip_prefix(VIEWS) {
            Some(rest) => format!("{VIEWS}{}/{rest}", self.0),
            None => format!("{}+{uri}", self.0),
        }
    }

    /// What the server knows `uri`, or a URI template, by; none for one that is not the server's.
    #[must_use]
    pub fn inner_uri(&self, uri: &str) -> Option<String> {
        if self.is_empty() {
            return Some(uri.to_owned());
        }
        let within = |text: &str, end| {
            let rest = text.strip_prefix(&self.0)?.strip_prefix(end)?;
            Some(rest.to_owned())
        };
        match uri.strip_prefix(VIEWS) {
            Some(rest) => within(rest, '/').map(|rest| format!("{VIEWS}{rest}")),
            None => within(uri, '+'),
        }
    }

    /// True for a name of the server with this prefix, and of no other; never without a prefix.
    #[must_use]
    pub fn claims_name(&self, name: &str) -> bool {
        !self.is_empty() && self.inner_name(name).is_some()
    }

    /// True for a URI of the server with this prefix, and of no other; never without a prefix.
    #[must_use]
    pub fn claims_uri(&self, uri: &str) -> bool {
        !self.is_empty() && self.inner_uri(uri).is_some()
    }
}

impl FromStr for MountPrefix {
    type Err = InvalidMountPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidMountPrefix> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        // A letter comes first where a URI's scheme begins (RFC 3986 §3.1).
        let begins = text
            .bytes()
            .next()
            .is_none_or(|byte| byte.is_ascii_lowercase());
        if text.len() <= 32 && begins && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidMountPrefix)
        }
    }
}

impl fmt::Display for MountPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_comes_back() {
        for prefix in ["", "docs", "docs-2"] {
            let prefix: MountPrefix = prefix.parse().unwrap();
            for name in ["search", "docs_search", "_", ""] {
                assert_eq!(prefix.inner_name(&prefix.outer_name(name)), Some(name));
            }
            for uri in [
                "file:///a",
                "ui://app/main",
                "docs+x:y",
                "{+all}",
                "ui://docs/x",
            ] {
                assert_eq!(prefix.inner_uri(&prefix.outer_uri(uri)).unwrap(), uri);
            }
        }
    }

    #[test]
    fn k03_no_name_belongs_to_two_servers() {
        let prefixes: Vec<MountPrefix> = ["docs", "docs-a", "doc"]
            .iter()
            .map(|it| it.parse().unwrap())
            .collect();
        for prefix in &prefixes {
            let name = prefix.outer_name("a_b");
            let uri = prefix.outer_uri("test://a+b");
            let view = prefix.outer_uri("ui://docs-a/b");
            for other in &prefixes {
                assert_eq!(other.claims_name(&name), other == prefix, "{name}");
                assert_eq!(other.claims_uri(&uri), other == prefix, "{uri}");
                assert_eq!(other.claims_uri(&view), other == prefix, "{view}");
            }
        }
        assert!(!MountPrefix::default().claims_name("anything"));
    }

    #[test]
    fn a_prefix_that_could_be_misread_is_none() {
        for text in ["a_b", "A", "1a", "-a", "a+b", "a/b", "ä", &"a".repeat(33)] {
            assert!(text.parse::<MountPrefix>().is_err(), "{text}");
        }
    }
}
