//! The tools of mounted servers at a whole gateway: command line, admin API, console, lock file.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::admin::desk::Desk;
use crate::client::{Client, http};
use crate::fake_upstream::{FakeUpstream, Seen, modern};
use crate::process::{Database, Gateway};

const SERVER: &str = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"";

/// A gateway with a server whose one tool says what it is told to say.
struct Shop {
    database: Database,
    gateway: Gateway,
    more: String,
    description: Arc<Mutex<&'static str>>,
    client: Client,
    token: String,
}

impl Shop {
    async fn open(database: Database) -> Self {
        let description = Arc::new(Mutex::new("Finds pages."));
        let says = Arc::clone(&description);
        let upstream = FakeUpstream::start(move |seen: &Seen| {
            if seen.method() != "tools/list" {
                return modern(seen, &json!({})).unwrap();
            }
            let tool = json!({
                "name": "search", "description": *says.lock().unwrap(),
                "inputSchema": { "type": "object" },
            });
            let result = json!({ "tools": [tool], "resultType": "complete", "ttlMs": 0 });
            seen.result(&result.to_string())
        })
        .await;
        let more = format!(
            "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\nurl = \"{}\"\n\
             allow_private = [\"127.0.0.0/8\"]\n",
            upstream.url
        );
        let gateway = database.serve_with(SERVER, &more);
        database.add_user_with(&more, "default", ("ada", "member"));
        let mut client = Client::register(&gateway).await;
        let token = client.tokens("mcp:tools").await.access;
        Self {
            database,
            gateway,
            more,
            description,
            client,
            token,
        }
    }

    async fn has_tool(&self) -> bool {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
        let response = self.client.call(&self.token, &message).await;
        let answer: Value = response.json().await.unwrap();
        answer["result"]["tools"]
            .to_string()
            .contains("docs_search")
    }

    async fn until(&self, has_tool: bool) {
        let begun = Instant::now();
        while self.has_tool().await != has_tool {
            assert!(begun.elapsed() < Duration::from_secs(30), "not in time");
        }
    }

    fn say(&self, description: &'static str) {
        *self.description.lock().unwrap() = description;
    }

    /// Runs a command; answers whether it was done, and what it said.
    fn command(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = self.database.command_with("", &self.more, arguments);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn printed(&self, arguments: &[&str]) -> String {
        let (done, said) = self.command(arguments);
        assert!(done, "{said}");
        said
    }
}

async fn decided_everywhere(database: Database) {
    let shop = Shop::open(database).await;
    shop.until(true).await;
    let listed = shop.printed(&["server", "tools"]);
    assert!(listed.starts_with("docs\tsearch\tapproved\t"), "{listed}");
    let lock = shop.printed(&["server", "lock", "export"]);

    // By command.
    shop.say("Finds more pages.");
    shop.until(false).await;
    let listed = shop.printed(&["server", "tools", "docs", "--waiting"]);
    assert!(
        listed.contains("its description was \"Finds pages.\" and is \"Finds more pages.\""),
        "{listed}"
    );
    let digest = listed.lines().next().unwrap().split('\t').nth(3).unwrap();
    let other = "0".repeat(64);
    for wrong in [&other, &digest[..8]] {
        let (done, said) = shop.command(&["server", "approve", "docs", "search", wrong]);
        assert!(!done, "{said}");
    }
    shop.printed(&["server", "approve", "docs", "search", &digest[..12]]);
    shop.until(true).await;

    // By the API.
    let desk = Desk::admin(&shop.database, &shop.gateway);
    shop.say("Finds many pages.");
    shop.until(false).await;
    let tools = desk.get("/tenants/default/tools?server=docs").await;
    let tool = &tools["items"][0];
    assert_eq!(
        (&tool["state"], &tool["tool_changes"]),
        (&json!("changed"), &json!("withhold"))
    );
    assert_eq!(tool["approved_by"], "command line");
    assert_eq!(tool["offered"]["description"], "Finds many pages.");
    let mut approval = json!({ "server": "docs", "tool": "search", "digest": other });
    let address = "/tenants/default/tools/approve";
    let (status, _) = desk.ask(Method::POST, address, Some(&approval)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    approval["digest"] = tool["digest"].clone();
    let (status, _) = desk.ask(Method::POST, address, Some(&approval)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    shop.until(true).await;

    // By the lock file, which knows the first one only.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tools.lock.json");
    std::fs::write(&path, &lock).unwrap();
    shop.printed(&["server", "lock", "apply", path.to_str().unwrap()]);
    shop.until(false).await;
    shop.say("Finds pages.");
    shop.until(true).await;
    assert_eq!(shop.printed(&["server", "lock", "export"]), lock);
    std::fs::write(&path, lock.replace("Finds pages.", "Sends pages.")).unwrap();
    let (done, said) = shop.command(&["server", "lock", "apply", path.to_str().unwrap()]);
    assert!(
        !done && said.contains("docs/search: the digest is not"),
        "{said}"
    );
}

#[tokio::test]
async fn k02_operators_decide_by_command_api_and_lock_file_on_sqlite() {
    decided_everywhere(Database::sqlite()).await;
}

#[tokio::test]
async fn k02_operators_decide_by_command_api_and_lock_file_on_postgres() {
    if let Some(database) = Database::postgres().await {
        decided_everywhere(database).await;
    }
}

#[tokio::test]
async fn k02_a_lock_that_is_applied_first_leaves_nothing_to_the_first_sight() {
    let shop = Shop::open(Database::sqlite()).await;
    let empty = json!({ "version": 1, "servers": { "docs": { "tools": {} } } });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tools.lock.json");
    std::fs::write(&path, empty.to_string()).unwrap();
    shop.printed(&["server", "lock", "apply", path.to_str().unwrap()]);
    shop.until(false).await;
    let listed = shop.printed(&["server", "tools"]);
    assert!(listed.starts_with("docs\tsearch\tnew\t"), "{listed}");
    let offered = shop.printed(&["server", "lock", "export", "--offered"]);
    std::fs::write(&path, offered).unwrap();
    shop.printed(&["server", "lock", "apply", path.to_str().unwrap()]);
    shop.until(true).await;
}

#[tokio::test]
async fn k02_operators_decide_in_the_console() {
    let shop = Shop::open(Database::sqlite()).await;
    shop.until(true).await;
    shop.say("Finds <b>more</b> pages.");
    shop.until(false).await;
    let desk = Desk::admin(&shop.database, &shop.gateway);
    let at = |path: &str| format!("{}{path}", desk.base);
    let field = |page: &str, name: &str| {
        let begin = format!("name=\"{name}\" value=\"");
        let rest = page.split_once(&begin).expect("no such field").1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let cookies = |response: &reqwest::Response| {
        let set = response.headers().get_all("set-cookie").iter();
        let set = set.map(|it| it.to_str().unwrap().split(';').next().unwrap());
        set.collect::<Vec<_>>().join("; ")
    };
    let response = http().get(at("/console/sign-in")).send().await.unwrap();
    let cookie = cookies(&response);
    let form = [
        (
            "form_token",
            field(&response.text().await.unwrap(), "form_token"),
        ),
        ("token", desk.token.clone()),
    ];
    let sign_in = http().post(at("/console/sign-in")).header("cookie", cookie);
    let signed_in = sign_in.form(&form).send().await.unwrap();
    assert_eq!(signed_in.status(), StatusCode::SEE_OTHER);
    let cookie = cookies(&signed_in);
    let tools = at("/console/tenants/default/tools");
    let shown = http().get(tools).header("cookie", &cookie).send().await;
    let page = shown.unwrap().text().await.unwrap();
    assert!(page.contains("Finds &#60;b&#62;more"), "{page}");
    let form = [
        ("form_token", field(&page, "form_token")),
        ("id", field(&page, "id")),
        ("do", "approve_tool".to_owned()),
    ];
    let act = http().post(at("/console/tenants/default/do"));
    let done = act.header("cookie", &cookie).form(&form).send().await;
    assert_eq!(done.unwrap().status(), StatusCode::SEE_OTHER);
    shop.until(true).await;
}
