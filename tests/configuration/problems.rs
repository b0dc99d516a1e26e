//! Every mistake is reported, at once, with its place.

use gatehouse::config::{Environment, Origin};

use super::{parse, problem_at};

/// One of every kind of mistake.
const MISTAKES: &str = r#"
sever = 1

[server]
listen = "abc"
public_url = "http://mcp.example.com"
allowed_origins = ["https://app.example.com/path"]
trusted_proxys = []

[weather]
base_url = "ftp://api.weather.gov"
contact = 5
cache_ttl = "2 weeks"

[tokens]
access_ttl = "30"
refresh_grace = "1h"

[scopes]
initial = ["mcp:tool"]
[scopes.catalogue."docs:use"]
implies = ["nothing:known"]

[tools.get_alerts]
scopes = ["weather:read"]
visibility = "secret"

[[tenants]]
slug = "default"
[tenants.roles.admin]
scopes = ["mcp:tools", "metric:read", "docs:use"]

[[tenants]]
slug = "acme"

[telemetry]
log = true
"#;

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let problems = parse(MISTAKES).unwrap_err();
    let places: Vec<(Option<usize>, &str)> = problems
        .iter()
        .map(|problem| match &problem.origin {
            Origin::File { line, .. } => (*line, problem.path.as_str()),
            origin @ (Origin::Variable(_) | Origin::Default) => panic!("{origin} is no file"),
        })
        .collect();
    let expected = [
        (Some(2), "sever"),
        (Some(5), "server.listen"),
        (Some(6), "server.public_url"),
        (Some(7), "server.allowed_origins[0]"),
        (Some(8), "server.trusted_proxys"),
        (Some(11), "weather.base_url"),
        (Some(12), "weather.contact"),
        (Some(13), "weather.cache_ttl"),
        (Some(16), "tokens.access_ttl"),
        (Some(17), "tokens.refresh_grace"),
        (Some(20), "scopes.initial[0]"),
        (Some(21), "scopes.catalogue.\"docs:use\".description"),
        (Some(22), "scopes.catalogue.\"docs:use\".implies[0]"),
        (Some(25), "tools.get_alerts.scopes[0]"),
        (Some(26), "tools.get_alerts.visibility"),
        (Some(31), "tenants[0].roles.admin.scopes[1]"),
        (Some(33), "tenants[1].public_url"),
        (Some(37), "telemetry.log"),
    ];
    assert_eq!(places, expected, "{problems}");
}

#[test]
fn a_problem_says_what_was_found_and_what_belongs_there() {
    let problems = parse(MISTAKES).unwrap_err();
    let said = |path: &str| problem_at(&problems, path).to_string();
    assert_eq!(
        said("server.listen"),
        "gatehouse.toml:5: server.listen: found \"abc\", expected an IP address and a port, as in \
         \"127.0.0.1:8080\""
    );
    assert_eq!(
        said("weather.contact"),
        "gatehouse.toml:12: weather.contact: found 5, expected a text"
    );
    assert_eq!(
        said("tools.get_alerts.visibility"),
        "gatehouse.toml:26: tools.get_alerts.visibility: found \"secret\", expected \
         \"discoverable\" or \"hidden\""
    );
    assert_eq!(
        problems.to_string().lines().count(),
        problems.iter().count()
    );
}

#[test]
fn a_mistyped_name_is_answered_with_the_one_that_was_meant() {
    let problems = parse(MISTAKES).unwrap_err();
    let expected = |path: &str| problem_at(&problems, path).expected.clone();
    assert!(expected("sever").contains("did you mean \"server\"?"));
    assert!(expected("scopes.initial[0]").contains("did you mean \"mcp:tools\"?"));
    let role = expected("tenants[0].roles.admin.scopes[1]");
    assert!(role.contains("did you mean \"metrics:read\"?"), "{role}");
    let unknown = expected("server.trusted_proxys");
    assert!(
        unknown.contains("did you mean \"trusted_proxies\"?"),
        "{unknown}"
    );
    let problems = parse("[server]\ncertificate = 1\n").unwrap_err();
    let all = &problem_at(&problems, "server.certificate").expected;
    assert!(
        all.contains("listen, public_url, admin_listen, admin_url, trusted_proxies"),
        "{all}"
    );
}

#[test]
fn a_choice_is_answered_with_all_that_there_are() {
    for value in ["\"jsn\"", "true"] {
        let problems = parse(&format!("[telemetry]\nlog = {value}\n")).unwrap_err();
        let expected = &problem_at(&problems, "telemetry.log").expected;
        assert_eq!(expected, "\"auto\" or \"json\" or \"pretty\"");
    }
}

#[test]
fn a_syntax_error_shows_its_line_and_column() {
    let problems =
        parse("[server]\nlisten = \"127.0.0.1:80\"\npublic_url = https://x\n").unwrap_err();
    let problem = problem_at(&problems, "");
    let expected = Origin::File {
        name: "gatehouse.toml".to_owned(),
        line: Some(3),
        column: Some(14),
    };
    assert_eq!(problem.origin, expected, "{problem}");
}

#[test]
fn a_file_that_was_named_and_is_not_there_is_a_problem() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.toml");
    let problems = gatehouse::config::load(Some(&missing), &Environment::new()).unwrap_err();
    assert!(problem_at(&problems, "").found.contains("not found"));
}

#[test]
fn other_machines_can_only_be_served_at_a_public_url() {
    let problems = parse("[server]\nlisten = \"0.0.0.0:8080\"\n").unwrap_err();
    assert_eq!(problem_at(&problems, "server.public_url").found, "nothing");
    let given = "[server]\nlisten = \"0.0.0.0:8080\"\npublic_url = \"https://mcp.example.com\"\n";
    let config = parse(given).unwrap();
    assert_eq!(
        config.server.public_url.unwrap().as_str(),
        "https://mcp.example.com"
    );
    assert!(parse("[server]\nlisten = \"[::1]:8080\"\n").is_ok());
}

#[test]
fn refresh_tokens_outlive_access_tokens() {
    let problems = parse("[tokens]\naccess_ttl = \"2h\"\nrefresh_ttl = \"1h\"\n").unwrap_err();
    assert!(
        problem_at(&problems, "tokens.refresh_ttl")
            .expected
            .contains("access_ttl")
    );
}

#[test]
fn a_tenant_is_named_once() {
    let text = "[[tenants]]\nslug = \"default\"\n[[tenants]]\nslug = \"default\"\n";
    let problems = parse(text).unwrap_err();
    assert!(
        problem_at(&problems, "tenants[1].slug")
            .expected
            .contains("no other tenant")
    );
}

#[test]
fn no_problem_prints_a_secret() {
    for text in [
        "[database]\nurl = \"mysql://gatehouse:hunter2@db/gatehouse\"\n",
        "database = \"postgres://gatehouse:hunter2@db/gatehouse\"\n",
        "[database]\npassword = \"hunter2\"\n",
        "[database]\nurl = { env = \"postgres://gatehouse:hunter2@db\" }\n",
        "[database]\nurl = [\"hunter2\"]\n",
        "[database]\nurl = \"hunter2\" \"\n",
        "[weather]\nbase_url = \"https://user:hunter2@api.weather.gov\"\n",
        "[server]\npublic_url = \"https://user:hunter2@mcp.example.com\"\n",
    ] {
        let problems = parse(text).unwrap_err();
        assert!(
            !format!("{problems} {problems:?}").contains("hunter2"),
            "{problems}"
        );
    }
}

#[test]
fn a_secret_that_is_not_where_it_should_be_is_a_problem() {
    let problems = parse("[database]\nurl = { env = \"NOWHERE\" }\n").unwrap_err();
    assert!(
        problem_at(&problems, "database.url.env")
            .found
            .contains("NOWHERE")
    );
    let problems = parse("[database]\nurl = { file = \"/nowhere/at/all\" }\n").unwrap_err();
    assert!(
        problem_at(&problems, "database.url.file")
            .found
            .contains("not found")
    );
    let problems = parse("[database]\nurl = {}\n").unwrap_err();
    assert!(
        problem_at(&problems, "database.url")
            .expected
            .contains("either")
    );
    let problems = parse("[database]\nurl = 5\n").unwrap_err();
    assert_eq!(
        problem_at(&problems, "database.url").expected,
        "a text or a table"
    );
    let problems = parse("[database]\nurl = { evn = \"NAME\" }\n").unwrap_err();
    assert!(
        problem_at(&problems, "database.url.evn")
            .expected
            .contains("\"env\"")
    );
}
