//! Problems as pages, for people.

use axum::{
    extract::Request,
    http::{
        Method, StatusCode,
        header::{ACCEPT, ALLOW, RETRY_AFTER},
    },
    response::Response,
};
use maud::html;

use super::{
    LOGIN,
    layout::{self, Tab},
    login, parts,
};
use crate::{app::App, problem::Problem};

/// Reader of an answer: one of pages, or one of documents.
pub struct Reader {
    wants_page: bool,
    is_safe: bool,
    /// Path and query of the request.
    address: String,
}

impl Reader {
    /// Reader who sends a request. Programs name other media types than HTML, and those of the API are never shown pages.
    pub fn of(request: &Request) -> Self {
        let (uri, mut accepted) = (request.uri(), request.headers().get_all(ACCEPT).iter());
        let names_html = accepted.any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")));
        Self {
            wants_page: names_html && !["/v1/", "/c2pa/"].iter().any(|start| uri.path().starts_with(start)),
            is_safe: [Method::GET, Method::HEAD].contains(request.method()),
            address: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// Answer as its reader reads it: a problem becomes a page, and a browser without a token is led to the login.
pub fn shown(app: &App, reader: &Reader, response: Response) -> Response {
    let problem = response.extensions().get::<Problem>();
    let Some(problem) = problem.filter(|_| reader.wants_page) else { return response };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::UNAUTHORIZED && reader.is_safe {
        return layout::see_other(&login::address(&reader.address)).unwrap_or(response);
    }
    let mut page = page(app, status, problem);
    for name in [RETRY_AFTER, ALLOW] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn page(app: &App, status: StatusCode, problem: &Problem) -> Response {
    let body = html! {
        h1 { (problem.title) }
        p { (parts::sentence(&problem.detail)) }
        @match status {
            StatusCode::UNAUTHORIZED => p { a class="button" href=(LOGIN) { "Log in" } },
            _ => p { a class="button" href="/" { "Find a picture" } },
        }
    };
    layout::page_with(app, status, problem.title, Tab::Other, body)
}
