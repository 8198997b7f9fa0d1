//! Lists of entries as HTML.

use collection::{Entry, State};
use maud::{Markup, html};

use super::list::{Content, Listed, StateChoice, View};
use crate::{
    app::App,
    pages::{
        address::address,
        fields::text,
        moment::moment,
        parts::{self, collection_field, empty, entry_address, entry_picture, notice, script, style},
        words::counted,
    },
};

pub fn page(app: &App, listed: &Listed, content: &Content) -> Markup {
    html! {
        (style("desk.css")) (script("collection.js"))
        h1 { "Collection" }
        p class="soft" {
            "Every image that was released or added is an entry. A withdrawn entry is found no more, until you restore it."
        }
        (filters(app, listed))
        div id="entries" data-collection=(content.collection) {
            @if let Some(done) = &content.done { (outcome(listed, content, done)) }
            @if content.listing.entries.is_empty() && content.listing.next.is_none() {
                (nothing(listed))
            } @else {
                div class="row apart" { (count(content)) (views(listed)) }
                @match listed.view {
                    View::Grid => (grid(listed, content)),
                    View::Table => (table(listed, content)),
                }
                (pager(listed, content))
            }
        }
    }
}

fn filters(app: &App, listed: &Listed) -> Markup {
    html! {
        form class="card fields filters" method="get" action=(super::PATH) role="search" {
            (collection_field(app, listed.collection.as_deref()))
            label class="field" {
                span { "State" }
                select name="state" {
                    @for (choice, value, name) in StateChoice::ALL {
                        option value=(value) selected[choice == listed.state] { (name) }
                    }
                }
            }
            label class="field grows" {
                span { "Part of the name" }
                input type="search" name="name" value=(listed.name);
            }
            label class="field grows" {
                span { "Field" }
                input type="search" name="field" value=(listed.field) placeholder="licence=CC0";
            }
            @if listed.view == View::Table { input type="hidden" name="view" value="table"; }
            button class="button" { "Show" }
        }
    }
}

fn outcome(listed: &Listed, content: &Content, entry: &Entry) -> Markup {
    let is_live = entry.state == State::Live;
    notice(
        "good",
        html! {
            p { (entry.name) @if is_live { " is restored." } @else { " is withdrawn." } }
            @if entry.state != State::Dropped { (state_form(listed, content, entry, "Undo", "button quiet small")) }
        },
    )
}

/// Form that withdraws or restores an entry.
fn state_form(listed: &Listed, content: &Content, entry: &Entry, word: &str, class: &str) -> Markup {
    let verb = if entry.state == State::Live { "withdraw" } else { "restore" };
    let list = address("", &Listed { done: None, ..listed.clone() });
    html! {
        form class="state" method="post" data-id=(entry.id) data-name=(entry.name) data-verb=(verb)
            action={ (super::PATH) "/" (entry.id) "/" (verb) "?collection=" (content.collection) } {
            input type="hidden" name="list" value=(list.trim_start_matches('?'));
            button class=(class) aria-label={ (word) " " (entry.name) } { (word) }
        }
    }
}

fn action(listed: &Listed, content: &Content, entry: &Entry) -> Markup {
    match entry.state {
        State::Live => state_form(listed, content, entry, "Withdraw", "button quiet small"),
        State::Withdrawn => state_form(listed, content, entry, "Restore", "button quiet small"),
        State::Dropped => html! {},
    }
}

fn nothing(listed: &Listed) -> Markup {
    match listed.is_filtered() || listed.cursor.is_some() {
        true => {
            let all = Listed { collection: listed.collection.clone(), ..Listed::default() };
            empty(
                "No entry is like that",
                html! { p { a class="button quiet" href=(all.address()) { "Show all entries" } } },
            )
        }
        false => empty(
            "The collection is empty",
            html! {
                p { "Release pictures on the page " a href="/release" { "Release" } ", or add public ones with "
                    code { "active-index collection add" } "." }
            },
        ),
    }
}

fn count(content: &Content) -> Markup {
    let count = &content.count;
    html! {
        p class="note" role="status" {
            @if !count.is_exact { "At least " }
            (counted(count.entries, "entry", "entries")) ", the newest first"
        }
    }
}

fn views(listed: &Listed) -> Markup {
    let of = |view| Listed { view, done: None, ..listed.clone() }.address();
    html! {
        nav class="tabs" aria-label="Arrangement" {
            @for (view, name) in [(View::Grid, "Pictures"), (View::Table, "Table")] {
                a href=(of(view)) aria-current=[(view == listed.view).then_some("true")] { (name) }
            }
        }
    }
}

fn grid(listed: &Listed, content: &Content) -> Markup {
    html! {
        ul class="grid entries" {
            @for entry in &content.listing.entries {
                li class="card entry" {
                    a class="picture" href=(entry_address(&content.collection, entry.id)) tabindex="-1" aria-hidden="true" {
                        (entry_picture(&content.collection, entry.id, ""))
                    }
                    h2 { a href=(entry_address(&content.collection, entry.id)) { (entry.name) } }
                    div class="row apart" {
                        span class="note" { (entry.id) " " (parts::state(entry.state)) }
                        (action(listed, content, entry))
                    }
                }
            }
        }
    }
}

fn table(listed: &Listed, content: &Content) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Entries" {
            table class="list" {
                thead { tr {
                    th { span class="visually-hidden" { "Picture" } }
                    th { "Name" } th { "Id" } th { "State" } th { "Stored" } th { "Fields" }
                    th { span class="visually-hidden" { "Action" } }
                } }
                tbody { @for entry in &content.listing.entries { (table_row(listed, content, entry)) } }
            }
        }
    }
}

fn table_row(listed: &Listed, content: &Content, entry: &Entry) -> Markup {
    let fields: Vec<String> =
        entry.meta.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
    html! {
        tr {
            td class="small-picture" { (entry_picture(&content.collection, entry.id, "")) }
            td { a href=(entry_address(&content.collection, entry.id)) { (entry.name) } }
            td { (entry.id) }
            td { (parts::state(entry.state)) }
            td class="nowrap" { (moment(entry.added)) }
            td class="clipped" { (fields.join(", ")) }
            td { (action(listed, content, entry)) }
        }
    }
}

fn pager(listed: &Listed, content: &Content) -> Markup {
    let at = |cursor| Listed { cursor, done: None, ..listed.clone() }.address();
    html! {
        @if content.listing.entries.is_empty() {
            p class="soft" { "None of the entries that were read is like that; the list goes on." }
        }
        nav class="pager" aria-label="Pages" {
            @if listed.cursor.is_some() { a class="button quiet" href=(at(None)) { "First page" } } @else { span {} }
            @if let Some(next) = content.listing.next { a class="button quiet" href=(at(Some(next))) rel="next" { "Next page" } }
        }
    }
}
