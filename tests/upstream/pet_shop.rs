//! A small HTTP API, and the OpenAPI document that describes it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::house::{House, Post};

/// What an API on this machine takes.
pub(crate) const LOOPBACK: &str = "allow_private = [\"127.0.0.0/8\"]";

/// What a call of a tool comes to.
pub(crate) async fn call(house: &House, name: &str, arguments: Value) -> Value {
    house.result(Post::call(name, arguments)).await
}

/// The texts of a result.
pub(crate) fn text(result: &Value) -> String {
    let blocks = result["content"].as_array().unwrap().iter();
    let texts = blocks.map(|block| block["text"].as_str().unwrap().to_owned());
    texts.collect::<Vec<_>>().join("\n")
}

/// A request that the API got.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Method, path and query as they came.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// A shop for pets, with its document in a file.
pub(crate) struct Shop {
    pub(crate) base: String,
    seen: Log,
    document: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Shop {
    pub(crate) async fn open(document: &Value) -> Self {
        let seen = Log::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap());
        let text = Arc::<Mutex<String>>::default();
        let state = (Arc::clone(&seen), Arc::clone(&text));
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let shop = Self {
            base,
            seen,
            document: text,
            folder: TempDir::new().unwrap(),
        };
        shop.describe(document);
        shop
    }

    pub(crate) fn describe(&self, document: &Value) {
        let text = document
            .as_str()
            .map_or_else(|| document.to_string(), str::to_owned);
        std::fs::write(self.folder.path().join("openapi"), &text).unwrap();
        *self.document.lock().unwrap() = text;
    }

    pub(crate) fn server(&self, more: &str) -> String {
        format!(
            "[[tenants.servers]]\nname = \"pets\"\nurl = \"{}\"\nopenapi = \"{}\"\n{more}\n",
            self.base,
            self.folder.path().join("openapi").display()
        )
    }

    /// The same with the document at an address, where it is whatever it was last.
    pub(crate) fn remote(&self, more: &str) -> String {
        let base = &self.base;
        format!(
            "[[tenants.servers]]\nname = \"pets\"\nurl = \"{base}\"\n\
             openapi = \"{base}openapi\"\n{more}\n"
        )
    }

    pub(crate) async fn house(&self, more: &str) -> House {
        House::of(&self.server(&format!("{LOOPBACK}\n{more}"))).await
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| seen.line.clone()).collect()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen
            .lock()
            .unwrap()
            .last()
            .expect("nothing came")
            .clone()
    }
}

async fn answer(
    State((seen, document)): State<(Log, Arc<Mutex<String>>)>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path().to_owned();
    seen.lock().unwrap().push(Seen {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let json = [("content-type", "application/json")];
    match path.as_str() {
        "/v1/openapi" => document.lock().unwrap().clone().into_response(),
        "/v1/pets/closed" => StatusCode::UNAUTHORIZED.into_response(),
        "/v1/pets/forbidden" => {
            (StatusCode::FORBIDDEN, json, r#"{"why":"not yours"}"#).into_response()
        }
        "/v1/pets/none" => {
            let problem = [("content-type", "application/problem+json")];
            let body = r#"{"title":"no such pet"}"#;
            (StatusCode::NOT_FOUND, problem, body).into_response()
        }
        "/v1/pets/broken" => {
            let text = [("content-type", "text/plain")];
            (StatusCode::INTERNAL_SERVER_ERROR, text, "x".repeat(100_000)).into_response()
        }
        "/v1/pets/large" => (json, format!("\"{}\"", "x".repeat(100_000))).into_response(),
        "/v1/pets/odd" => (json, r#"{"name":1}"#).into_response(),
        "/v1/pets/elsewhere" => {
            let location = [("location", "http://127.0.0.1:9/")];
            (StatusCode::TEMPORARY_REDIRECT, location).into_response()
        }
        "/v1/pets/slow" => std::future::pending().await,
        "/v1/pets/picture" => {
            let png = [("content-type", "image/png")];
            (png, Body::from(Bytes::from_static(b"\x89PNG"))).into_response()
        }
        _ if path.ends_with("/gone") => StatusCode::NO_CONTENT.into_response(),
        _ if path.ends_with("/new") => {
            (StatusCode::CREATED, [("location", "/v1/pets/7")]).into_response()
        }
        _ => (json, r#"{"id":1,"name":"Rex"}"#).into_response(),
    }
}

/// The document, with the operation `getPet` at this path.
pub(crate) fn document(of_pet: &str) -> Value {
    let pet = json!({ "$ref": "#/components/schemas/Pet" });
    let ok = |schema: &Value| {
        json!({ "200": {
            "description": "ok", "content": { "application/json": { "schema": schema } },
        } })
    };
    let id = json!({ "$ref": "#/components/parameters/PetId" });
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Pets", "version": "1" },
        "components": {
            "parameters": { "PetId": {
                "name": "petId", "in": "path", "required": true, "schema": { "type": "string" },
            } },
            "schemas": {
                "Pet": {
                    "type": "object", "required": ["name"],
                    "properties": {
                        "name": { "type": "string", "nullable": true, "example": "Rex" },
                        "age": { "type": "integer", "minimum": 0, "exclusiveMinimum": true },
                        "parents": { "type": "array", "items": pet },
                    },
                },
                "Far": { "$ref": "https://elsewhere.example/schemas.json#/Pet" },
            },
        },
        "paths": {
            of_pet: {
                "parameters": [id],
                "get": {
                    "operationId": "getPet", "summary": "Find a pet", "responses": ok(&pet),
                },
                "delete": {
                    "operationId": "removePet", "description": "Removes a pet.",
                    "responses": { "204": { "description": "gone" } },
                },
            },
            "/pets": {
                "get": {
                    "operationId": "listPets",
                    "parameters": [
                        { "name": "tags", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
                        { "name": "ids", "in": "query", "explode": false, "schema": { "type": "array", "items": { "type": "integer" } } },
                        { "name": "filter", "in": "query", "style": "deepObject", "explode": true, "schema": { "type": "object" } },
                        { "name": "X-Trace", "in": "header", "schema": { "type": "string" } },
                        { "name": "Authorization", "in": "header", "schema": { "type": "string" } },
                        { "name": "session", "in": "cookie", "schema": { "type": "string" } },
                    ],
                    "responses": ok(&json!({ "type": "array", "items": pet })),
                },
                "post": {
                    "operationId": "add pet!",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": pet } } },
                    "responses": ok(&pet),
                },
                "put": {
                    "operationId": "upload",
                    "requestBody": { "required": true, "content": { "multipart/form-data": {} } },
                    "responses": {},
                },
                "patch": {
                    "operationId": "far",
                    "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Far" } } } },
                    "responses": {},
                },
            },
            "/owners/{owner}/pets": { "put": {
                "parameters": [{ "name": "owner", "in": "path", "required": true, "schema": { "type": "string" } }],
                "requestBody": { "content": { "application/x-www-form-urlencoded": { "schema": { "type": "object" } } } },
                "responses": {},
            } },
        },
    })
}

/// Another document, in YAML and of OpenAPI 3.1.
pub(crate) const YAML: &str = r"
openapi: 3.1.0
info: { title: Pets, version: '2' }
servers: [{ url: 'https://evil.example/v1' }]
paths:
  /pets:
    head: { operationId: countPets, summary: Count }
    get:
      operationId: searchPets
      deprecated: true
      description: Searches.
      parameters:
      - { name: 'kind[]', in: query, schema: { type: array, items: { type: string } } }
      - { name: size, in: query, style: pipeDelimited, explode: false, schema: { type: array, items: { type: integer } } }
      - { name: where, in: query, style: deepObject, explode: true, schema: { type: object } }
      - { name: filter, in: query, content: { application/json: { schema: { type: object } } } }
      - { name: shop, in: cookie, schema: { type: [string, 'null'] } }
      responses:
        200: { description: yes, content: { application/json: { schema: { type: array } } } }
    post:
      operationId: orderPet
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: { $ref: '#/components/schemas/Order' }
            encoding: { expand: { style: deepObject, explode: true } }
      responses:
        '201': { description: yes }
  /pets/{petId}:
    patch:
      operationId: changePet
      parameters: [{ name: petId, in: path, required: true, schema: { type: integer } }]
      requestBody: { content: { application/merge-patch+json: { schema: { type: object } } } }
      responses:
        '2XX': { description: yes, content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
components:
  schemas:
    Order: { type: object, required: [name], properties: { name: { type: string } } }
    Pet: { type: object, required: [name], properties: { name: { type: string } } }
";
