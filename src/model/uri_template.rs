//! What a URI template can expand to (RFC 6570), as far as its expressions are simple ones.

/// True when `uri` is what the simple expressions of `template` can expand to (RFC 6570 §3.2.2).
#[must_use]
pub fn expands_to(template: &str, uri: &str) -> bool {
    let mut pieces = template.split('{');
    let head = pieces.next().unwrap_or_default();
    let Some(mut rest) = uri.strip_prefix(head) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        let Some((name, literal)) = piece.split_once('}') else {
            return false;
        };
        let end = if pieces.peek().is_none() {
            rest.strip_suffix(literal).map(str::len)
        } else {
            // The first place will do: a value that holds the literal could as well give the rest
            // of itself to the next expression.
            rest.get(1..)
                .and_then(|tail| tail.find(literal))
                .map(|place| place + 1)
        };
        let Some((value, tail)) = end.and_then(|end| rest.split_at_checked(end)) else {
            return false;
        };
        if !is_simple_name(name) || !is_simple_value(value) {
            return false;
        }
        rest = tail.strip_prefix(literal).unwrap_or_default();
    }
    true
}

/// RFC 6570 §2.3: a name without operator or modifier.
fn is_simple_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'%');
    !name.is_empty() && name.bytes().all(allowed)
}

/// RFC 6570 §3.2.2: unreserved and pct-encoded characters only; no slash gets in.
fn is_simple_value(value: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%');
    !value.is_empty() && value.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::expands_to;

    #[test]
    fn a_template_matches_what_it_can_expand_to() {
        for (template, uri) in [
            ("config://app", "config://app"),
            ("alerts://{state}/active", "alerts://CA/active"),
            ("test://template/{id}/data", "test://template/123/data"),
            ("a://{x}-{y}", "a://1-2-3"),
            ("a://{x}{y}", "a://12"),
            ("a://{x}", "a://%C3%A9"),
        ] {
            assert!(expands_to(template, uri), "{template} {uri}");
        }
    }

    #[test]
    fn a_template_matches_nothing_else() {
        for (template, uri) in [
            ("config://app", "config://app2"),
            ("config://app", "config://ap"),
            ("alerts://{state}/active", "alerts:///active"),
            ("alerts://{state}/active", "alerts://CA/../active"),
            ("alerts://{state}/active", "alerts://CA/active/"),
            ("alerts://{state}/active", "alerts://{state}/active"),
            ("a://{x}{y}", "a://1"),
            ("a://{x}", "a://é"),
            ("a://{+path}", "a://b/c"),
            ("a://{x", "a://b"),
        ] {
            assert!(!expands_to(template, uri), "{template} {uri}");
        }
    }
}
