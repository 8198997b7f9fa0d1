//! `activate`: the main job.

mod budget;
mod jobs;
mod release;
mod row;

use std::time::Instant;

use anyhow::Result;
use eval::{Setting, Transform};
use index::Index;
use serde::Serialize;

pub use self::{
    jobs::plan,
    release::{Pair, Releaser},
    row::Row,
};
use crate::{
    Outcome,
    args::{Activate, Globals},
    bundled,
    commands::eval::{Comparisons, compare},
    engine::Engine,
    images,
    output::{Output, SCHEMA},
    report, table,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    device: &'a str,
    seconds: f64,
    images: &'a [Row],
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieval: Option<&'a Comparisons>,
}

pub fn run(arguments: &Activate, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let engine = Engine::start(globals, output)?;
    let index = engine.index(arguments.index.as_deref())?;
    let demonstrates = arguments.inputs.is_empty();
    let inputs =
        if demonstrates { images::find(&[bundled::samples()?])? } else { images::find(&arguments.inputs)? };
    let jobs = plan(inputs, &arguments.out, arguments.format, arguments.resume);

    let releaser = Releaser::new(&engine, &index, arguments.into())?;
    let mut pairs = Vec::new();
    let keeps = demonstrates || arguments.report.is_some();
    let rows = releaser.release(&jobs, output, &mut |pair| pairs.extend(keeps.then_some(pair)))?;
    let retrieval = if demonstrates { Some(demonstrate(&engine, &index, &pairs, arguments)?) } else { None };

    let seconds = started.elapsed().as_secs_f64();
    let document = Document {
        schema: SCHEMA,
        device: engine.device_name,
        seconds,
        images: &rows,
        retrieval: retrieval.as_ref(),
    };
    output.result(&document, || text(&document, arguments))?;
    if let Some(path) = &arguments.report {
        report::write(path, &rows, &pairs, retrieval.as_ref())?;
    }
    Ok(if rows.iter().any(Row::failed) { Outcome::SomeFailed } else { Outcome::Done })
}

/// How many edited copies the index finds, of the originals and of the released images.
fn demonstrate(engine: &Engine, index: &Index, pairs: &[Pair], arguments: &Activate) -> Result<Comparisons> {
    let mut index = index.clone();
    let originals: Vec<_> = pairs.iter().map(|pair| &pair.original).collect();
    let released: Vec<_> = pairs.iter().map(|pair| &pair.released).collect();
    let truth: Vec<i64> = index.add(engine.describe_batches(&originals)?)?.collect();
    let setting = Setting {
        index: &index,
        truth: &truth,
        transforms: &Transform::paper(),
        nprobe: 1,
        seed: arguments.optimisation.seed,
    };
    compare(engine, &setting, &originals, Some(&released))
}

fn text(document: &Document, arguments: &Activate) -> String {
    let rows = document.images;
    let released = rows.iter().filter(|row| !row.failed()).count();
    let images = table::table(&Row::HEADINGS, 1, rows.iter().map(Row::cells));
    let place = arguments.out.display();
    let summary = format!(
        "{released} of {} images released in {place}, {:.1} s on {}",
        rows.len(),
        document.seconds,
        document.device
    );
    match document.retrieval {
        Some(retrieval) => format!("{images}\n{summary}\n\n{}", retrieval.before_and_after()),
        None => format!("{images}\n{summary}"),
    }
}
