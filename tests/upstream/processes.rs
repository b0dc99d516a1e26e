//! Servers in child processes.

use std::path::Path;
use std::time::{Duration, Instant};

use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::fake_upstream::PATIENCE;
use crate::house::{CAPABILITIES, House, Post};

/// A server that is a shell with the script beside this file.
fn shell(more: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upstream/server.sh");
    format!(
        "[[tenants.servers]]\nname = \"sh\"\ncommand = [\"/bin/sh\", {:?}]\n{more}\n",
        script.display().to_string()
    )
}

fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

async fn until(what: impl AsyncFn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let waiting = async {
        while !what().await {
            look.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it never was so");
}

#[tokio::test]
async fn a_process_has_nothing_but_what_it_is_given() {
    let variables = "environment = { NAME = \"environment\", SECRET = { env = \"TOKEN\" } }";
    let house = House::of(&shell(variables)).await;
    let names = house.names("tools/list", "tools", "name").await;
    assert_eq!(names[..2], ["own_tool", "sh_environment"]);
    let said = text(&house.result(Post::call("sh_environment", json!({}))).await);
    let (environment, folder) = said.split_once("in /").unwrap();
    assert_eq!(environment.trim(), "NAME=environment SECRET=s3cret");
    let folder = Path::new("/").join(folder);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    drop(house);
    until(async || !folder.exists()).await;
}

#[tokio::test]
async fn a_process_that_ended_is_started_again_after_a_pause() {
    let house = House::of(&shell("")).await;
    let call = || Post::call("sh_environment", json!({}));
    house.result(call()).await;
    let (code, _) = house.error(Post::call("sh_crash", json!({}))).await;
    assert_eq!(code, -32603);
    let begun = Instant::now();
    let (_, told) = house.error(call()).await;
    assert!(told.contains("can't be reached"), "{told}");
    until(async || house.send(call()).await["result"].is_object()).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn what_a_process_started_ends_with_it() {
    let house = House::of(&shell("")).await;
    let child = text(&house.result(Post::call("sh_child", json!({}))).await);
    let place = Path::new("/proc").join(&child);
    let runs = || {
        let status = std::fs::read_to_string(place.join("stat")).unwrap_or_default();
        // One that ended and that nobody has waited for is a zombie.
        !status.is_empty() && !status.contains(") Z ")
    };
    assert!(runs());
    drop(house);
    until(async || !runs()).await;
}

#[tokio::test]
async fn a_process_that_does_not_speak_mcp_is_ended() {
    let house = House::of(&shell("")).await;
    let (code, told) = house.error(Post::call("sh_babble", json!({}))).await;
    assert_eq!(code, -32603);
    assert!(!told.contains("people"), "{told}");
    until(async || {
        let call = Post::call("sh_environment", json!({}));
        house.send(call).await["result"].is_object()
    })
    .await;
}

#[tokio::test]
async fn k12_a_question_goes_to_the_only_call_that_it_can_be_about() {
    let house = House::of(&shell("")).await;
    let ask = Post::call("sh_ask", json!({}));
    let able = ask.clone().meta(CAPABILITIES, json!({ "elicitation": {} }));
    let result = house.result(able).await;
    assert_eq!(result["resultType"], "input_required", "{result}");
    assert_eq!(text(&house.result(ask).await), "refused");
}

#[tokio::test]
async fn k12_a_question_that_may_be_about_another_call_reaches_nobody() {
    let house = House::of(&shell("")).await;
    house.names("tools/list", "tools", "name").await;
    let able =
        |name: &str| Post::call(name, json!({})).meta(CAPABILITIES, json!({ "elicitation": {} }));
    let (held, asked) = tokio::join!(house.result(able("sh_hold")), async {
        // The other one is under way by then: it was sent first, on the same pipe.
        tokio::task::yield_now().await;
        house.result(able("sh_ask")).await
    });
    assert_eq!(text(&asked), "refused");
    assert_eq!(text(&held), "released");
}

#[tokio::test]
async fn a_client_of_an_earlier_revision_uses_a_process() {
    let house = House::of(&shell("")).await;
    let mut post = Post::new(Revision::V2025_11_25, "tools/call", json!({}));
    post.body["params"] = json!({ "name": "sh_environment" });
    assert!(text(&house.result(post).await).contains("in /"));
}
