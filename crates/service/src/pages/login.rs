//! Login: a token that a browser keeps in a cookie.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::SET_COOKIE},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    LOGIN, form,
    layout::{self, Tab},
    parts::notice,
};
use crate::{
    access::{Access, forgotten, kept},
    api::parameters::Query,
    app::App,
    problem::Problem,
};

/// Page to which a login leads.
#[derive(Deserialize)]
pub struct Destination {
    #[serde(default)]
    next: String,
}

/// Token that is given.
#[derive(Deserialize)]
struct Given {
    token: String,
    #[serde(default)]
    next: String,
}

/// Address of the login that leads back to a page.
pub fn address(page: &str) -> String {
    let next = serde_html_form::to_string([("next", own_page(page))]).unwrap_or_default();
    format!("{LOGIN}?{next}")
}

/// Path that is one of this service, or the first page: a login leads to no other site.
fn own_page(path: &str) -> &str {
    let is_own = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own && is_plain && !path.starts_with(LOGIN) { path } else { "/" }
}

/// Shows the form for a token; where none is needed, it leads on.
pub async fn form(
    State(app): State<Arc<App>>,
    Query(Destination { next }): Query<Destination>,
) -> Result<Response, Problem> {
    match app.settings.access {
        Access::Tokens(_) => Ok(page(&app, StatusCode::OK, own_page(&next), html! {})),
        Access::Local | Access::Open => layout::see_other(own_page(&next)),
    }
}

/// Takes a token, and has the browser keep it.
pub async fn log_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Given { token, next } = form::read(&app, &headers, body).await?;
    let (token, next) = (token.trim(), own_page(&next));
    match &app.settings.access {
        Access::Tokens(tokens) if tokens.contains(token) => leading(next, &kept(token, &headers)),
        Access::Tokens(_) => {
            let reason = notice("bad", html! { p { "This token is not known." } });
            Ok(page(&app, StatusCode::UNAUTHORIZED, next, reason))
        }
        Access::Local | Access::Open => layout::see_other(next),
    }
}

/// Has the browser forget its token.
pub async fn log_out(headers: HeaderMap) -> Result<Response, Problem> {
    leading(LOGIN, &forgotten(&headers))
}

fn leading(page: &str, cookie: &str) -> Result<Response, Problem> {
    let mut response = layout::see_other(page)?;
    let cookie = HeaderValue::from_str(cookie).map_err(Problem::internal)?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

fn page(app: &App, status: StatusCode, next: &str, reason: Markup) -> Response {
    let body = html! {
        div class="narrow card" {
            h1 { "Log in" }
            p class="soft" { "Whoever runs this service gave you a token. Your browser keeps it for 30 days." }
            (reason)
            form class="stack" method="post" action=(LOGIN) {
                input type="hidden" name="next" value=(next);
                // For password managers.
                input type="text" autocomplete="username" value="active-index" hidden;
                label class="field" {
                    span { "Token" }
                    input type="password" name="token" autocomplete="current-password" required autofocus;
                }
                button class="button" { "Log in" }
            }
        }
    };
    layout::page_with(app, status, "Log in", Tab::Other, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_the_service_alone() {
        for own in ["/", "/review?done=3&x=%20", "/collection/7"] {
            assert_eq!(own_page(own), own);
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "http://evil.example/",
            "evil",
            "/a\r\nb",
            "/\u{e9}",
            "/login?next=/",
        ] {
            assert_eq!(own_page(other), "/", "{other:?}");
        }
        assert_eq!(address("/review?done=3&x=1"), "/login?next=%2Freview%3Fdone%3D3%26x%3D1");
    }
}
