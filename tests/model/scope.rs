//! Scopes: their characters, their order, what they imply.

use std::collections::BTreeMap;

use gatehouse::model::{Scope, ScopeCatalogue, ScopeDefinition, ScopeSet};

fn set(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

#[test]
fn a_list_is_split_at_spaces_and_written_in_order() {
    assert_eq!(set("b a  a c").to_string(), "a b c");
    assert!(set("").is_empty());
}

#[test]
fn characters_outside_rfc_6749_are_refused() {
    for text in ["a\"b", "a\\b", "a\u{e9}", "a\tb", "a\nb"] {
        assert!(text.parse::<Scope>().is_err(), "{text:?}");
    }
}

#[test]
fn implied_scopes_come_over_any_number_of_steps_and_cycles_end() {
    let define = |name: &str, implies: &str| {
        let definition = ScopeDefinition {
            description: String::new(),
            implies: set(implies),
        };
        (name.parse::<Scope>().unwrap(), definition)
    };
    let catalogue = ScopeCatalogue::new(BTreeMap::from([
        define("admin", "write"),
        define("write", "read"),
        define("read", "admin"),
        define("other", ""),
    ]));
    assert_eq!(
        catalogue.expand(&set("write")).to_string(),
        "admin read write"
    );
    assert_eq!(catalogue.expand(&set("other")).to_string(), "other");
}
