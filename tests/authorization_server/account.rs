//! The account page (catalogue I05, I07, I09, B24).

use crate::support::{PASSWORD, Server, authorization};

#[tokio::test]
async fn b24_access_that_is_taken_back_is_gone() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    let code = answer.redirect_parameter("code").unwrap();
    let tokens = server.redeem("t1", &client, &code).await.json();

    let page = browser.get("/account").await;
    page.assert_page(200);
    for part in ["Example", "Call tools", "15 January 2027", &client] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("<script"));
    let answer = browser.submit(&page, &[("revoke", &client)]).await;
    assert_eq!(answer.status, 303);
    let page = browser.get("/account").await;
    assert!(page.body.contains("None at the moment"));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let answer = server.refresh("t1", &client, refresh, &[]).await;
    answer.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_person_signs_in_to_the_account_page_and_out_of_it() {
    let server = Server::start().await;
    let mut browser = server.browser("t2");
    let page = browser.get("/account").await;
    let wrong = [("username", "alice"), ("password", "wrong")];
    browser.submit(&page, &wrong).await.assert_page(422);
    let right = [("username", "alice"), ("password", PASSWORD)];
    let answer = browser.submit(&page, &right).await;
    assert_eq!(answer.header("location"), "/t/two/account");
    let page = browser.get("/account").await;
    assert!(page.body.contains("Connected applications"));
    let answer = browser.submit(&page, &[("sign_out", "yes")]).await;
    assert_eq!(answer.status, 303);
    let page = browser.get("/account").await;
    assert!(!page.body.contains("Connected applications"));
}

#[tokio::test]
async fn i05_the_account_page_takes_its_own_forms_only() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    browser.submit(&page, &[("decision", "approve")]).await;
    let state = server.state().await;
    let revoke = [("revoke", client.as_str())];
    browser.post("/account", &revoke).await.assert_page(403);
    // The token of another form of the same session.
    let (_, token) = page.form();
    let foreign = [("form_token", token.as_str()), ("revoke", &client)];
    browser.post("/account", &foreign).await.assert_page(403);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn i07_and_i09_the_account_page_is_not_framed_and_its_cookie_is_bound_to_the_host() {
    let server = Server::start().await;
    let page = server.get("t1", "/account").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for flag in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
}
