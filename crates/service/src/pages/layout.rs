//! Frame of every page: head, navigation, and the headers that keep a page to itself.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY},
    },
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{access::Access, app::App, problem::Problem};

/// Policy of pages: all that they load comes from the service, and nothing in them is a script or a style of its own.
const POLICY: &str = "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Headers of pages. Other sites learn nothing of a page that leads to them, but the service does: a form of a page that tells
/// nobody is sent with the origin `null`, which is that of other sites, too.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// Part of the service that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Pictures are looked up.
    Find,
    /// Pictures are released.
    Release,
    /// Entries are listed and changed.
    Collection,
    /// Possible matches are decided on.
    Review,
    /// State of the service.
    Status,
    /// None of these.
    Other,
}

/// Parts in the order of the navigation, with their addresses and names.
const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Find, "/", "Find"),
    (Tab::Release, "/release", "Release"),
    (Tab::Collection, "/collection", "Collection"),
    (Tab::Review, "/review", "Review"),
    (Tab::Status, "/status", "Status"),
];

/// Answer with a page, whose body has the heading.
pub fn page(app: &App, title: &str, tab: Tab, body: Markup) -> Response {
    page_with(app, StatusCode::OK, title, tab, body)
}

/// Answer with a page under another status.
pub fn page_with(app: &App, status: StatusCode, title: &str, tab: Tab, body: Markup) -> Response {
    let has_login = matches!(app.settings.access, Access::Tokens(_));
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a class="skip" href="#content" { "Skip to the content" }
                header class="top" {
                    a class="brand" href="/" { "active-index" }
                    nav aria-label="Parts of the service" { (links(tab)) }
                    @if has_login && tab != Tab::Other {
                        form method="post" action="/logout" { button class="button quiet small" { "Log out" } }
                    }
                }
                main id="content" tabindex="-1" { (body) }
                div id="toasts" role="status" aria-live="polite" {}
            }
        }
    };
    (status, HEADERS, document.into_string()).into_response()
}

/// Answer with a part of a page, which a script puts in its place.
pub fn fragment(body: Markup) -> Response {
    (StatusCode::OK, HEADERS, body.into_string()).into_response()
}

/// Answer that leads a browser to another page of the service, mostly after a form.
///
/// # Errors
/// If the path holds characters that addresses have not.
pub fn see_other(path: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(path).map_err(Problem::internal)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · active-index" }
            link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
            link rel="stylesheet" href="/assets/style.css";
        }
    }
}

fn links(open: Tab) -> Markup {
    html! {
        @for (tab, path, name) in TABS {
            a href=(path) aria-current=[(tab == open).then_some("page")] { (name) }
        }
    }
}
