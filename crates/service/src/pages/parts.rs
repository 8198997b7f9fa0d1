//! Building blocks of pages; the style sheet has a rule for each.

use collection::State;
use find::Verdict;
use maud::{Markup, html};

use crate::app::App;

/// Longest side of pictures in lists, in pixels of the screen's finer sort.
const THUMBNAIL: u32 = 320;

/// Style sheet of one page, beside that of all.
pub fn style(name: &str) -> Markup {
    html! { link rel="stylesheet" href={ "/assets/" (name) }; }
}

/// Script of a page.
pub fn script(name: &str) -> Markup {
    html! { script type="module" src={ "/assets/" (name) } {} }
}

/// Word in a coloured field; `class` is one of `match`, `possible`, `unlikely`, `nothing`, `live`, `withdrawn`, `dropped`,
/// `failed`, `running` and `done`.
pub fn badge(class: &str, text: &str) -> Markup {
    html! { span class={ "badge " (class) } { (text) } }
}

/// Verdict on a match.
pub fn verdict(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Match => badge("match", "Match"),
        Verdict::Possible => badge("possible", "Possible"),
        Verdict::Unlikely => badge("unlikely", "Unlikely"),
    }
}

/// State of an entry.
pub fn state(state: State) -> Markup {
    match state {
        State::Live => badge("live", "Live"),
        State::Withdrawn => badge("withdrawn", "Withdrawn"),
        State::Dropped => badge("dropped", "Dropped"),
    }
}

/// Place where there is nothing yet, and what to do about it.
pub fn empty(heading: &str, body: Markup) -> Markup {
    html! { section class="empty" { h2 { (heading) } (body) } }
}

/// Outcome of a form; `class` is `good`, `warn` or `bad`. The way to undo it may stand in it.
pub fn notice(class: &str, body: Markup) -> Markup {
    html! { div class={ "notice " (class) } role="status" { (body) } }
}

/// Names and values.
pub fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! {
        dl class="facts" {
            @for (name, value) in rows { div { dt { (name) } dd { (value) } } }
        }
    }
}

/// Large numbers, each given by name, value and detail.
pub fn numbers(rows: &[(&str, String, String)]) -> Markup {
    html! {
        div class="numbers" {
            @for (name, value, note) in rows {
                div class="number" {
                    span class="name" { (name) }
                    span class="value" { (value) }
                    span class="note" { (note) }
                }
            }
        }
    }
}

/// Field of a form that names the collection, where several are served.
pub fn collection_field(app: &App, chosen: Option<&str>) -> Markup {
    html! {
        @if app.collections.only().is_none() {
            label class="field" {
                span { "Collection" }
                select name="collection" {
                    @for served in app.collections.iter() {
                        option value=(served.name()) selected[Some(served.name()) == chosen] { (served.name()) }
                    }
                }
            }
        }
    }
}

/// Address of an entry's picture.
pub fn picture_address(collection: &str, id: i64, size: u32) -> String {
    format!("/v1/entries/{id}/picture?collection={collection}&size={size}")
}

/// Address of an entry's page.
pub fn entry_address(collection: &str, id: i64) -> String {
    format!("/collection/{id}?collection={collection}")
}

/// Picture of an entry in a list.
pub fn entry_picture(collection: &str, id: i64, alternative: &str) -> Markup {
    html! {
        img class="thumbnail" loading="lazy" decoding="async" alt=(alternative)
            src=(picture_address(collection, id, THUMBNAIL));
    }
}

/// Reason as a sentence.
pub fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
