//! The example file, the defaults and the schema agree.

use std::time::Duration;

use gatehouse::config::{self, Config, Environment};
use gatehouse::model::{Scope, Tenant, Visibility};

use super::parse;

const EXAMPLE: &str = include_str!("../../config/gatehouse.toml");
const SCHEMA: &str = include_str!("../../config/gatehouse.schema.json");

/// Everything but where it came from.
fn contents(config: &Config) -> String {
    let config = Config {
        sources: config::Sources::default(),
        ..config.clone()
    };
    format!("{config:?} {}", config.database.url.expose())
}

fn default_tenant(config: &Config) -> Tenant {
    let default = config.tenants.first().unwrap();
    default.at(&"https://mcp.example.com".parse().unwrap())
}

#[test]
fn the_example_file_says_the_defaults() {
    let example = parse(EXAMPLE).unwrap();
    let default = parse("").unwrap();
    assert_eq!(contents(&example), contents(&default));
}

#[test]
fn the_example_file_is_the_one_that_is_found() {
    let config = config::load(None, &Environment::new()).unwrap();
    assert_eq!(config.sources.file.as_deref(), Some(config::DEFAULT_FILE));
}

#[test]
fn the_defaults_suit_a_laptop() {
    let config = parse("").unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.database.url.expose(), "sqlite://gatehouse.db");
    assert_eq!(config.weather.base_url.as_str(), "https://api.weather.gov/");
    assert_eq!(config.weather.contact, None);
    assert_eq!(config.tokens.access_ttl, Duration::from_mins(30));
    assert_eq!(config.tokens.refresh_ttl, Duration::from_hours(720));
    assert_eq!(config.tokens.refresh_grace, Duration::from_secs(30));
    assert_eq!(config.scopes.initial.to_string(), "mcp:tools");
    let all = "mcp:prompts mcp:resources mcp:tools metrics:read";
    assert_eq!(config.scopes.catalogue.all().to_string(), all);
    let roles = default_tenant(&config).roles;
    assert_eq!(roles["admin"].scopes.to_string(), all);
    let member = roles["member"].scopes.to_string();
    assert_eq!(member, "mcp:prompts mcp:resources mcp:tools");
    let metric = &config.access.tools["get_internal_metric"];
    assert_eq!(metric.scopes.to_string(), "metrics:read");
    assert_eq!(metric.visibility, Visibility::Discoverable);
}

#[test]
fn a_configuration_adds_scopes_tools_and_roles() {
    let config = parse(
        r#"
        [scopes.catalogue."weather:write"]
        description = "Change the weather"
        implies = ["weather:read"]
        [scopes.catalogue."weather:read"]
        description = "Look out of the window"
        [tools.make_rain]
        scopes = ["weather:write"]
        visibility = "hidden"
        [[tenants]]
        slug = "default"
        [tenants.roles.shaman]
        scopes = ["weather:write"]
        "#,
    )
    .unwrap();
    let write: Scope = "weather:write".parse().unwrap();
    let definition = config.scopes.catalogue.get(&write).unwrap();
    assert_eq!(definition.description, "Change the weather");
    assert_eq!(definition.implies.to_string(), "weather:read");
    assert_eq!(config.scopes.catalogue.all().iter().count(), 6);
    assert_eq!(
        config.access.tools["make_rain"].visibility,
        Visibility::Hidden
    );
    assert_eq!(config.access.tools.len(), 2);
    let tenant = default_tenant(&config);
    let roles: Vec<&String> = tenant.roles.keys().collect();
    assert_eq!(roles, ["shaman"]);
}

#[test]
fn the_schema_in_the_repository_is_the_one_that_is_checked() {
    let schema = serde_json::to_string_pretty(&config::schema()).unwrap();
    assert_eq!(
        schema,
        SCHEMA.trim_end(),
        "write it anew with `gatehouse config-schema`"
    );
}

#[test]
fn the_schema_allows_no_other_keys_anywhere() {
    let schema = config::schema();
    let definitions = schema["$defs"].as_object().unwrap().values();
    for table in definitions.chain([&schema]) {
        if table["type"] == "object" {
            assert_eq!(table["additionalProperties"], false, "{table}");
        }
    }
}
