//! Streams that are open while their tenant becomes another one.

use gatehouse::backends::ListChange;
use gatehouse::model::{AccessRules, Requirement, TenantSlug, Visibility};
use serde_json::{Value, json};

use crate::gate::Post;
use crate::house::{House, in_session, messages};
use crate::talk::WATCHED;

const ADA: (&str, &str) = ("ada", "client");
const EVERYTHING: [&str; 3] = [
    "toolsListChanged",
    "promptsListChanged",
    "resourcesListChanged",
];

/// What nobody in these tests holds.
fn rare(visibility: Visibility) -> Requirement {
    let scopes = "metrics:read".parse().unwrap();
    Requirement { scopes, visibility }
}

fn hide_a_tool(rules: &mut AccessRules) {
    let name = "ask".to_owned();
    rules.tools.insert(name, rare(Visibility::Hidden));
}

fn listen(filter: &Value) -> Post {
    Post::modern("subscriptions/listen", json!({ "notifications": filter }))
}

fn methods(stream: &str) -> Vec<String> {
    let told = messages(stream);
    let methods = told.iter().filter_map(|message| message["method"].as_str());
    methods.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_listener_hears_of_the_lists_that_its_tenant_shows_differently() {
    let house = House::new().await;
    let filter: Value = EVERYTHING
        .map(|name| (name.to_owned(), json!(true)))
        .into_iter()
        .collect();
    let mut open = house.open(ADA, "POST", listen(&filter)).await;
    open.until("acknowledged").await;
    let slug = TenantSlug::default();
    assert_eq!(house.edge.followed_tenants(), std::slice::from_ref(&slug));
    // It is another one, and shows all that it showed.
    let same = house.tenant_with(|rules| {
        let name = "ask".to_owned();
        rules.tools.insert(name, rare(Visibility::Discoverable));
    });
    house.edge.tenant_is(&slug, Some(&same));
    house.talk.lists.send(ListChange::Prompts).unwrap();
    open.until("prompts/list_changed").await;
    house
        .edge
        .tenant_is(&slug, Some(&house.tenant_with(hide_a_tool)));
    open.until("tools/list_changed").await;
    house.edge.close();
    let expected = [
        "notifications/subscriptions/acknowledged",
        "notifications/prompts/list_changed",
        "notifications/tools/list_changed",
    ];
    assert_eq!(methods(&open.rest().await), expected);
    assert_eq!(house.edge.followed_tenants(), []);
}

#[tokio::test]
async fn the_stream_of_a_session_hears_of_it_too() {
    let house = House::new().await;
    let session = house.begin(ADA, json!({})).await;
    let stream = in_session("", json!({}), &session);
    let mut open = house.open(ADA, "GET", stream).await;
    open.until("retry").await;
    let tenant = house.tenant_with(hide_a_tool);
    house.edge.tenant_is(&TenantSlug::default(), Some(&tenant));
    open.until("notifications/tools/list_changed").await;
}

#[tokio::test]
async fn a_resource_that_may_no_longer_be_read_is_no_longer_told_of() {
    let house = House::new().await;
    let filter = json!({ "resourceSubscriptions": [WATCHED], "resourcesListChanged": true, "toolsListChanged": true });
    let mut open = house.open(ADA, "POST", listen(&filter)).await;
    house.talk.updates.send(()).unwrap();
    open.until("resources/updated").await;
    let tenant = house.tenant_with(|rules| {
        let entry = (WATCHED.to_owned(), rare(Visibility::Hidden));
        rules.resources.extend([entry]);
    });
    house.edge.tenant_is(&TenantSlug::default(), Some(&tenant));
    open.until("resources/list_changed").await;
    drop(house.talk.updates.send(()));
    house.talk.lists.send(ListChange::Tools).unwrap();
    open.until("tools/list_changed").await;
    house.edge.close();
    let told = methods(&open.rest().await);
    let updates = told.iter().filter(|method| method.ends_with("updated"));
    assert_eq!(updates.count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_tenant_that_is_gone_ends_its_streams() {
    let house = House::new().await;
    let mut open = house.open(ADA, "POST", listen(&json!({}))).await;
    open.until("acknowledged").await;
    house.edge.tenant_is(&TenantSlug::default(), None);
    let last = messages(&open.rest().await).pop().unwrap();
    assert_eq!(last["result"]["resultType"], "complete");
}
