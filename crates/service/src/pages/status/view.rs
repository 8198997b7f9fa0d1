//! Status page as HTML.

use bytesize::ByteSize;
use collection::Decisions;
use find::{promised_share, report::CalibrationReport};
use maud::{Markup, html};

use super::{content::Content, plots, seen::Seen};
use crate::{
    api::reviews::VerdictCounts,
    app::App,
    metrics::Minute,
    pages::{
        address::switch,
        moment::moment,
        parts::{facts, notice, numbers, script, style},
        words::{counted, duration, grouped, percent},
    },
    problem::Problem,
};

pub fn page(app: &App, collection: Option<&str>, content: &Content) -> Result<Markup, Problem> {
    Ok(html! {
        (style("desk.css")) (script("status.js"))
        div class="row apart" { h1 { "Status" } (switch(app, super::PATH, collection)) }
        div id="status" {
            (readiness(app))
            (warnings(content))
            (numbers(&headline(content)))
            h2 { "Entries of " (content.name) }
            (entries(content)?)
            h2 { "Lookups of the last hour" }
            (lookups(app)?)
            h2 { "Calibration" }
            (calibration(content)?)
        }
    })
}

fn readiness(app: &App) -> Markup {
    match (app.is_stopping(), app.network.is_ready()) {
        (true, _) => notice("warn", html! { p { "The service is shutting down." } }),
        (false, false) => notice(
            "warn",
            html! { p { "The network is being loaded: pictures are looked up once it is there." } },
        ),
        (false, true) => html! {},
    }
}

fn warnings(content: &Content) -> Markup {
    html! {
        @if content.warnings > 0 {
            (notice("bad", html! {
                p { "The log has " (counted(content.warnings as u64, "warning", "warnings")) ": parts that are damaged and left out, "
                    "or a medium on which promises do not hold." }
            }))
        }
        @if content.info.pending > 0 {
            (notice("warn", html! {
                p { "The released file of " (counted(content.info.pending, "entry is", "entries are")) " not written yet." }
            }))
        }
    }
}

fn headline(content: &Content) -> Vec<(&'static str, String, String)> {
    let (info, counts) = (&content.info, &content.reviews.total);
    vec![
        ("Live entries", grouped(content.entries), "compared by each lookup".to_owned()),
        ("Withdrawn", grouped(info.withdrawn), format!("{} dropped by compactions", grouped(info.dropped))),
        (
            "Possible matches waiting",
            grouped(counts.undecided),
            format!("{} decided", grouped(counts.confirmed + counts.rejected)),
        ),
        (
            "Size",
            ByteSize(info.bytes).display().iec().to_string(),
            counted(info.segments as u64, "segment", "segments"),
        ),
    ]
}

fn entries(content: &Content) -> Result<Markup, Problem> {
    let info = &content.info;
    let newest = content.newest.map_or_else(|| html! { "none yet" }, moment);
    let witnesses = match &content.witnesses {
        None => html! { "none are kept: matches rest on descriptors alone" },
        Some(kind) => html! { (kind) ", of " (counted(info.witnesses, "entry", "entries")) },
    };
    let rows = [
        ("Newest entry", newest),
        ("Time until it is found", html! { (duration(content.searchable_after)) ", measured just now" }),
        ("In segments", html! { (grouped((info.live + info.withdrawn).saturating_sub(info.fresh as u64))) }),
        ("In no segment yet", html! { (grouped(info.fresh as u64)) }),
        ("Witnesses", witnesses),
        ("Quantiser", html! { (content.factory) ", descriptors of dimension " (content.d) }),
    ];
    Ok(html! {
        div class="plots" {
            @if content.days.is_empty() {
                div class="card" { p class="soft" { "There is no entry yet: release pictures, and their number is drawn here." } }
            } @else {
                div class="card" { (plots::entries(&content.days)?) }
            }
            section class="card" aria-label="Entries" { (facts(&rows)) }
        }
    })
}

fn lookups(app: &App) -> Result<Markup, Problem> {
    let minutes = app.metrics.last_hour.minutes();
    let total: u64 = minutes.iter().map(|minute: &Minute| minute.lookups).sum();
    if total == 0 {
        return Ok(
            html! { p class="soft" { "None. Lookups of all collections are counted here as they come." } },
        );
    }
    let waiting = u64::try_from(app.metrics.waiting.get()).unwrap_or(0);
    Ok(html! {
        p class="soft" {
            (counted(total, "lookup", "lookups")) " in all collections"
            @if waiting > 0 { "; " (counted(waiting, "waits", "wait")) " now" } "."
        }
        div class="plots" {
            div class="card" { (plots::lookups(&minutes)?) }
            div class="card" { (plots::durations(&minutes)?) }
        }
    })
}

fn calibration(content: &Content) -> Result<Markup, Problem> {
    let finder = &content.finder;
    let report = CalibrationReport::new(finder.calibration(), content.entries);
    let max_e = finder.settings().max_e;
    Ok(html! {
        p {
            "An E-value promises how many unrelated entries look at least as much alike by chance. A match has at most "
            (max_e) ": one query without a match in " (grouped((1.0 / promised_share(max_e)) as u64))
            " shows a false one, if the promise is kept."
        }
        @if report.due {
            (notice("warn", html! {
                p {
                    @if report.standard { "The collection has no calibration of its own; that of public photographs applies. " }
                    @else { "The collection has doubled since its calibration. " }
                    "Calibrate it with pictures that are not in it: " code { "active-index collection calibrate" } "."
                }
            }))
        }
        div class="plots" {
            @if content.entries > 0 { div class="card" { (plots::promises(finder, content.entries)?) } }
            section class="card stack" aria-label="Calibration" {
                (facts(&calibration_facts(&report)))
            }
        }
        h3 { "Promised, and seen by people" }
        (seen(content))
    })
}

fn calibration_facts(report: &CalibrationReport) -> Vec<(&'static str, Markup)> {
    let measured = &report.facts;
    vec![
        ("Origin", html! { (measured.background) }),
        ("Made", moment(measured.made)),
        (
            "Measured on",
            html! {
                (counted(measured.queries as u64, "query", "queries")) " against " (counted(measured.entries, "entry", "entries"))
                ", " (counted(measured.pairs, "pair", "pairs"))
            },
        ),
        ("Left out as relatives", html! { (counted(measured.refused, "pair", "pairs")) }),
    ]
}

fn seen(content: &Content) -> Markup {
    let total = &content.reviews.total;
    if total.confirmed + total.rejected == 0 {
        return html! {
            p class="soft" { "Nobody has decided on a possible match yet. Decide on the page " a href="/review" { "Review" }
                ", and the share of false ones is counted here." }
        };
    }
    html! {
        p class="soft" {
            "Possible matches that people have decided on, by their E-values; the share of false ones with its 95 % interval."
        }
        div class="scroll card" tabindex="0" role="region" aria-label="Decided matches" {
            table class="list" {
                thead { tr {
                    th { "E-value" } th class="figure" { "Confirmed" } th class="figure" { "Rejected" }
                    th class="figure" { "False" } th { "95 % interval" }
                } }
                tbody {
                    @for Seen { range, decisions } in &content.seen { (seen_row(range, (*decisions).into())) }
                    (seen_row("all that are decided", Decisions {
                        undecided: 0, confirmed: total.confirmed, rejected: total.rejected }.into()))
                }
            }
        }
    }
}

fn seen_row(range: &str, counts: VerdictCounts) -> Markup {
    html! {
        tr {
            th scope="row" { (range) }
            td class="figure" { (grouped(counts.confirmed)) }
            td class="figure" { (grouped(counts.rejected)) }
            @if let Some(rate) = counts.false_rate {
                td class="figure" { (percent(rate.share)) }
                td { (percent(rate.low)) " to " (percent(rate.high)) }
            }
        }
    }
}
