//! Redirect URIs, a registered one and a requested one, a line each: a person is sent to what was
//! registered and to nothing else.
#![no_main]

use gatehouse::model::RedirectUri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let (registered, requested) = data.split_once('\n').unwrap_or((data, data));
    let Ok(registered) = RedirectUri::parse(registered) else {
        return;
    };
    check_alone(&registered);
    let Ok(requested) = RedirectUri::parse(requested) else {
        return;
    };
    check_alone(&requested);
    assert!(registered.matches(&registered));
    if registered.matches(&requested) && registered.as_str() != requested.as_str() {
        // RFC 8252 §7.3: only the port of a loopback address may differ.
        assert_eq!(
            without_port(registered.as_str()),
            without_port(requested.as_str())
        );
    }
});

/// The URI without its port, which must be one of this machine.
fn without_port(uri: &str) -> String {
    let hosts = ["http://127.", "http://localhost", "http://[::1]"];
    let lower = uri.to_ascii_lowercase();
    assert!(hosts.iter().any(|host| lower.starts_with(host)), "{uri}");
    let url = url::Url::parse(uri).expect("it was read before");
    let rest = uri.splitn(4, '/').nth(3).unwrap_or_default();
    format!("{}/{rest}", url.host_str().unwrap_or_default())
}

fn check_alone(uri: &RedirectUri) {
    let url = url::Url::parse(uri.as_str()).expect("it was read before");
    let dangerous = [
        "javascript",
        "data",
        "file",
        "vbscript",
        "blob",
        "about",
        "ftp",
    ];
    assert!(!dangerous.contains(&url.scheme()), "{uri:?}");
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(!uri.as_str().contains('#'));
    if url.scheme() == "http" {
        assert!(uri.is_loopback(), "{uri:?}");
    }
    // The answer is where the client looks for it, and there once.
    let answer = uri.with_parameters(&[("code", "c&d"), ("iss", "https://i")]);
    assert!(answer.starts_with(uri.as_str()));
    let answer = url::Url::parse(&answer).expect("the answer's address");
    assert_eq!(
        (answer.scheme(), answer.host_str()),
        (url.scheme(), url.host_str())
    );
    let codes: Vec<_> = answer
        .query_pairs()
        .filter(|(name, _)| name == "code")
        .collect();
    assert_eq!(codes.len(), 1);
    assert_eq!(codes[0].1, "c&d");
}
