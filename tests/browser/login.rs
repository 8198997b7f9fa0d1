//! Login: where tokens are needed, a browser gives one, and keeps it where scripts do not see it.

use serde_json::json;

use crate::{checks, screenshots, shop::Shop, webdriver::Browser};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Page that is asked for without a token.
const PAGE: &str = "/?effort=high";

fn log_in(browser: &Browser, token: &str) {
    let field = browser.named("input", "Token");
    assert_eq!(field.property("type"), "password");
    field.type_text(token);
    browser.named("button", "Log in").follow();
}

#[test]
fn a_token_opens_the_pages_until_the_browser_gives_it_back() {
    let Some(browser) = Browser::start("the login") else { return };
    let shop = Shop::open("", Some(TOKEN));
    browser.open(&shop.at(PAGE));
    browser.is_at("Log in");
    screenshots::take(&browser, "login");

    log_in(&browser, "fedcba9876543210");
    browser.shows("This token is not known.");
    let complaints = checks::complaints(&browser);
    assert!(complaints.iter().all(|line| line.contains("401")), "{complaints:?}");
    screenshots::take(&browser, "login-refused");

    log_in(&browser, TOKEN);
    browser.until("the page that was asked for", || (browser.address() == shop.at(PAGE)).then_some(()));
    assert_eq!(browser.run("return document.cookie", &[]), "", "scripts see the token");
    let cookies = browser.chromium("Network.getCookies", json!({}));
    let cookie = &cookies["cookies"][0];
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Strict")), "{cookies}");
    checks::quiet(&browser);

    browser.named("button", "Log out").follow();
    browser.is_at("Log in");
    for page in [PAGE, "/"] {
        browser.open(&shop.at(page));
        browser.is_at("Log in");
    }
    assert_eq!(shop.without_token("/v1/collections").status, 401);
    assert_eq!(shop.get("/v1/collections").status, 200);
}
