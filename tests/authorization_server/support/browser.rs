//! A person at a browser.

use std::collections::BTreeMap;

use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, StatusCode};

use super::{Answer, Fields, PASSWORD, Server, form};

/// A person's browser: it keeps cookies and fills in forms.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    tenant: &'static str,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(server: &'a Server, tenant: &'static str) -> Self {
        Self {
            server,
            tenant,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: Fields<'_>) -> Answer {
        self.send(form(path, fields)).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            let value = cookies.join("; ").parse().unwrap();
            request.headers_mut().insert(COOKIE, value);
        }
        let answer = self.server.send(self.tenant, request).await;
        for line in answer.headers.get_all(SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Submits the form of `page` with what the person filled in.
    pub(crate) async fn submit(&mut self, page: &Answer, fields: Fields<'_>) -> Answer {
        let (action, token) = page.form();
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        let action = self.relative(&action);
        self.post(&action, &all).await
    }

    /// Signs in; `request` is an authorization request.
    pub(crate) async fn sign_in(&mut self, username: &str, request: &str) -> Answer {
        let page = self.get(&format!("/login?{request}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        self.submit(&page, &[("username", username), ("password", PASSWORD)])
            .await
    }

    /// Goes all the way to the consent page.
    pub(crate) async fn consent_page(&mut self, username: &str, request: &str) -> Answer {
        let signed_in = self.sign_in(username, request).await;
        assert_eq!(
            signed_in.status,
            StatusCode::SEE_OTHER,
            "{}",
            signed_in.body
        );
        let next = self.relative(signed_in.header("location"));
        let page = self.get(&next).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.header("location"));
        page
    }

    /// The path as the routes know it: the tenant's own path is the router's affair.
    fn relative(&self, path: &str) -> String {
        let base = if self.tenant == "t2" { "/t/two" } else { "" };
        path.strip_prefix(base).unwrap().to_owned()
    }
}
