//! Every operation of the OpenAPI document, asked by everyone who may not (H01, H06): nothing that the
//! document will list later on can be left out.

use std::collections::BTreeMap;

use gatehouse::admin;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::desk::{ACME, Desk, GLOBEX, ROOT, SERVER, add_operator};
use crate::client::{Client, http};
use crate::process::{Database, Gateway};

/// An operation with the objects of one tenant in its path.
struct Operation {
    method: Method,
    /// As the document has it.
    template: String,
    path: String,
    role: String,
    body: Option<Value>,
}

/// What the walk is about: two tenants, each with one of everything.
struct House {
    database: Database,
    gateway: Gateway,
    root: Desk,
    /// Of the tenant `globex`.
    objects: BTreeMap<&'static str, String>,
    /// An access token of a person who is admin at `globex`.
    mcp_token: String,
}

impl House {
    async fn build(database: Database) -> Self {
        let gateway = database.serve_with(SERVER, "");
        let root = Desk::admin(&database, &gateway);
        root.add_tenant("acme", ACME).await;
        root.add_tenant("globex", GLOBEX).await;
        root.add_user("acme", "ada").await;
        let user = root.add_user("globex", "ada").await;
        until_known(&gateway, GLOBEX).await;
        let mut client = Client::register_at(&gateway, GLOBEX).await;
        let tokens = client.tokens("mcp:tools").await;
        let grants = root.get("/tenants/globex/grants").await;
        let grant = grants["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(grants["items"][0]["user"], user.as_str());
        let objects = [
            ("tenant", "globex".to_owned()),
            ("user", user),
            ("client", client.id.clone()),
            ("grant", grant),
            ("operator", "root".to_owned()),
        ];
        Self {
            database,
            gateway,
            root,
            objects: objects.into_iter().collect(),
            mcp_token: tokens.access,
        }
    }

    /// The address with the objects of `globex` in it.
    fn path_of(&self, template: &str) -> String {
        let path = template.strip_prefix("/admin/v1").unwrap().to_owned();
        let fill =
            |path: String, (name, id): (&&str, &String)| path.replace(&format!("{{{name}}}"), id);
        self.objects.iter().fold(path, fill)
    }

    /// Every operation on what `globex` has.
    fn operations(&self) -> Vec<Operation> {
        let document = admin::document();
        let mut operations = Vec::new();
        for (template, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let path = self.path_of(template);
                assert!(
                    !path.contains('{'),
                    "{path}: this walk does not know the parameter"
                );
                operations.push(Operation {
                    method: method.to_uppercase().parse().unwrap(),
                    template: template.clone(),
                    path,
                    role: operation["x-gatehouse-role"].as_str().unwrap().to_owned(),
                    body: operation
                        .get("requestBody")
                        .map(|_| body(operation["operationId"].as_str().unwrap())),
                });
            }
        }
        operations
    }

    /// Everything that there is, as an admin sees it.
    async fn everything(&self) -> Vec<Value> {
        let mut found = Vec::new();
        for path in ["/tenants", "/operators"] {
            found.push(self.root.get(path).await);
        }
        for tenant in ["default", "acme", "globex"] {
            for list in ["", "/users", "/clients", "/grants", "/keys"] {
                let path = format!("/tenants/{tenant}{list}");
                found.push(self.root.get(&path).await);
            }
        }
        found
    }
}

/// A body that would be taken, were it not for who sends it.
fn body(operation: &str) -> Value {
    match operation {
        "addTenant" => json!({ "slug": "initech", "public_url": "http://127.0.0.1:9/t/initech" }),
        "replaceTenantSettings" => {
            json!({ "settings": { "registration": { "policy": "closed" } } })
        }
        "addUser" => {
            json!({ "username": "eve", "roles": ["admin"], "password": "correct horse battery" })
        }
        "setUserRoles" => json!({ "roles": ["member"] }),
        "addClient" => json!({ "name": "Eve's", "scopes": ["mcp:tools"] }),
        "approveServerTool" => {
            json!({ "server": "docs", "tool": "search", "digest": "0".repeat(64) })
        }
        "addOperator" => json!({ "name": "eve", "role": "admin" }),
        other => panic!("this walk knows no body for {other}"),
    }
}

pub(super) async fn until_known(gateway: &Gateway, base: &str) {
    let begun = std::time::Instant::now();
    while crate::tenants::get(gateway, &format!("{base}/mcp"))
        .await
        .status()
        != StatusCode::UNAUTHORIZED
    {
        assert!(begun.elapsed().as_secs() < 20, "{base} is not served");
    }
}

/// The status that each operation is answered with.
async fn ask(desk: &Desk, operation: &Operation) -> StatusCode {
    let (status, _) = desk
        .ask(
            operation.method.clone(),
            &operation.path,
            operation.body.as_ref(),
        )
        .await;
    status
}

async fn others_objects_are_not_there(database: Database) {
    let house = House::build(database).await;
    let restricted = ["acme-admin", "--role", "admin", "--tenant", "acme"];
    let acme = Desk::open(&house.database, &house.gateway, &restricted);
    let before = house.everything().await;
    let mut walked = 0;
    for operation in house.operations() {
        let status = ask(&acme, &operation).await;
        let expected = if operation.template.contains("{tenant}") {
            StatusCode::NOT_FOUND
        } else if operation.method == Method::GET && operation.role == "viewer" {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        let Operation { method, path, .. } = &operation;
        assert_eq!(status, expected, "{method} {path}");
        // The object's identifier under the name of the operator's own tenant.
        let moved = operation.path.replace("/globex/", "/acme/");
        if moved != operation.path
            && moved.matches('/').count() > 3
            && operation.template.matches('{').count() > 1
        {
            let moved = Operation {
                path: moved,
                ..operation
            };
            for desk in [&acme, &house.root] {
                let status = ask(desk, &moved).await;
                assert_eq!(
                    status,
                    StatusCode::NOT_FOUND,
                    "{} {}",
                    moved.method,
                    moved.path
                );
            }
        }
        walked += 1;
    }
    assert!(walked > 20, "{walked}");
    let tenants = acme.get("/tenants").await;
    assert_eq!(tenants["items"].as_array().unwrap().len(), 1, "{tenants}");
    assert_eq!(tenants["items"][0]["slug"], "acme");
    assert_eq!(house.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_objects_of_another_tenant_are_not_there_for_a_restricted_operator_on_sqlite() {
    others_objects_are_not_there(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_objects_of_another_tenant_are_not_there_for_a_restricted_operator_on_postgres() {
    if let Some(database) = Database::postgres().await {
        others_objects_are_not_there(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h06_no_operation_answers_without_an_operator_token_or_at_the_public_listener() {
    let house = House::build(Database::sqlite()).await;
    let before = house.everything().await;
    let ended = add_operator(&house.database, &["gone", "--role", "admin"]);
    house.root.act(Method::DELETE, "/operators/gone").await;
    for operation in house.operations() {
        let Operation { method, path, .. } = &operation;
        for token in [&house.mcp_token, &ended, "gatehouse_op_", ""] {
            let status = ask(&house.root.with_token(token), &operation).await;
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{method} {path} with {token:?}"
            );
        }
        // A cookie is no credential here, and none is a plain refusal with a challenge.
        let address = format!("{}/admin/v1{path}", house.root.base);
        let cookie = format!("gatehouse-console={}", house.root.token);
        let bare = http()
            .request(method.clone(), address)
            .header("cookie", cookie);
        let bare = bare.send().await.unwrap();
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        assert!(bare.headers().contains_key("www-authenticate"));
        // The public listener has nothing of it, for any tenant's name.
        for base in [ROOT, GLOBEX] {
            let url = url::Url::parse(&format!("{base}/admin/v1{path}")).unwrap();
            let public = Client::register_at(&house.gateway, ROOT).await;
            let request = public.request(method.clone(), &url);
            let answer = request.bearer_auth(&house.root.token).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {url}");
        }
    }
    assert_eq!(changed(&house.everything().await), changed(&before));
}

/// All but what the default tenant has, where this test registers its own clients.
fn changed(everything: &[Value]) -> Vec<&Value> {
    let lists = everything[..2].iter();
    lists.chain(&everything[7..]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn h06_every_operation_asks_for_its_role() {
    let house = House::build(Database::sqlite()).await;
    let before = house.everything().await;
    for (small, refused) in [
        ("viewer", &["operator", "admin"][..]),
        ("operator", &["admin"]),
    ] {
        let arguments = [small, "--role", small];
        let desk = Desk::open(&house.database, &house.gateway, &arguments);
        let mut walked = 0;
        let operations = house.operations().into_iter();
        for operation in operations.filter(|one| refused.contains(&one.role.as_str())) {
            let status = ask(&desk, &operation).await;
            let Operation { method, path, .. } = &operation;
            assert_eq!(status, StatusCode::FORBIDDEN, "{small}: {method} {path}");
            walked += 1;
        }
        assert!(walked > 3, "{walked}");
        house
            .root
            .act(Method::DELETE, &format!("/operators/{small}"))
            .await;
    }
    assert_eq!(house.everything().await, before);
}
