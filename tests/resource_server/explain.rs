//! What the policy says about its decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gatehouse::model::{
    Client, ClientId, ExternalIdentity, GroupSnapshot, IdentityProvider, PasswordHash,
    RefusalDialect, Requirement, Role, Tenant, Timestamp, TokenEndpointAuthMethod, User, UserId,
    Visibility,
};
use gatehouse::resource_server::{Explanation, Operation, Policy, Question, Verdict};

use crate::support::{catalogue, set, tenant};

fn house() -> Arc<Tenant> {
    let mut tenant = tenant("one");
    let role = |scopes| Role {
        scopes: set(scopes),
    };
    tenant.roles = BTreeMap::from([
        ("admin".to_owned(), role("everything")),
        ("member".to_owned(), role("mcp:tools")),
    ]);
    let requirement = |visibility| Requirement {
        scopes: set("metrics:read"),
        visibility,
    };
    tenant.access.tools = BTreeMap::from([
        ("metric".to_owned(), requirement(Visibility::Discoverable)),
        ("secret".to_owned(), requirement(Visibility::Hidden)),
    ]);
    Arc::new(tenant)
}

fn user(roles: &[&str]) -> User {
    let roles: BTreeSet<String> = roles.iter().map(ToString::to_string).collect();
    let password = PasswordHash::new("-".to_owned());
    let created_at = Timestamp::from_seconds(0);
    User::local(UserId::new("1"), "ada", roles, password, created_at)
}

fn provider(name: &str) -> IdentityProvider {
    IdentityProvider {
        name: name.to_owned(),
        title: name.to_owned(),
        issuer: format!("https://{name}.example"),
        client_id: "gatehouse".to_owned(),
        client_secret: None,
        scopes: None,
        algorithms: Vec::new(),
        groups_claim: "groups".to_owned(),
        subject_claim: "sub".to_owned(),
        roles: BTreeMap::new(),
        default_role: None,
        domains: Vec::new(),
        hosted_domain: None,
        allowed_tenants: Vec::new(),
        endpoint_origins: Vec::new(),
        parameters: BTreeMap::new(),
    }
}

fn client(scopes: &str) -> Client {
    Client {
        id: ClientId::new("c1"),
        name: Some("Nightly".to_owned()),
        uri: None,
        redirect_uris: Vec::new(),
        auth_method: TokenEndpointAuthMethod::None,
        secret: None,
        keys: None,
        grant_types: Vec::new(),
        scopes: Some(set(scopes)),
        refusals: Some(RefusalDialect::ToolResult),
        created_at: Timestamp::from_seconds(0),
    }
}

fn question(roles: &[&str], tool: &str) -> Question {
    Question {
        tenant: house(),
        user: user(roles),
        client: None,
        operation: Operation::CallTool(tool.to_owned()),
        exists: true,
    }
}

fn explain(question: &Question) -> Explanation {
    Policy::new(catalogue()).explain(question)
}

#[test]
fn an_allowed_call_is_explained_by_the_role_and_what_it_implies() {
    let said = explain(&question(&["admin"], "metric"));
    assert_eq!(said.verdict, Verdict::Allowed);
    assert_eq!(said.needed, ["mcp:tools", "metrics:read"]);
    assert_eq!(
        said.scopes_of_user,
        ["everything", "mcp:tools", "metrics:read"]
    );
    assert!(said.missing.is_empty() && said.remedies.is_empty());
    let text = said.to_string();
    assert!(text.contains("role admin: everything"), "{text}");
    assert!(text.contains("verdict: allowed"), "{text}");
}

#[test]
fn a_refused_call_is_explained_by_what_is_missing_and_who_has_it() {
    let said = explain(&question(&["member"], "metric"));
    assert_eq!(said.verdict, Verdict::Refused);
    assert_eq!(said.missing, ["metrics:read"]);
    let text = said.to_string();
    let remedy = "Give ada a role that has metrics:read: admin.";
    assert!(text.contains(remedy), "{text}");
    assert!(text.contains("[tools.\"metric\"]"), "{text}");
}

#[test]
fn a_hidden_tool_is_explained_as_one_that_seems_not_to_exist() {
    let said = explain(&question(&["member"], "secret"));
    assert_eq!(said.verdict, Verdict::Hidden);
    assert_eq!(said.visibility, "hidden");
    assert_eq!(
        explain(&question(&["admin"], "secret")).verdict,
        Verdict::Allowed
    );
}

#[test]
fn the_groups_of_a_provider_and_what_follows_from_them_are_told() {
    let mut question = question(&["member"], "metric");
    let mut tenant = tenant("one");
    tenant.roles.clone_from(&question.tenant.roles);
    tenant.sign_in.providers.push(IdentityProvider {
        roles: BTreeMap::from([("staff".to_owned(), "member".to_owned())]),
        ..provider("okta")
    });
    question.tenant = Arc::new(tenant);
    question.user.identity = Some(ExternalIdentity {
        provider: "okta".to_owned(),
        issuer: "https://okta.example".to_owned(),
        subject: "00u1".to_owned(),
    });
    question.user.groups = Some(GroupSnapshot {
        groups: ["staff", "lunch"].map(ToOwned::to_owned).into(),
        taken_at: Timestamp::from_seconds(1_767_225_600),
    });
    let said = explain(&question);
    let text = said.to_string();
    for line in [
        "groups that okta named at 2026-01-01T00:00:00Z:",
        "staff: role member",
        "lunch: no role",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let groups = said.groups.unwrap();
    assert_eq!(groups.roles["staff"].as_deref(), Some("member"));
    assert_eq!(groups.roles["lunch"], None);
}

#[test]
fn the_limit_of_a_client_counts() {
    let mut asked = question(&["admin"], "metric");
    asked.client = Some(client("mcp:tools"));
    let said = explain(&asked);
    assert_eq!(said.verdict, Verdict::Refused);
    assert_eq!(said.client.as_ref().unwrap().refusals, "tool_result");
    let text = said.to_string();
    let remedy = "Let the client Nightly have metrics:read, which it is limited from.";
    assert!(text.contains(remedy), "{text}");
    asked.client = Some(client("everything"));
    assert_eq!(explain(&asked).verdict, Verdict::Allowed);
}

#[test]
fn disabled_roleless_and_pointless_are_told_apart() {
    let mut asked = question(&["admin"], "metric");
    asked.user.disabled = true;
    assert_eq!(explain(&asked).verdict, Verdict::Disabled);
    asked.user.disabled = false;
    asked.exists = false;
    assert_eq!(explain(&asked).verdict, Verdict::Unknown);
    let said = explain(&question(&[], "metric"));
    assert_eq!(said.verdict, Verdict::Refused);
    assert!(said.to_string().contains("has no role"), "{said}");
    let said = explain(&question(&["gone"], "metric"));
    assert!(said.to_string().contains("role gone: unknown"), "{said}");
}

#[test]
fn programs_read_it_as_json() {
    let said = explain(&question(&["member"], "metric"));
    let json = serde_json::to_value(&said).unwrap();
    assert_eq!(json["verdict"], "refused");
    assert_eq!(json["kind"], "tool");
    assert_eq!(json["roles"]["member"][0], "mcp:tools");
}
