//! The environment over the file.

use std::time::Duration;

use gatehouse::config::{self, Config, Origin, Problems};

use super::{environment, problem_at};

fn with(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    config::parse(text, "gatehouse.toml", &environment(variables))
}

#[test]
fn a_variable_overrides_a_key_of_the_file() {
    let config = with(
        "[server]\nlisten = \"127.0.0.1:1\"\n",
        &[
            ("GATEHOUSE__SERVER__LISTEN", "127.0.0.1:2"),
            ("GATEHOUSE__TOKENS__ACCESS_TTL", "5m"),
            (
                "GATEHOUSE__SCOPES__INITIAL",
                "[\"mcp:tools\", \"metrics:read\"]",
            ),
            ("GATEHOUSE_LOG", "debug"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.tokens.access_ttl, Duration::from_mins(5));
    assert_eq!(config.scopes.initial.to_string(), "mcp:tools metrics:read");
    let names = &config.sources.variables;
    assert!(names.contains(&"GATEHOUSE__SERVER__LISTEN".to_owned()));
    assert!(!names.contains(&"GATEHOUSE_LOG".to_owned()));
}

#[test]
fn what_platforms_set_is_honoured() {
    let config = with(
        "[server]\npublic_url = \"https://mcp.example.com\"\n[keys.encryption_key]\nenv = \"KEY\"\n",
        &[
            ("PORT", "3000"),
            ("DATABASE_URL", "postgres://db/gatehouse"),
            ("KEY", crate::ENCRYPTION_KEY),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:3000");
    assert_eq!(config.database.url.expose(), "postgres://db/gatehouse");
}

#[test]
fn a_variable_of_gatehouse_wins_over_one_of_the_platform() {
    let config = with(
        "",
        &[
            ("PORT", "3000"),
            ("GATEHOUSE__SERVER__LISTEN", "127.0.0.1:4000"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:4000");
}

#[test]
fn an_empty_variable_of_the_platform_says_nothing() {
    let config = with("", &[("PORT", ""), ("DATABASE_URL", "")]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn a_problem_with_a_variable_names_the_variable() {
    let problems = with(
        "[server]\nlisten = \"127.0.0.1:1\"\n",
        &[
            ("GATEHOUSE__SERVER__LISTEN", "somewhere"),
            ("GATEHOUSE__SERVR__LISTEN", "127.0.0.1:1"),
            ("GATEHOUSE__WEATHER__CONTACT", "17"),
        ],
    )
    .unwrap_err();
    let origin = |path: &str| problem_at(&problems, path).origin.clone();
    let variable = |name: &str| Origin::Variable(name.to_owned());
    assert_eq!(
        origin("server.listen"),
        variable("GATEHOUSE__SERVER__LISTEN")
    );
    assert_eq!(origin("servr"), variable("GATEHOUSE__SERVR__LISTEN"));
    assert_eq!(
        origin("weather.contact"),
        variable("GATEHOUSE__WEATHER__CONTACT")
    );
}

#[test]
fn a_port_that_is_none_is_a_problem_beside_the_others() {
    let problems = with("[weather]\ncontact = \"\"\n", &[("PORT", "http")]).unwrap_err();
    let port = problem_at(&problems, "server.listen");
    assert_eq!(port.origin, Origin::Variable("PORT".to_owned()));
    assert_eq!(port.found, "\"http\"");
    assert_eq!(problem_at(&problems, "weather.contact").found, "\"\"");
}

#[test]
fn a_secret_comes_from_a_variable_or_a_file() {
    let text = "[database]\nurl = { env = \"MY_DATABASE\" }\n";
    let config = with(text, &[("MY_DATABASE", "sqlite://a.db")]).unwrap();
    assert_eq!(config.database.url.expose(), "sqlite://a.db");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("url");
    std::fs::write(&file, "postgres://user:hunter2@db/gatehouse\n").unwrap();
    let text =
        format!("[database]\nurl = {{ file = {file:?} }}\n[keys.encryption_key]\nenv = \"KEY\"\n");
    let config = with(&text, &[("KEY", crate::ENCRYPTION_KEY)]).unwrap();
    assert_eq!(
        config.database.url.expose(),
        "postgres://user:hunter2@db/gatehouse"
    );
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn h05_an_encryption_key_is_random_and_replicas_on_postgres_need_one() {
    let text = "[keys]\nencryption_key = { env = \"KEY\" }\n";
    let config = with(text, &[("KEY", crate::ENCRYPTION_KEY)]).unwrap();
    assert!(config.keys.encryption_key.is_some());
    assert!(!format!("{config:?}").contains(crate::ENCRYPTION_KEY));
    for weak in [
        "changeme",
        "",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "Y2hhbmdlbWVjaGFuZ2VtZWNoYW5nZW1lY2hhbmdlbWU=",
        "q7vXy1Kc0dJpFZ4m8TgqVg==",
    ] {
        let problems = with(text, &[("KEY", weak)]).unwrap_err();
        let problem = problem_at(&problems, "keys.encryption_key");
        assert!(problem.expected.contains("openssl rand"), "{problem}");
        assert!(weak.is_empty() || !problems.to_string().contains(weak));
    }
    let problems = with("", &[("DATABASE_URL", "postgres://db/gatehouse")]).unwrap_err();
    let problem = problem_at(&problems, "keys.encryption_key");
    assert!(problem.expected.contains("openssl rand"), "{problem}");
}
