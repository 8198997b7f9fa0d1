//! Review page as HTML.

use collection::{Decision, Review};
use find::report::{Match, Place, Seen, e_text};
use maud::{Markup, html};

use super::{
    Shown,
    desk::{Desk, Open},
};
use crate::{
    api::reviews::{DecisionName, VerdictCounts},
    app::App,
    lookup::REVIEW_E,
    pages::{
        address::{address, switch},
        fields::values,
        moment::moment,
        parts::{self, badge, empty, entry_address, entry_picture, facts, notice, script, style},
        words::{grouped, percent},
    },
};

/// Decisions with their names in the list.
const LISTS: [(DecisionName, &str); 3] = [
    (DecisionName::Undecided, "Waiting"),
    (DecisionName::Confirmed, "Confirmed"),
    (DecisionName::Rejected, "Rejected"),
];

/// Points that agree from which on the place of the entry is drawn: fewer are of chance, and so is their place. A picture needs as many
/// to decide anything by.
const OUTLINED: usize = 16;

pub fn page(app: &App, shown: &Shown, desk: &Desk) -> Markup {
    html! {
        (style("desk.css")) (script("review.js"))
        div class="row apart" {
            h1 { "Review" }
            (switch(app, super::PATH, shown.collection.as_deref()))
        }
        p class="soft" {
            "Matches that the service is not sure of wait here for your eyes: those of which chance alone brings at most " (REVIEW_E) " to a "
            "picture, or as many as a program asked for. What you decide is kept, and counted: the share of rejected ones measures how often they are false."
        }
        div id="review" data-collection=(desk.collection) {
            @if let Some(done) = &desk.done { (outcome(shown, done)) }
            div class="row apart" { (tabs(shown, &desk.counts.total)) (measured_rate(&desk.counts.total)) }
            @match &desk.open {
                Some(open) => div class="review" {
                    (article(desk, shown, open))
                    (list(desk, shown, open))
                },
                None => (nothing(shown.decision, &desk.counts.total)),
            }
        }
    }
}

fn outcome(shown: &Shown, done: &Review) -> Markup {
    let word = match done.decision {
        Decision::Undecided => "waits again",
        Decision::Confirmed => "is confirmed",
        Decision::Rejected => "is rejected",
    };
    notice(
        "good",
        html! {
            p { (done.name) " " (word) "." }
            @if done.decision != Decision::Undecided {
                form method="post" action=(action(shown, done.id)) {
                    button class="button quiet small" name="decision" value="undecided" { "Undo" }
                }
            }
        },
    )
}

/// Address that a form with a decision is sent to.
fn action(shown: &Shown, id: i64) -> String {
    let own = Shown { collection: shown.collection.clone(), ..Shown::default() };
    address(&format!("{}/{id}", super::PATH), &own)
}

/// Share of false matches, as it was measured.
fn measured_rate(total: &VerdictCounts) -> Markup {
    html! {
        p class="rate" {
            "False among the decided: "
            @match &total.false_rate {
                None => "unknown, because nothing is decided yet.",
                Some(rate) => {
                    strong { (percent(rate.share)) } " of " (grouped(total.confirmed + total.rejected)) ", "
                    span class="soft" { (percent(rate.low)) " to " (percent(rate.high)) " with 95 % confidence." }
                },
            }
        }
    }
}

fn tabs(shown: &Shown, total: &VerdictCounts) -> Markup {
    let count = |decision| match decision {
        DecisionName::Undecided => total.undecided,
        DecisionName::Confirmed => total.confirmed,
        DecisionName::Rejected => total.rejected,
    };
    html! {
        nav class="tabs" aria-label="Decisions" {
            @for (decision, name) in LISTS {
                a href=(Shown { collection: shown.collection.clone(), decision, ..Shown::default() }.address())
                    aria-current=[(decision == shown.decision).then_some("page")] {
                    (name) " " (count(decision))
                }
            }
        }
    }
}

fn nothing(decision: DecisionName, total: &VerdictCounts) -> Markup {
    let decided = total.confirmed + total.rejected;
    match decision {
        DecisionName::Undecided if decided > 0 => empty(
            "All is decided",
            html! {
                p { "Possible matches come here from the page " a href="/" { "Find" } " and from programs." }
            },
        ),
        DecisionName::Undecided => empty(
            "Nothing waits",
            html! {
                p { "Look pictures up on the page " a href="/" { "Find" } ": possible matches come here. Programs send them by "
                    code { "POST /v1/find?review=true" } "." }
            },
        ),
        DecisionName::Confirmed => {
            empty("Nothing is confirmed yet", html! { p { "Confirm what waits, and it comes here." } })
        }
        DecisionName::Rejected => {
            empty("Nothing is rejected yet", html! { p { "Reject what waits, and it comes here." } })
        }
    }
}

fn article(desk: &Desk, shown: &Shown, open: &Open) -> Markup {
    let review = &open.review;
    html! {
        article class="card stack" aria-label={ "Possible match of " (review.name) } data-review=(review.id)
            data-name=(review.name) data-address=(shown.with(Some(review.id)).address()) {
            div class="row apart" {
                h2 tabindex="-1" { (review.name) " – is it " (entry_name(open)) "?" }
                (decision_badge(review))
            }
            div class="figures pair" {
                (query_figure(desk, open))
                figure {
                    (entry_picture(&desk.collection, review.entry, &format!("Entry {}", entry_name(open))))
                    figcaption {
                        "Entry " a href=(entry_address(&desk.collection, review.entry)) { (entry_name(open)) }
                        @if let Some(entry) = &open.entry { " " (parts::state(entry.state)) }
                    }
                }
            }
            (buttons(shown, open))
            (measured(review, open.found.as_ref()))
            @if let Some(entry) = open.entry.as_ref().filter(|entry| !entry.meta.is_empty()) {
                details { summary { "Fields of the entry" } (values(&entry.meta)) }
            }
        }
    }
}

fn entry_name(open: &Open) -> String {
    let named = open.entry.as_ref().map(|entry| &entry.name).or(open.found.as_ref().map(|found| &found.name));
    named.map_or_else(|| format!("entry {}", open.review.entry), Clone::clone)
}

/// Name of the entry when it was found.
fn listed_entry(review: &Review) -> String {
    let found: Option<Match> = serde_json::from_str(&review.answer).ok();
    found.map_or_else(|| format!("entry {}", review.entry), |found| found.name)
}

fn decision_badge(review: &Review) -> Markup {
    match review.decision {
        Decision::Undecided => badge("possible", "Waiting"),
        Decision::Confirmed => badge("done", "Confirmed"),
        Decision::Rejected => badge("failed", "Rejected"),
    }
}

/// Picture of the query, with the outline of the entry if it was found on it.
fn query_figure(desk: &Desk, open: &Open) -> Markup {
    let review = &open.review;
    let seen = open.found.as_ref().and_then(|found| found.seen.as_ref());
    let seen = seen.filter(|seen| seen.inliers >= OUTLINED);
    html! {
        figure {
            @if review.has_picture {
                div class="outlined" {
                    span {
                        img alt={ "Query " (review.name) }
                            src={ "/v1/reviews/" (review.id) "/picture?collection=" (desk.collection) };
                        @if let Some(Place { region, .. }) = seen.and_then(|seen| seen.place.as_ref()) {
                            svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
                                polygon points=(corners(region)) vector-effect="non-scaling-stroke" {}
                            }
                        }
                    }
                }
            } @else {
                div class="thumbnail missing" { "No picture is kept" }
            }
            figcaption { "Query " (review.name) ", looked up " (moment(review.asked)) }
        }
    }
}

fn corners(region: &[[f32; 2]; 4]) -> String {
    region.iter().map(|[x, y]| format!("{x:.4},{y:.4}")).collect::<Vec<_>>().join(" ")
}

fn buttons(shown: &Shown, open: &Open) -> Markup {
    let (review, next) = (&open.review, open.next);
    html! {
        form class="stack decision" method="post" action=(action(shown, review.id))
            data-next=(shown.with(next).address()) {
            input type="hidden" name="list" value=(Decision::from(shown.decision));
            @if let Some(cursor) = &shown.cursor { input type="hidden" name="cursor" value=(cursor); }
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            div class="row" {
                @if review.decision != Decision::Confirmed {
                    button class="button" name="decision" value="confirmed" { "Confirm " kbd aria-hidden="true" { "C" } }
                }
                @if review.decision != Decision::Rejected {
                    button class="button danger" name="decision" value="rejected" { "Reject " kbd aria-hidden="true" { "R" } }
                }
                @if review.decision != Decision::Undecided {
                    button class="button quiet" name="decision" value="undecided" { "Take back" }
                }
                @if let Some(next) = next {
                    a class="button quiet" data-skip href=(shown.with(Some(next)).address()) { "Skip " kbd aria-hidden="true" { "S" } }
                }
                label class="field by" {
                    span { "Your name (optional)" }
                    input name="by" maxlength="64" autocomplete="name" value=(review.by.as_deref().unwrap_or_default());
                }
            }
            p class="note keys" { "Keys: C confirms, R rejects, S skips, U takes the last decision back." }
        }
    }
}

fn measured(review: &Review, found: Option<&Match>) -> Markup {
    let mut rows: Vec<(&str, Markup)> = vec![
        (
            "E-value",
            html! {
                (e_text(review.e_value)) " " span class="soft" { "– so many entries look this much like any picture by chance" }
            },
        ),
        ("Cosine", html! { (format!("{:.3}", review.cosine)) }),
    ];
    if let Some(found) = found {
        rows.push(("Look", html! { (found.look) }));
        rows.extend(compared(found.seen.as_ref()));
    }
    if let (Some(decided), Decision::Confirmed | Decision::Rejected) = (review.decided, review.decision) {
        let by = review.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        rows.push(("Decided", html! { (moment(decided)) (by) }));
    }
    html! { section aria-label="What was measured" { (facts(&rows)) } }
}

fn compared(seen: Option<&Seen>) -> Vec<(&'static str, Markup)> {
    let Some(seen) = seen else {
        return vec![("Pictures", html! { "not compared: nothing is kept of the entry to compare with" })];
    };
    let mut rows = vec![("Points that agree", html! { (seen.inliers) })];
    if let Some(agreement) = seen.agreement {
        rows.push(("Correlation of the overlap", html! { (format!("{agreement:.2}")) }));
    }
    let text = seen.text();
    match (&seen.place, text.split_once(", ")) {
        (None, _) => rows.push(("Comparison", html! { (text) })),
        (Some(_), Some((_, position))) => rows.push(("Position", html! { (position) })),
        (Some(_), None) => {}
    }
    rows
}

fn list(desk: &Desk, shown: &Shown, open: &Open) -> Markup {
    html! {
        nav class="queue" aria-label="Possible matches" {
            ol {
                @for review in &desk.list {
                    li {
                        a href=(shown.with(Some(review.id)).address())
                            aria-current=[(review.id == open.review.id).then_some("true")] {
                            span class="name" { (review.name) }
                            span class="note" { (listed_entry(review)) ", E " (e_text(review.e_value)) }
                        }
                    }
                }
            }
            div class="pager" {
                @if shown.cursor.is_some() {
                    a href=(Shown { cursor: None, id: None, done: None, ..shown.clone() }.address()) { "First page" }
                }
                @if let Some(more) = &desk.more {
                    a href=(Shown { cursor: Some(more.clone()), id: None, done: None, ..shown.clone() }.address()) { "Next page" }
                }
            }
        }
    }
}
