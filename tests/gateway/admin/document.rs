//! The OpenAPI document that is checked in is the one that the code makes.

use gatehouse::admin;
use serde_json::Value;

const CHECKED_IN: &str = include_str!("../../../docs/openapi.json");

#[test]
fn the_openapi_document_is_up_to_date() {
    let checked_in: Value = serde_json::from_str(CHECKED_IN).unwrap();
    assert!(
        admin::document() == checked_in,
        "docs/openapi.json is out of date: cargo run -- admin-api > docs/openapi.json"
    );
}

#[test]
fn every_operation_says_who_may_and_answers_mistakes_with_problem_documents() {
    let document = admin::document();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = operation["x-gatehouse-role"].as_str().unwrap_or_default();
            assert!(
                ["viewer", "operator", "admin"].contains(&role),
                "{method} {path}"
            );
            let reads = method == "get";
            assert!(
                reads || role != "viewer",
                "{method} {path}: a viewer changes nothing"
            );
            let problem = &operation["responses"]["default"]["content"];
            assert!(
                problem["application/problem+json"].is_object(),
                "{method} {path}"
            );
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}
