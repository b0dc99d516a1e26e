//! Queries and form bodies: one way to read each of them, and a parameter counts once.
#![no_main]

use std::collections::BTreeMap;

use gatehouse::web::Parameters;
use libfuzzer_sys::fuzz_target;

/// The names that the endpoints ask for.
const NAMES: [&str; 8] = [
    "client_id",
    "code",
    "redirect_uri",
    "resource",
    "response_type",
    "scope",
    "state",
    "request_uri",
];

fuzz_target!(|data: &[u8]| {
    let Ok(parameters) = Parameters::parse(data) else {
        return;
    };
    // What is said again is read the same way again.
    let query = parameters.to_query();
    let again = Parameters::parse(query.as_bytes()).expect("our own query can be read");
    assert_eq!(again.to_query(), query);
    // Counted by another reader.
    let mut counts = BTreeMap::<String, usize>::new();
    for (name, value) in url::form_urlencoded::parse(data) {
        if !value.is_empty() {
            *counts.entry(name.into_owned()).or_default() += 1;
        }
    }
    for name in NAMES {
        let count = counts.get(name).copied().unwrap_or(0);
        assert_eq!(parameters.all(name).count(), count);
        match parameters.one(name) {
            Ok(None) => assert_eq!(count, 0),
            Ok(Some(value)) => {
                assert_eq!(count, 1);
                assert!(!value.contains('\0'));
            }
            Err(_) => assert!(count > 1),
        }
        assert_eq!(parameters.without(name).all(name).count(), 0);
    }
});
