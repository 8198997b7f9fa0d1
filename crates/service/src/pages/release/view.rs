//! Release page as HTML.

use bytesize::ByteSize;
use maud::{Markup, html};

use super::{Queue, Shown, words};
use crate::{
    api::releases::ReleaseView,
    app::App,
    jobs::ReleaseState,
    pages::{
        address::switch,
        moment::moment,
        parts::{badge, empty, entry_address, entry_picture, notice, script, style},
        words::counted,
    },
};

/// Fields that the form asks for; a script adds others.
const FIELDS: [(&str, &str, &str); 3] = [
    ("author", "Author", "Ada Lovelace"),
    ("licence", "Licence", "CC BY 4.0"),
    ("source", "Source", "Archive, box 7"),
];

/// Page of a collection; without a queue nothing is released here.
pub fn page(app: &App, collection: &str, shown: &Shown, queue: Option<&Queue>) -> Markup {
    html! {
        (style("desk.css")) (script("release.js"))
        div class="row apart" { h1 { "Release" } (switch(app, super::PATH, shown.collection.as_deref())) }
        p class="soft" {
            "A released picture looks like its original, and its copies lead back to it: cropped, edited, sent on. Publish the released "
            "file in the place of the original."
        }
        @match queue {
            None => (empty("This service releases nothing", html! {
                p { "It was started without a place for released files." }
            })),
            Some(queue) => {
                @if let Some(sent) = shown.sent {
                    (notice("good", html! { p { (counted(sent as u64, "picture is", "pictures are")) " accepted." } }))
                }
                (form(app, shown))
                h2 { "Queue" }
                (list(collection, shown, queue))
            }
        }
    }
}

fn form(app: &App, shown: &Shown) -> Markup {
    let most = ByteSize(app.settings.max_upload as u64).display().iec().to_string();
    html! {
        form id="release" class="card stack drop" method="post" enctype="multipart/form-data" action=(shown.action(""))
            data-bound=(app.settings.max_upload) {
            label class="field" {
                span { "Pictures" }
                input type="file" name="picture" accept="image/*" multiple required;
            }
            p class="note" { "Up to 32 pictures, " (most) " together. Drop them here, or paste one." }
            ul class="chosen" aria-label="Chosen pictures" hidden {}
            fieldset class="fields" {
                legend { "Fields of the entries (optional)" }
                @for (name, label, example) in FIELDS {
                    label class="field grows" {
                        span { (label) }
                        input name=(name) placeholder=(example);
                    }
                }
            }
            div class="row" {
                button class="button" { "Release" }
                button class="button quiet" type="button" data-field hidden { "Add a field" }
                span class="note" id="sending" role="status" {}
            }
        }
    }
}

fn list(collection: &str, shown: &Shown, queue: &Queue) -> Markup {
    let releases = &queue.list.releases;
    html! {
        div id="queue" data-busy=(queue.is_busy) data-collection=(collection) aria-busy=(queue.is_busy) {
            @if releases.is_empty() {
                (empty("Nothing is released here yet", html! {
                    p { "Choose pictures above. They wait here, are released one after the other, and can be downloaded then." }
                }))
            } @else {
                ul class="releases" { @for release in releases { (row(collection, shown, release)) } }
                (pager(shown, queue))
            }
        }
    }
}

fn row(collection: &str, shown: &Shown, release: &ReleaseView) -> Markup {
    html! {
        li class="card release" data-release=(release.id) {
            div class="picture" {
                @match release.entry {
                    Some(entry) => (entry_picture(collection, entry, "")),
                    None => div class="thumbnail missing" aria-hidden="true" {},
                }
            }
            div class="about" {
                h3 { (release.name) }
                div class="row" { (state(release.state)) span class="note" { "accepted " (moment(release.accepted)) } }
                (progress(release))
                (outcome(release))
            }
            (actions(collection, shown, release))
        }
    }
}

fn state(state: ReleaseState) -> Markup {
    match state {
        ReleaseState::Queued => badge("nothing", "Waiting"),
        ReleaseState::Running => badge("running", "Being released"),
        ReleaseState::Done => badge("done", "Released"),
        ReleaseState::Already => badge("done", "Known already"),
        ReleaseState::Failed => badge("failed", "Failed"),
    }
}

fn progress(release: &ReleaseView) -> Markup {
    html! {
        @if release.state == ReleaseState::Running {
            progress max="1" value=(format!("{:.3}", release.progress)) aria-label={ "Progress of " (release.name) } {
                (format!("{:.0} %", 100.0 * release.progress))
            }
        }
    }
}

fn outcome(release: &ReleaseView) -> Markup {
    html! {
        @if let Some(error) = &release.error { p class="failure" { (error) } }
        @if let Some(quality) = &release.quality {
            p class="quality" { (words::difference(quality)) "." }
            p class="note" {
                (words::figures(quality))
                @if let Some(gain) = words::gain(quality) { "; " (gain) }
            }
        }
        @for note in &release.notes { p class="note" { (note) } }
    }
}

fn actions(collection: &str, shown: &Shown, release: &ReleaseView) -> Markup {
    let is_running = release.state == ReleaseState::Running;
    html! {
        div class="row actions" {
            @if let Some(bytes) = release.bytes {
                a class="button small" download href={ "/v1/releases/" (release.id) "/file?collection=" (collection) } {
                    "Download " span class="visually-hidden" { (release.name) } " " (ByteSize(bytes).display().iec())
                }
            }
            @if let Some(entry) = release.entry {
                a class="button quiet small" href=(entry_address(collection, entry)) { "Entry " (entry) }
            }
            @if release.state == ReleaseState::Failed {
                form method="post" action=(shown.action(&format!("/{}/retry", release.id))) {
                    button class="button small" aria-label={ "Try " (release.name) " again" } { "Try again" }
                }
            }
            @if !is_running {
                form method="post" action=(shown.action(&format!("/{}/delete", release.id))) {
                    button class="button quiet small" aria-label={ "Remove " (release.name) " from the queue" } { "Remove" }
                }
            }
        }
    }
}

fn pager(shown: &Shown, queue: &Queue) -> Markup {
    let at = |cursor| Shown { cursor, sent: None, ..shown.clone() }.address();
    html! {
        nav class="pager" aria-label="Pages" {
            @if shown.cursor.is_some() { a class="button quiet" href=(at(None)) { "First page" } } @else { span {} }
            @if let Some(next) = &queue.list.next { a class="button quiet" href=(at(Some(next.clone()))) rel="next" { "Next page" } }
        }
    }
}
