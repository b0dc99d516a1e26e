//! The policy: one decision for what is listed and what may be called.

use std::collections::HashMap;
use std::sync::Arc;

use gatehouse::model::{Principal, Requirement, Visibility};
use gatehouse::resource_server::{Operation, Policy, Refusal, local_principal};

use crate::support::{catalogue, set, tenant};

fn policy() -> Policy {
    let requirement = |visibility| Requirement {
        scopes: set("metrics:read"),
        visibility,
    };
    Policy::new(
        catalogue(),
        HashMap::from([
            ("metric".to_owned(), requirement(Visibility::Discoverable)),
            ("secret".to_owned(), requirement(Visibility::Hidden)),
        ]),
    )
}

fn principal(scopes: &str) -> Arc<Principal> {
    let everyone = local_principal(&tenant("one"), &catalogue());
    Arc::new(Principal {
        scopes: set(scopes),
        ..everyone
    })
}

fn tool(name: &str) -> Operation {
    Operation::CallTool(name.to_owned())
}

#[test]
fn a_permit_says_for_whom_and_for_what_it_is() {
    let permit = policy()
        .permit(&principal("mcp:tools"), tool("plain"))
        .unwrap();
    assert_eq!(permit.operation(), &tool("plain"));
    assert_eq!(permit.principal().user.as_str(), "local");
}

#[test]
fn g03_a_refusal_names_every_scope_that_is_needed() {
    let refusal = policy()
        .permit(&principal("mcp:tools"), tool("metric"))
        .unwrap_err();
    let required = set("mcp:tools metrics:read");
    assert_eq!(refusal, Refusal::InsufficientScope { required });
}

#[test]
fn g04_a_hidden_tool_is_unlisted_and_unknown_to_those_without_its_scopes() {
    let policy = policy();
    let without = principal("mcp:tools");
    assert!(!policy.lists(&without, &tool("secret")));
    assert_eq!(
        policy.permit(&without, tool("secret")).unwrap_err(),
        Refusal::Unknown
    );
    let with = principal("mcp:tools metrics:read");
    assert!(policy.lists(&with, &tool("secret")));
    assert!(policy.permit(&with, tool("secret")).is_ok());
}

#[test]
fn each_kind_of_operation_has_its_own_scope() {
    let policy = policy();
    let nothing = principal("");
    let needed = |operation| match policy.permit(&nothing, operation) {
        Err(Refusal::InsufficientScope { required }) => required.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(needed(tool("plain")), "mcp:tools");
    assert_eq!(
        needed(Operation::ReadResource("config://app".to_owned())),
        "mcp:resources"
    );
    assert_eq!(needed(Operation::GetPrompt("p".to_owned())), "mcp:prompts");
    assert!(policy.permit(&nothing, Operation::Converse).is_ok());
}
