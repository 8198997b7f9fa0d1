//! Find page: pictures are looked up, and what is found is compared with them.
//!
//! The form works by itself: it sends all pictures, and the page that follows has the answers. With its script, each picture is
//! sent alone, and its answer is a part of a page.

mod answer;
mod drawing;
mod question;
mod submission;
mod words;

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use self::{question::Question, submission::Submission};
use super::{
    layout::{self, Tab},
    parts::{self, notice},
};
use crate::{
    api::{
        body::{self, Upload},
        lookups::{
            content::query_name,
            find_parameters::{EffortName, FindParameters},
        },
        parameters::{Query, collection},
    },
    app::App,
    lookup::{self, Content, Request},
    memory::Share,
    problem::Problem,
};

/// Picture that the script sends, as the parameters of its address name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    collection: Option<String>,
    #[serde(default)]
    effort: EffortName,
    name: Option<String>,
}

/// Shows the form.
pub async fn form(
    State(app): State<Arc<App>>,
    Query(question): Query<Question>,
) -> Result<Response, Problem> {
    Ok(page(&app, &question, html! {}))
}

/// Answers the form with a page.
pub async fn answered_form(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Submission { question, pictures, memory } = submission::read(&app, &headers, body).await?;
    if pictures.is_empty() {
        let reason = notice("warn", html! { p { "Pick at least one picture." } });
        return Ok(page(&app, &question, reason));
    }
    let answers = answers(&app, &question, pictures, false, memory).await?;
    Ok(page(&app, &question, answers))
}

/// Answers one picture with a part of a page.
pub async fn answered_picture(
    State(app): State<Arc<App>>,
    Query(Named { collection, effort, name }): Query<Named>,
    body: Body,
) -> Result<Response, Problem> {
    let Upload { bytes, memory } = body::read(&app, body).await?;
    if bytes.is_empty() {
        return Err(Problem::bad_request("the file is empty"));
    }
    let picture = lookup::Query { name: query_name(name.as_deref(), 0), content: Content::File(bytes) };
    let question = Question { collection, effort };
    Ok(layout::fragment(answers(&app, &question, vec![picture], true, memory).await?))
}

/// Looks pictures up, and shows their answers; they are drawn in the thread of the lookup.
async fn answers(
    app: &App,
    question: &Question,
    queries: Vec<lookup::Query>,
    is_single: bool,
    memory: Share,
) -> Result<Markup, Problem> {
    let served = collection(app, question.collection.as_deref())?.clone();
    let settings = FindParameters::of_effort(question.effort).settings()?;
    let (reader, of) = (app.settings.reader, served.clone());
    let request = Request { served, settings, queries, is_single, keep: true, memory };
    app.look_up(request, move |found| answer::all(&of, reader, found)).await
}

fn page(app: &App, question: &Question, answers: Markup) -> Response {
    let body = html! {
        (parts::style("find.css"))
        (parts::script("find.js"))
        div class="ask" {
            h1 { "Find a picture" }
            p class="soft" {
                "Is a picture one of yours, or made from one? Crops, screenshots, turned and mirrored copies are recognised."
            }
            (question.form(app))
        }
        p id="progress" class="note" role="status" aria-live="polite" {}
        section id="answers" class="stack" aria-label="Answers" { (answers) }
        div id="dropping" aria-hidden="true" { "Drop pictures to look them up" }
    };
    layout::page(app, "Find a picture", Tab::Find, body)
}
