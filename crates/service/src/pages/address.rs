//! Addresses of pages, and the collection that a page is of.

use std::sync::Arc;

use maud::{Markup, html};
use serde::Serialize;

use super::parts::collection_field;
use crate::{api::parameters::named_collection, app::App, problem::Problem, served::Served};

/// Address of a path with parameters.
pub fn address(path: &str, parameters: &impl Serialize) -> String {
    match serde_html_form::to_string(parameters) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

/// Collection that a page names; the first one if it names none.
///
/// # Errors
/// A problem with status 404 that lists the names.
pub fn chosen<'a>(app: &'a App, name: Option<&str>) -> Result<&'a Arc<Served>, Problem> {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => named_collection(app, name),
        None => app.collections.iter().next().ok_or_else(|| Problem::internal("no collection is served")),
    }
}

/// Name of a collection for the addresses of pages; `None` where there is but one.
pub fn name_of(app: &App, served: &Served) -> Option<String> {
    app.collections.only().is_none().then(|| served.name().to_owned())
}

/// Form that leads to the same page of another collection, where several are served.
pub fn switch(app: &App, path: &str, chosen: Option<&str>) -> Markup {
    html! {
        @if app.collections.only().is_none() {
            form class="fields" method="get" action=(path) {
                (collection_field(app, chosen))
                button class="button quiet" { "Show" }
            }
        }
    }
}
