//! Answers as parts of a page.

use collection::Entry;
use find::{
    Verdict,
    report::{Answered, Match, Search, e_text},
};
use image_file::Reader;
use maud::{Markup, html};
use serde_json::Value;
use witness::Fit;

use super::{
    drawing::{self, Drawn, DrawnMatch, draw},
    words,
};
use crate::{
    lookup::{Found, Kept, Looked, Queued},
    pages::{parts, words::counted},
    problem::Problem,
    served::Served,
};

/// Largest number of fields of an entry that are shown beside its picture.
const FIELDS: usize = 8;

/// Looks of a thorough search, if the picture has that many views.
const THOROUGH: usize = 16;

/// Answer to one query.
struct Answer<'a> {
    collection: &'a str,
    /// Cells of the collection's index.
    cells: usize,
    search: &'a Search,
    seconds: f64,
    answered: Answered,
    kept: Kept,
    queued: Queued,
    query: Option<Drawn>,
    drawn: Vec<Option<DrawnMatch>>,
}

/// Shows the answers to the queries of one request, and keeps their possible matches for a decision.
///
/// # Errors
/// The problem of a single query; that of a collection that cannot be read.
pub fn all(served: &Served, reader: Reader, found: Found) -> Result<Markup, Problem> {
    let Found { search, took, outcomes, is_single } = found;
    let mut shown = Vec::new();
    for outcome in outcomes {
        shown.push(match outcome {
            Err((_, problem)) if is_single => return Err(problem),
            Err((name, problem)) => failed(&name, &problem.detail),
            Ok(Looked { answered: Answered { query, error: Some(error), .. }, .. }) => failed(&query, &error),
            Ok(Looked { answered, kept: None }) => failed(&answered.query, "it was not looked up"),
            Ok(Looked { answered, kept: Some(kept) }) => {
                let (query, drawn) = draw(served.collection(), reader, &kept)?;
                let (collection, seconds) = (served.name(), took.as_secs_f64());
                let cells = served.collection().quantiser().nlist().unwrap_or(1);
                let mut queued = Queued::default();
                if let Some(picture) = &kept.picture {
                    queued.add(served.collection(), &answered, picture);
                }
                Answer { collection, cells, search: &search, seconds, answered, kept, queued, query, drawn }
                    .show()
            }
        });
    }
    Ok(html! { @for answer in shown { (answer) } })
}

/// Shows a query that could not be looked up.
fn failed(name: &str, reason: &str) -> Markup {
    html! {
        article class="answer card" aria-label={ "Answer for " (name) } {
            header class="row" { (parts::badge("failed", "Failed")) h2 { (name) } }
            p { (parts::sentence(reason)) }
        }
    }
}

impl Answer<'_> {
    fn show(&self) -> Markup {
        let Answered { query, matches, .. } = &self.answered;
        html! {
            article class="answer card" aria-label={ "Answer for " (query) } {
                header class="row" {
                    @match matches.first() {
                        Some(best) => (parts::verdict(best.verdict)),
                        None => (parts::badge("nothing", "Nothing found")),
                    }
                    h2 { (query) }
                    span class="note" { (format!("{:.1} s", self.seconds)) }
                }
                div class="answer-body" {
                    (self.outlined())
                    div class="stack" {
                        @if matches.is_empty() { (self.nothing()) }
                        (self.matches())
                    }
                }
            }
        }
    }

    /// Matches; where there are some, entries that are merely possible stand back.
    fn matches(&self) -> Markup {
        let mut matches = self.answered.matches.iter().enumerate().peekable();
        let first = matches.peek().map(|(_, best)| best.verdict);
        let (shown, others): (Vec<_>, Vec<_>) =
            matches.partition(|(_, found)| first != Some(Verdict::Match) || found.verdict == Verdict::Match);
        html! {
            @for (place, found) in shown { (self.found(place, found)) }
            @if !others.is_empty() {
                details class="others" {
                    summary { "Also possible: " (counted(others.len() as u64, "entry", "entries")) }
                    div class="stack" { @for (place, found) in others { (self.found(place, found)) } }
                }
            }
        }
    }

    /// Query with the outlines of the entries on it.
    fn outlined(&self) -> Markup {
        let matches = self.answered.matches.iter().enumerate();
        let regions: Vec<(usize, String)> =
            matches.filter_map(|(n, found)| Some((n, outline(found)?))).collect();
        html! {
            @if let Some(Drawn { address, width, height }) = &self.query {
                figure class="query" {
                    div class="frame" {
                        img src=(address) width=(width) height=(height) alt={ "The picture " (self.answered.query) };
                        (outlines(&regions))
                    }
                    figcaption { "Your picture" (self.place(regions.len())) }
                }
            }
        }
    }

    /// Place of the entries on the query, in words.
    fn place(&self, regions: usize) -> &'static str {
        let fits = self.kept.matches.iter().filter_map(|(found, _)| drawing::place(found));
        let is_part =
            |fit: &Fit| fit.part.as_flattened().iter().all(|corner| (-0.02..=1.02).contains(corner));
        match regions {
            0 => "",
            1 if fits.clone().any(is_part) => "; all of it comes from the entry",
            1 => "; the outline is where it shows the entry",
            _ => "; the outlines are where it shows the entries",
        }
    }

    /// Says that nothing was found, and what was tried.
    fn nothing(&self) -> Markup {
        let Self { search, collection, .. } = self;
        html! {
            section class="none-found" {
                @if search.entries == 0 {
                    p { b { "There is nothing to find: " (collection) " has no live entries." } }
                    p class="soft" { a href="/release" { "Release pictures" } ", and copies of them are found here." }
                } @else {
                    p { b { "No entry of " (collection) " looks like this picture." } }
                    (self.tried())
                }
            }
        }
    }

    /// Looks that were taken, and what may be tried yet.
    fn tried(&self) -> Markup {
        let Self { search, answered, .. } = self;
        html! {
            p class="soft" {
                "Tried: " (counted(answered.looks as u64, "look", "looks")) " at the picture, compared with "
                (counted(search.entries, "entry", "entries")) ". Entries are shown if chance alone would make fewer than one of them look as much like it."
            }
            (self.looks())
            @if search.looks < THOROUGH {
                p class="soft" {
                    "A picture that is heavily cropped or drawn over may need a thorough search. "
                    button class="button quiet small again" type="button" data-effort="high" hidden { "Look harder" }
                }
            }
        }
    }

    /// One match: its verdict, its pictures, and the reasons.
    fn found(&self, place: usize, found: &Match) -> Markup {
        let entry = self.kept.matches.get(place).map(|(_, entry)| entry);
        html! {
            section class="found" data-match=(place) aria-label={ "Entry " (found.name) } {
                h3 class="row" {
                    @if place > 0 || self.answered.matches.len() > 1 { (parts::verdict(found.verdict)) }
                    a href=(parts::entry_address(self.collection, found.id)) { (found.name) }
                    span class="note" { "entry " (found.id) @if let Some(entry) = entry { ", " (entry.state) } }
                }
                p { (self.sentence(found)) (self.review(found)) }
                (self.compared(place, found))
                details class="why" {
                    summary { @if found.verdict == Verdict::Match { "Why this matched" } @else { "Why this was found" } }
                    (self.reasons(found))
                }
                @if let Some(entry) = entry.filter(|entry| !entry.meta.is_empty()) { (fields(entry)) }
            }
        }
    }

    fn sentence(&self, found: &Match) -> Markup {
        html! {
            @match found.verdict {
                Verdict::Match => { "This is " b { (found.name) } ", or was made from it. " (words::comparison(found)) }
                Verdict::Possible => {
                    "This may be " b { (found.name) } ", or merely resembles it. " (words::comparison(found)) " "
                    (words::lookups(found.e_value))
                }
                Verdict::Unlikely => { "This resembles " b { (found.name) } " no more than chance explains." }
            }
        }
    }

    /// Decision that a possible match waits for.
    fn review(&self, found: &Match) -> Markup {
        let review = self.queued.reviews.iter().find(|review| review.entry == found.id);
        html! {
            @match (review, &self.queued.error) {
                (Some(review), _) => {
                    @if review.known { " It was found before, and is " } @else { " It waits for a decision " }
                    a href={ "/review?collection=" (self.collection) "&id=" (review.review) } { "in the review queue" }
                    "."
                }
                (None, Some(error)) if found.verdict == Verdict::Possible => {
                    " It does not wait for a decision: " (error) "."
                }
                _ => {}
            }
        }
    }

    /// Pictures of a match; the script lays them over each other.
    fn compared(&self, place: usize, found: &Match) -> Markup {
        let name = &found.name;
        html! {
            @match self.drawn.get(place) {
                Some(Some(DrawnMatch { entry, laid: Some([laid, difference]), .. })) => compare-view {
                    div class="stage" {
                        (picture("entry", entry, &format!("The entry {name}"), "The entry", None))
                        (picture("laid", laid, "Your picture laid over the entry", "Your picture laid over it", self.part(place)))
                        (picture("difference", difference, "Difference of both", "Difference, doubled; grey is none", None))
                    }
                },
                Some(Some(DrawnMatch { entry, laid: None, .. })) => div class="stage" {
                    (picture("entry", entry, &format!("The entry {name}"), "The entry", None))
                },
                Some(None) => p class="note" { "There is no picture of this entry to show." },
                None => {}
            }
            @if let Some(Some(DrawnMatch { is_small: true, .. })) = self.drawn.get(place) {
                p class="note" { "The collection keeps a small grey picture of this entry." }
            }
        }
    }

    /// Corners of the query on the entry of a match.
    fn part(&self, place: usize) -> Option<String> {
        let (found, _) = self.kept.matches.get(place)?;
        Some(points(&drawing::place(found)?.part))
    }

    fn reasons(&self, found: &Match) -> Markup {
        let Self { search, .. } = self;
        let points = found.seen.as_ref().map(|seen| seen.inliers.to_string());
        let agreement = found.seen.as_ref().and_then(|seen| seen.agreement);
        let mut rows = vec![
            (
                "E-value",
                html! { (e_text(found.e_value)) " " span class="note" { (words::chance(found.e_value)) } },
            ),
            ("Bound", html! { "a match has at most " (e_text(search.max_e)) }),
        ];
        rows.extend(
            points.map(|points| ("Inliers", html! { (points) " points of both at the same places" })),
        );
        rows.extend(agreement.map(|agreement| {
            (
                "Agreement",
                html! { (format!("{agreement:.2}")) " " span class="note" { "of 1, where they overlap" } },
            )
        }));
        rows.push((
            "Cosine",
            html! { (format!("{:.2}", found.cosine)) " " span class="note" { "of 1, of the descriptors" } },
        ));
        rows.push(("Best look", html! { (found.look) }));
        rows.push(("Looks", self.looks()));
        rows.push(("Searched", self.searched()));
        parts::facts(&rows)
    }

    /// Entries that were searched, and the share of the index that was visited for it.
    fn searched(&self) -> Markup {
        let entries = counted(self.search.entries, "entry", "entries");
        let (looks, cells) = (self.answered.looks.max(1), self.answered.cells);
        html! {
            (entries)
            @if cells >= looks * self.cells { ", all of them compared" }
            @else { ", in " (counted(cells as u64, "cell", "cells")) " of the index" }
        }
    }

    /// Views that were described, in their order.
    fn looks(&self) -> Markup {
        html! { ol class="looks" { @for look in &self.kept.views { li { (look) } } } }
    }
}

/// Corners of an entry on the query, for a polygon.
fn outline(found: &Match) -> Option<String> {
    let seen = found.seen.as_ref().filter(|_| found.verdict == Verdict::Match)?;
    let place = seen.place.as_ref()?;
    Some(points(&place.region))
}

fn points(corners: &[[f32; 2]; 4]) -> String {
    corners.map(|[x, y]| format!("{x:.4},{y:.4}")).join(" ")
}

/// Outlines on a picture, each with the place of its match.
fn outlines(regions: &[(usize, String)]) -> Markup {
    html! {
        @if !regions.is_empty() {
            svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
                @for (place, points) in regions { polygon class="outline" data-match=(place) points=(points) {} }
            }
        }
    }
}

/// Picture of a comparison, with the outline of what it covers if that is not all.
fn picture(class: &str, drawn: &Drawn, alternative: &str, caption: &str, covered: Option<String>) -> Markup {
    let Drawn { address, width, height } = drawn;
    html! {
        figure class=(class) {
            div class="frame" {
                img src=(address) width=(width) height=(height) alt=(alternative);
                @if let Some(points) = covered {
                    svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
                        polygon class="covered" points=(points) {}
                    }
                }
            }
            figcaption { (caption) }
        }
    }
}

/// Fields of an entry.
fn fields(Entry { meta, .. }: &Entry) -> Markup {
    html! {
        dl class="facts" {
            @for (name, value) in meta.iter().take(FIELDS) { div { dt { (name) } dd { (text(value)) } } }
            @if meta.len() > FIELDS { div { dt { "…" } dd { (meta.len() - FIELDS) " more on its page" } } }
        }
    }
}

/// Value of a field, without the quotes of JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
