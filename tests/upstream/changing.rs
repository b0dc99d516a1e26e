//! Servers come, change and go with the description of their tenant.

use axum::http::Method;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::fake_upstream::{FakeUpstream, PATIENCE, Seen, modern};
use crate::house::{House, Post, server};

async fn upstream(tool: &str) -> FakeUpstream {
    let tool = json!({ "name": tool, "inputSchema": { "type": "object" } });
    let lists = json!({ "tools": [tool] });
    FakeUpstream::start(move |seen: &Seen| modern(seen, &lists).unwrap()).await
}

#[tokio::test]
async fn servers_come_change_and_go_without_a_restart() {
    let (docs, mail) = (upstream("search").await, upstream("send").await);
    let mut house = House::of(&server("docs", &docs.url, "")).await;
    let tools = async |house: &House| house.names("tools/list", "tools", "name").await;
    assert_eq!(tools(&house).await, ["own_tool", "docs_search"]);

    let both = server("docs", &docs.url, "") + &server("mail", &mail.url, "");
    house.change(&both);
    assert_eq!(
        tools(&house).await,
        ["own_tool", "docs_search", "mail_send"]
    );
    let met = docs.asked("server/discover").len();
    assert_eq!(met, 1, "what did not change is not met again");

    house.change(&server("docs", &mail.url, "prefix = \"papers\""));
    assert_eq!(tools(&house).await, ["own_tool", "papers_send"]);

    house.change("");
    assert_eq!(tools(&house).await, ["own_tool"]);
}

#[tokio::test]
async fn who_listens_is_told_that_servers_came_and_went() {
    let docs = upstream("search").await;
    let mut house = House::of("").await;
    let filter = json!({ "toolsListChanged": true });
    let listen = Post::modern("subscriptions/listen", json!({ "notifications": filter }));
    let response = house.open(Method::POST, listen).await;
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    for (times, servers) in [(1, server("docs", &docs.url, "")), (2, String::new())] {
        house.change(&servers);
        while text.matches("tools/list_changed").count() < times {
            let piece = tokio::time::timeout(PATIENCE, stream.next()).await;
            let piece = piece.expect("nothing came").unwrap().unwrap();
            text += std::str::from_utf8(&piece).unwrap();
        }
    }
}
