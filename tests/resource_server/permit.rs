//! The policy: one decision for what is listed and what may be called.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatehouse::model::{AccessRules, Principal, Requirement, Tenant, Visibility};
use gatehouse::resource_server::{Operation, Permit, Policy, Refusal, local_principal};

use crate::support::{catalogue, set, tenant};

fn requirement(scopes: &str, visibility: Visibility) -> Requirement {
    Requirement {
        scopes: set(scopes),
        visibility,
    }
}

fn rules<const N: usize>(entries: [(&str, &str, Visibility); N]) -> BTreeMap<String, Requirement> {
    entries
        .map(|(name, scopes, visibility)| (name.to_owned(), requirement(scopes, visibility)))
        .into()
}

/// A tenant where a tool, a prompt, a resource and a template are guarded, and one of each hidden.
fn guarded() -> Arc<Tenant> {
    use Visibility::{Discoverable, Hidden};
    let mut tenant = tenant("one");
    tenant.access = AccessRules {
        tools: rules([
            ("metric", "metrics:read", Discoverable),
            ("secret", "metrics:read", Hidden),
        ]),
        resources: rules([
            ("config://app", "metrics:read", Discoverable),
            ("secret://{name}/text", "metrics:read", Hidden),
        ]),
        prompts: rules([
            ("figures", "metrics:read", Discoverable),
            ("secret", "metrics:read", Hidden),
        ]),
        ..AccessRules::default()
    };
    Arc::new(tenant)
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

fn resource(uri: &str) -> Operation {
    Operation::ReadResource(uri.to_owned())
}

fn prompt(name: &str) -> Operation {
    Operation::GetPrompt(name.to_owned())
}

fn policy() -> Policy {
    Policy::new(catalogue())
}

fn try_it(scopes: &str, operation: Operation) -> Result<Permit, Refusal> {
    policy().permit(&guarded(), &principal(scopes), operation)
}

fn lists(scopes: &str, operation: &Operation) -> bool {
    let permit = try_it(scopes, Operation::Converse).unwrap();
    policy().lists(&permit, operation)
}

#[test]
fn a_permit_says_for_whom_for_what_and_where_it_is() {
    let permit = try_it("mcp:tools", tool("plain")).unwrap();
    assert_eq!(permit.operation(), &tool("plain"));
    assert_eq!(permit.principal().user.as_str(), "local");
    assert_eq!(permit.tenant().slug.as_str(), "one");
}

#[test]
fn g03_a_refusal_names_every_scope_that_is_needed() {
    for (operation, base) in [
        (tool("metric"), "mcp:tools"),
        (resource("config://app"), "mcp:resources"),
        (prompt("figures"), "mcp:prompts"),
    ] {
        let refusal = try_it(base, operation.clone()).unwrap_err();
        let required = set(&format!("{base} metrics:read"));
        assert_eq!(refusal, Refusal::InsufficientScope { required });
        assert!(lists(base, &operation));
    }
}

#[test]
fn g04_what_is_hidden_is_unlisted_and_unknown_to_those_without_its_scopes() {
    let all = "mcp:tools mcp:resources mcp:prompts";
    let template = resource("secret://{name}/text");
    for hidden in [
        tool("secret"),
        resource("secret://a/text"),
        template,
        prompt("secret"),
    ] {
        assert!(!lists(all, &hidden), "{hidden:?}");
        assert_eq!(
            try_it(all, hidden.clone()).unwrap_err(),
            Refusal::Unknown,
            "{hidden:?}"
        );
        let with = format!("{all} metrics:read");
        assert!(lists(&with, &hidden), "{hidden:?}");
        assert!(try_it(&with, hidden).is_ok());
    }
}

#[test]
fn g05_another_spelling_of_a_guarded_resource_is_guarded() {
    for uri in ["CONFIG://app", "config://%61pp", "config://APP"] {
        assert!(try_it("mcp:resources", resource(uri)).is_err(), "{uri}");
    }
    assert!(try_it("mcp:resources", resource("config://other")).is_ok());
    let spelt = try_it("mcp:resources", resource("Secret://A/Text")).unwrap_err();
    assert_eq!(spelt, Refusal::Unknown);
}

#[test]
fn all_rules_about_a_resource_count() {
    let mut tenant = tenant("one");
    tenant.access.resources = rules([
        ("a://{x}", "metrics:read", Visibility::Discoverable),
        ("a://b", "everything", Visibility::Hidden),
    ]);
    let tenant = Arc::new(tenant);
    let (required, visibility) = policy().requirement(&tenant, &resource("a://b"));
    assert_eq!(required, set("everything mcp:resources metrics:read"));
    assert_eq!(visibility, Visibility::Hidden);
    let (required, visibility) = policy().requirement(&tenant, &resource("a://c"));
    assert_eq!(required, set("mcp:resources metrics:read"));
    assert_eq!(visibility, Visibility::Discoverable);
}

#[test]
fn what_no_rule_names_needs_the_scope_of_its_kind() {
    let needed = |operation| match try_it("", operation) {
        Err(Refusal::InsufficientScope { required }) => required.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(needed(tool("docs_search")), "mcp:tools");
    assert_eq!(needed(resource("docs://a")), "mcp:resources");
    assert_eq!(needed(prompt("p")), "mcp:prompts");
    assert!(try_it("", Operation::Converse).is_ok());
}

#[test]
fn nobody_of_another_tenant_gets_a_permit() {
    let elsewhere = Arc::new(tenant("two"));
    let principal = principal("mcp:tools");
    for operation in [Operation::Converse, tool("plain")] {
        let refused = policy().permit(&elsewhere, &principal, operation);
        assert_eq!(refused.unwrap_err(), Refusal::Unknown);
    }
}

#[test]
fn a_tenants_rule_takes_the_place_of_the_global_one_of_its_name() {
    let global = AccessRules {
        tools: rules([
            ("a", "metrics:read", Visibility::Hidden),
            ("b", "metrics:read", Visibility::Hidden),
        ]),
        ..AccessRules::default()
    };
    let own = AccessRules {
        tools: rules([("a", "", Visibility::Discoverable)]),
        ..AccessRules::default()
    };
    let both = own.over(&global);
    assert_eq!(both.tools["a"], requirement("", Visibility::Discoverable));
    assert_eq!(both.tools["b"], global.tools["b"]);
}
