//! `[[tenants.servers]]`: what is taken, and every mistake in it.

use std::collections::BTreeSet;

use super::parse;

const MISTAKES: &str = r#"
[[tenants]]
slug = "default"

[[tenants.servers]]
name = "Docs"
url = "http://docs.internal/mcp"
scopes = ["docs:us"]
deadline = "2h"

[[tenants.servers]]
name = "get"
url = "https://user:pw@example.com/mcp"
command = ["server"]

[[tenants.servers]]
name = "mail"
command = [""]
credentials = { kind = "bearer", token = { env = "UNSET" } }
allow_private = ["10.0.0.0/8"]

[[tenants.servers]]
name = "mail"
url = "https://example.com/mcp"
credentials = { kind = "header", name = "Host", token = { env = "UNSET" } }
allow_private = ["everywhere"]

[[tenants.servers]]
name = "first"
prefix = ""
scopes = ["mcp:tools"]
url = "https://example.com/mcp"

[[tenants.servers]]
name = "second"
prefix = ""
url = "https://example.com/mcp"
credentials = { kind = "client_credentials" }

[[tenants.servers]]
name = "nowhere"
folder = "/does/not/exist"

[[tenants.servers]]
name = "secret"
url = "https://example.com/mcp"
credentials = { kind = "user", client_id = "gatehouse", token_endpoint = "https://as.example.com" }

[[tenants.servers]]
name = "nobody"
url = "https://example.com/mcp"
credentials = { kind = "user", issuer = "as.example.com", client_secret = { env = "TOKEN" } }
"#;

#[test]
fn every_mistake_about_servers_is_reported_at_once() {
    let problems = parse(MISTAKES).unwrap_err();
    let places: BTreeSet<&str> = problems
        .iter()
        .filter_map(|problem| problem.path.strip_prefix("tenants[0].servers"))
        .collect();
    let expected = BTreeSet::from([
        "[0].name",
        "[0].url",
        "[0].scopes[0]",
        "[0].deadline",
        "[1].name",
        "[1]",
        "[2].command",
        "[2].allow_private",
        "[2].credentials.token.env",
        "[3].name",
        "[3].allow_private",
        "[3].credentials.name",
        "[3].credentials.token",
        "[3].credentials.value",
        "[4].scopes",
        "[5].prefix",
        "[5].credentials.token_endpoint",
        "[5].credentials.client_id",
        "[5].credentials.client_secret",
        "[6]",
        "[7].credentials.issuer",
        "[7].credentials.token_endpoint",
        "[8].credentials.issuer",
        "[8].credentials.client_id",
        "[8].credentials.client_secret.env",
    ]);
    assert_eq!(places, expected, "{problems}");
    assert!(!problems.to_string().contains("pw@"), "{problems}");
}

#[test]
fn k03_the_names_of_two_servers_cannot_collide() {
    for (one, other) in [
        ("name = \"docs\"", "name = \"other\"\nprefix = \"docs\""),
        (
            "name = \"a\"\nprefix = \"x\"",
            "name = \"b\"\nprefix = \"x\"",
        ),
        ("name = \"a\"\nprefix = \"\"", "name = \"b\"\nprefix = \"\""),
    ] {
        let server = |name: &str| {
            format!("[[tenants.servers]]\n{name}\nurl = \"https://example.com/mcp\"\n")
        };
        let text = format!(
            "[[tenants]]\nslug = \"default\"\n{}{}",
            server(one),
            server(other)
        );
        let problems = parse(&text).unwrap_err();
        assert!(
            problems.to_string().contains("servers[1].prefix"),
            "{problems}"
        );
    }
}
