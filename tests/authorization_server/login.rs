//! Signing in (catalogue A19, A23, I09).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use crate::support::{PASSWORD, Server, authorization, form};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let state = server.state().await;
    let mut bodies = Vec::new();
    for (username, password) in [("alice", "wrong"), ("nobody", "wrong"), ("alice", "")] {
        let mut browser = server.browser("t1");
        let page = browser.get(&format!("/login?{request}")).await;
        let fields = [("username", username), ("password", password)];
        let answer = browser.submit(&page, &fields).await;
        answer.assert_page(422);
        assert!(answer.body.contains("role=\"alert\""));
        let token = answer.body.split("form_token\" value=\"").nth(1).unwrap();
        let same = answer.body.replace(&token[..43], "");
        bodies.push(same.replace(username, ""));
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a_refused_attempt_can_be_repeated_on_its_own_page() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.get(&format!("/login?{request}")).await;
    let again = browser
        .submit(&page, &[("username", "alice"), ("password", "wrong")])
        .await;
    let answer = browser
        .submit(&again, &[("username", "alice"), ("password", PASSWORD)])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn passwords_are_tried_a_bounded_number_of_times_and_strangers_lock_nobody_out() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut owner = server.browser("t1");
    let signed_in = owner.sign_in("alice", &request).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);

    let mut stranger = server.browser("t1");
    let page = stranger.get(&format!("/login?{request}")).await;
    let guess = [("username", "alice"), ("password", "a guess")];
    for _ in 0..10 {
        stranger.submit(&page, &guess).await.assert_page(422);
    }
    let refused = stranger.submit(&page, &guess).await;
    refused.assert_page(429);
    assert!(refused.body.contains("15 minutes"), "{}", refused.body);
    // Even the right password is not tried then. Another account is another matter.
    let right = [("username", "alice"), ("password", PASSWORD)];
    stranger.submit(&page, &right).await.assert_page(429);
    let other = [("username", "bob"), ("password", PASSWORD)];
    let answer = stranger.submit(&page, &other).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    // The browser that she has signed in with before is not held up, and has a bound of its own.
    let page = owner.get(&format!("/login?{request}")).await;
    let answer = owner.submit(&page, &right).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = owner.get(&format!("/login?{request}")).await;
    for _ in 0..10 {
        owner.submit(&page, &guess).await.assert_page(422);
    }
    owner.submit(&page, &right).await.assert_page(429);
    server.clock.advance(15 * 60);
    let mut stranger = server.browser("t1");
    let answer = stranger.sign_in("alice", &request).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn b24_a_disabled_account_can_not_sign_in_and_its_session_ends() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    browser.consent_page("alice", &request).await;
    server.sql("UPDATE users SET disabled = TRUE").await;
    let answer = browser.get(&format!("/authorize?{request}")).await;
    assert!(answer.header("location").starts_with("/login?"));
    browser.sign_in("alice", &request).await.assert_page(422);
}

#[tokio::test]
async fn a23_a_form_of_another_browser_signs_nobody_in() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut attacker = server.browser("t1");
    let page = attacker.get(&format!("/login?{request}")).await;
    let fields = [("username", "bob"), ("password", PASSWORD)];
    let state = server.state().await;

    // In a browser that never opened the page, and in one that opened its own.
    let mut victim = server.browser("t1");
    victim.submit(&page, &fields).await.assert_page(403);
    victim.get(&format!("/login?{request}")).await;
    victim.submit(&page, &fields).await.assert_page(403);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a23_a_form_is_good_for_its_own_request_only() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .get(&format!("/login?{}", authorization(&client, &[])))
        .await;
    let (_, rest) = page.body.split_once("form_token\" value=\"").unwrap();
    let token = &rest[..43];
    let other = authorization(&client, &[("scope", "metrics:read")]);
    let answer = browser
        .post(
            &format!("/login?{other}"),
            &[
                ("form_token", token),
                ("username", "alice"),
                ("password", PASSWORD),
            ],
        )
        .await;
    answer.assert_page(403);
}

#[tokio::test]
async fn a23_a_cookie_from_before_never_becomes_a_session() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let name = "__Host-gatehouse-t1-session";
    let mut browser = server.browser("t1");
    browser.cookies.insert(name.to_owned(), "fixed".to_owned());
    browser.sign_in("alice", &request).await;
    let first = browser.cookies[name].clone();
    assert_ne!(first, "fixed");
    browser.sign_in("alice", &request).await;
    assert_ne!(browser.cookies[name], first);

    // The session before the second sign-in has ended.
    let mut old = server.browser("t1");
    old.cookies.insert(name.to_owned(), first);
    let answer = old.get(&format!("/authorize?{request}")).await;
    assert!(answer.header("location").starts_with("/login?"));
}

#[tokio::test]
async fn a23_a_post_from_another_site_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.get(&format!("/login?{request}")).await;
    let (_, rest) = page.body.split_once("form_token\" value=\"").unwrap();
    for site in ["cross-site", "same-site"] {
        let fields = [
            ("form_token", &rest[..43]),
            ("username", "alice"),
            ("password", PASSWORD),
        ];
        let mut post = form(&format!("/login?{request}"), &fields);
        post.headers_mut()
            .insert("sec-fetch-site", site.parse().unwrap());
        browser.send(post).await.assert_page(403);
    }
}

#[tokio::test]
async fn i06_two_login_pages_work_side_by_side() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let first = browser
        .get(&format!("/login?{}", authorization(&client, &[])))
        .await;
    let other = authorization(&client, &[("state", "2")]);
    let second = browser.get(&format!("/login?{other}")).await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    for page in [first, second] {
        let answer = browser.submit(&page, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn i09_cookies_are_bound_to_the_host_and_out_of_reach_of_scripts() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.get(&format!("/login?{request}")).await;
    let signed_in = browser.sign_in("alice", &request).await;
    for answer in [page, signed_in] {
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("__Host-gatehouse-t1-"), "{cookie}");
        for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain"));
        let (_, value) = cookie.split_once('=').unwrap();
        let value = value.split(';').next().unwrap();
        assert!(!answer.header("location").contains(value));
    }
}

#[tokio::test]
async fn i09_on_plain_http_the_cookie_does_without_what_browsers_would_refuse() {
    let server = Server::start_at([
        ("t1", "http://127.0.0.1:8080"),
        ("t2", "http://localhost:1"),
    ])
    .await;
    let client = server.public_client("t1").await;
    let page = server
        .get("t1", &format!("/login?{}", authorization(&client, &[])))
        .await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("gatehouse-t1-sign-in="), "{cookie}");
    assert!(!cookie.contains("Secure"));
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    browser.consent_page("alice", &request).await;
    server.clock.advance(12 * 60 * 60);
    let answer = browser.get(&format!("/authorize?{request}")).await;
    assert!(answer.header("location").starts_with("/login?"));
}

#[tokio::test]
async fn h04_a_session_of_one_tenant_is_none_of_another() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    browser.sign_in("alice", &authorization(&client, &[])).await;
    let value = browser.cookies["__Host-gatehouse-t1-session"].clone();
    let other_client = server.public_client("t2").await;
    let mut other = server.browser("t2");
    let name = "__Host-gatehouse-t2-session".to_owned();
    other.cookies.insert(name, value);
    let query = authorization(&other_client, &[]);
    let answer = other.get(&format!("/authorize?{query}")).await;
    assert!(answer.header("location").starts_with("/t/two/login?"));
}

#[tokio::test]
async fn a19_and_i07_pages_leak_nothing_and_sit_in_no_frame() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let login = browser.get(&format!("/login?{request}")).await;
    let consent = browser.consent_page("alice", &request).await;
    let error = browser.get("/authorize").await;
    for page in [login, consent, error] {
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-store");
        for foreign in ["<script", "src=", "<link", "url(", "@import"] {
            assert!(!page.body.contains(foreign), "{foreign}");
        }
        let (_, style) = page.body.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let digest = gatehouse::model::Digest::of(style.as_bytes());
        let hash = STANDARD.encode(digest.as_bytes());
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
    }
}
