//! Page of an entry as HTML.

use collection::{Entry, State};
use maud::{Markup, html};

use super::{PATH, entry::Content, list::Listed};
use crate::pages::{
    fields::{inputs, values},
    moment::moment,
    parts::{self, facts, picture_address, script, style},
};

/// Longest side of the picture, in pixels.
const SIZE: u32 = 1024;

/// Page of an entry; `collection` is named where several are served.
pub fn page(collection: Option<String>, content: &Content, outcome: Markup) -> Markup {
    let entry = &content.entry;
    let list = Listed { collection, ..Listed::default() };
    html! {
        (style("desk.css")) (script("entry.js"))
        p { a href=(list.address()) { "Collection" } }
        div class="row" { h1 { (entry.name) } (parts::state(entry.state)) }
        (outcome)
        div class="entry-page" {
            figure class="card" {
                img alt={ "Picture of " (entry.name) } src=(picture_address(&content.collection, entry.id, SIZE));
            }
            div class="stack" {
                section class="card" aria-label="Facts" { (facts(&about(entry))) }
                section class="card stack" {
                    h2 { "Fields" }
                    @match entry.state {
                        State::Dropped => (values(&entry.meta)),
                        _ => (fields_form(content)),
                    }
                }
                (state_card(content))
            }
        }
    }
}

fn about(entry: &Entry) -> Vec<(&'static str, Markup)> {
    let origin = match (entry.file.is_some(), entry.pending) {
        (true, false) => "released by this collection",
        (_, true) => "being released: its file is not written yet",
        (false, false) => "added as it is",
    };
    let mut rows =
        vec![("Id", html! { (entry.id) }), ("Stored", moment(entry.added)), ("Origin", html! { (origin) })];
    if let Some(original) = &entry.original {
        rows.push(("SHA-256 of the original", html! { code { (original) } }));
    }
    rows
}

fn fields_form(content: &Content) -> Markup {
    html! {
        form class="stack" method="post" action=(action(content, "fields")) {
            input type="hidden" name="tag" value=(content.tag);
            (inputs(&content.entry.meta))
            p class="note" { "A field without a value is removed. Matches tell the fields, and lookups can be bound to them." }
            div class="row" {
                button class="button" { "Save" }
                button class="button quiet" type="button" data-add hidden { "Add a field" }
            }
        }
    }
}

fn action(content: &Content, verb: &str) -> String {
    format!("{PATH}/{}/{verb}?collection={}", content.entry.id, content.collection)
}

fn state_card(content: &Content) -> Markup {
    let (verb, word, class, note) = match content.entry.state {
        State::Live => (
            "withdraw",
            "Withdraw",
            "button danger",
            "A withdrawn entry is found no more. You can restore it.",
        ),
        State::Withdrawn => ("restore", "Restore", "button", "The entry is not found until it is restored."),
        State::Dropped => {
            return html! {
                section class="card" {
                    p class="soft" { "The entry was withdrawn, and a compaction has dropped its descriptor. Add the image again to find it." }
                }
            };
        }
    };
    html! {
        form class="card row apart" method="post" action=(action(content, verb)) {
            p class="soft" { (note) }
            button class=(class) { (word) }
        }
    }
}
