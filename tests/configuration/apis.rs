//! `openapi` of a mounted server: what is taken, and every mistake in it and in its document.

use std::path::Path;
use std::sync::Arc;

use gatehouse::config::{Config, Problems};
use gatehouse::model::{ApiDocument, UpstreamPlace, Upstreams};
use tempfile::TempDir;

use super::{environment, parse, problem_at};

fn server(more: &str) -> String {
    format!("[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"pets\"\n{more}\n")
}

fn api(url: &str, openapi: &Path) -> String {
    server(&format!(
        "url = \"{url}\"\nopenapi = \"{}\"",
        openapi.display()
    ))
}

fn found(problems: &Problems) -> Vec<&str> {
    let of_document = problems
        .iter()
        .filter(|it| it.path == "tenants[0].servers[0].openapi");
    of_document.map(|problem| problem.found.as_str()).collect()
}

fn servers(config: &Config) -> Arc<Upstreams> {
    let url = "https://mcp.example.com".parse().unwrap();
    config.tenants[0].at(&url).servers
}

const GOOD: &str = "openapi: 3.1.0\npaths: {/pets: {get: {}}}\n";

#[test]
fn a_file_is_read_with_the_configuration_and_an_address_is_not() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("openapi.yaml");
    std::fs::write(&file, GOOD).unwrap();
    let config = parse(&api("https://api.example.com/v1", &file)).unwrap();
    let mounted = servers(&config);
    let UpstreamPlace::Api(address, ApiDocument::Here(description)) = &mounted.all[0].place else {
        panic!("no API with a document");
    };
    assert_eq!(address.url.as_str(), "https://api.example.com/v1");
    assert_eq!(description.operations[0].name(), "get_pets");
    assert_eq!(config.sources.files.len(), 1, "it is looked at for changes");
    let first = servers(&config).fingerprint;

    std::fs::write(&file, GOOD.replace("/pets", "/dogs")).unwrap();
    let config = parse(&api("https://api.example.com/v1", &file)).unwrap();
    let second = servers(&config).fingerprint;
    assert_ne!(first, second, "another document is another server");

    let url = Path::new("https://docs.example.com/openapi.json");
    let config = parse(&api("https://api.example.com/v1", url)).unwrap();
    let mounted = servers(&config);
    let UpstreamPlace::Api(_, ApiDocument::Address(url)) = &mounted.all[0].place else {
        panic!("no API with an address");
    };
    assert_eq!(url.as_str(), "https://docs.example.com/openapi.json");
}

#[test]
fn every_mistake_of_a_document_is_a_mistake_of_the_configuration() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("openapi.yaml");
    let text = "openapi: 3.1.0\npaths:\n  /a/{id}: {get: {operationId: a}}\n  /b: {get: {operationId: c}}\n  \
                /c: {get: {operationId: c}}\n  /d: {get: {parameters: [{$ref: '#/nowhere'}]}}\n";
    std::fs::write(&file, text).unwrap();
    let text = api("https://api.example.com/v1", &file) + "deadline = \"2h\"\n";
    let problems = parse(&text).unwrap_err();
    let found = found(&problems);
    let name = format!("{:?}, ", file.display().to_string());
    let found: Vec<&str> = found
        .iter()
        .map(|it| it.strip_prefix(&name).unwrap())
        .collect();
    let expected = [
        "GET /a/{id}: {id} of its path is not described",
        "GET /b, GET /c: they have the one name \"c\"",
        "GET /d: #/nowhere is not in the document",
    ];
    assert_eq!(found, expected);
    problem_at(&problems, "tenants[0].servers[0].deadline");
}

#[test]
fn what_no_document_can_be_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("openapi.yaml");
    let gone = folder.path().join("gone.yaml");
    let problems = parse(&api("https://api.example.com/v1", &gone)).unwrap_err();
    assert!(
        found(&problems)[0].contains("no readable file"),
        "{problems}"
    );
    let problems = parse(&api("https://api.example.com/v1", folder.path())).unwrap_err();
    assert!(
        found(&problems)[0].contains("no readable file"),
        "{problems}"
    );

    std::fs::write(&file, GOOD).unwrap();
    let problems = parse(&api("https://api.example.com/v1?key=a", &file)).unwrap_err();
    problem_at(&problems, "tenants[0].servers[0].url");
    for url in [
        "http://docs.example.com/openapi.json",
        "https://a:b@docs.example.com/openapi.json",
    ] {
        let problems = parse(&api("https://api.example.com/v1", Path::new(url))).unwrap_err();
        problem_at(&problems, "tenants[0].servers[0].openapi");
        assert!(!problems.to_string().contains("a:b@"), "{problems}");
    }
    let command =
        server("command = [\"/bin/true\"]\nopenapi = \"https://docs.example.com/openapi.json\"");
    problem_at(
        &parse(&command).unwrap_err(),
        "tenants[0].servers[0].openapi",
    );
}

#[test]
fn no_argument_is_the_header_of_the_credentials() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("openapi.yaml");
    let text = "openapi: 3.1.0\npaths: {/pets: {get: {parameters: [{name: X-Key, in: header, required: true}, \
                {name: q, in: query}]}}}\n";
    std::fs::write(&file, text).unwrap();
    let text = api("https://api.example.com/v1", &file)
        + "credentials = { kind = \"header\", name = \"x-key\", value = { env = \"KEY\" } }\n";
    let environment = environment(&[("KEY", "secret")]);
    let config = gatehouse::config::parse(&text, "gatehouse.toml", &environment).unwrap();
    let mounted = servers(&config);
    let UpstreamPlace::Api(_, ApiDocument::Here(description)) = &mounted.all[0].place else {
        panic!("no API with a document");
    };
    let parameters = &description.operations[0].parameters;
    assert_eq!(parameters.len(), 1);
    assert_eq!(parameters[0].name, "q");
}
