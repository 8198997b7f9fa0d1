//! `eval copy-detection`: one threshold for queries of which some have no match.

mod document;
mod page;
mod references;
mod rows;
mod tables;

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use evaluation::{Edit, copy_detection::isc::GroundTruth};

use self::{
    document::{Document, Scope},
    references::References,
    rows::{Background, Queries, Search, Sides},
};
use super::{
    pipeline::{End, Pipeline},
    settings::Settings,
    state::State,
    stored,
    subjects::{self, Subject},
};
use crate::{
    Outcome,
    args::{EvalCopyDetection, Globals},
    engine::Engine,
    images,
    output::Output,
};

pub fn copy_detection(arguments: &EvalCopyDetection, globals: &Globals, output: &Output) -> Result<Outcome> {
    if let (Some(predictions), Some(truth)) = (&arguments.predictions, &arguments.ground_truth) {
        let document = tables::judge(predictions, truth, arguments)?;
        output.result(&document, || document.text())?;
        return Ok(Outcome::Done);
    }
    let findings = evaluate(arguments, globals, output)?;
    let document = findings.write(arguments)?;
    output.result(&document, || document.text())?;
    Ok(Outcome::of(document.photographs < document.planned()))
}

/// All that was found out.
struct Findings {
    references: References,
    shown: Shown,
    queries: Queries,
    sides: Sides,
    scope: Scope,
}

fn evaluate(arguments: &EvalCopyDetection, globals: &Globals, output: &Output) -> Result<Findings> {
    let mut started = Instant::now();
    let editing = &arguments.editing;
    let path = arguments.index.as_deref().context("--index is missing")?;
    ensure!(
        editing.optimisation.choose_cell.is_none(),
        "--choose-cell is for an index that stores released images: `eval retrieval --stored released` measures it"
    );
    let truth = arguments.ground_truth.as_deref().map(tables::read_truth).transpose()?;
    let inputs = subjects::find(&arguments.images, editing)?;
    let engine = Engine::start_for(globals, editing.optimisation.precision, output)?;
    let mut index = stored::open(&engine, path, output)?;
    let settings = Settings::new(&engine, Some(&index), Some(path));
    let activating = Instant::now();
    subjects::activate(&engine, &index, &arguments.images, &inputs, editing, output)?;
    // Activation is no part of the evaluation's time.
    started += activating.elapsed();
    let images = subjects::pair(inputs, editing, output)?;
    let background = arguments.normalise_by.as_deref();
    let background = background.map(|path| Background::open(path, &index, &engine, output)).transpose()?;

    let state = State::open(editing.resume.as_deref(), engine.extractor.dimension(), output)?;
    let mut pipeline = Pipeline::new(&engine, (&editing.reading).into(), state, editing.optimisation.seed);
    let references = References::store(&mut index, path, &images, &mut pipeline, output)?;
    let shown = Shown::new(arguments, images, &references, truth)?;
    let search = Search { index: &index, k: arguments.k, nprobe: arguments.nprobe, background };
    let (queries, sides, end) = shown.search(&search, edits(arguments), &mut pipeline, output)?;
    let scope = Scope {
        references: references.ids.len(),
        entries: index.ntotal(),
        planned: shown.subjects.len(),
        partial: end == End::Interrupted,
        seconds: started.elapsed().as_secs_f64(),
        network_seconds: pipeline.describer.network.as_secs_f64(),
        described: pipeline.describer.described,
        background: search.background.as_ref().map(|background| background.n),
        settings,
    };
    Ok(Findings { references, shown, queries, sides, scope })
}

/// What is done to the images that queries show.
fn edits(arguments: &EvalCopyDetection) -> &[Edit] {
    if arguments.queries.is_empty() { &arguments.editing.transforms.0 } else { &[Edit::Identity] }
}

impl Findings {
    /// Writes what the caller wants beside the document.
    fn write(self, arguments: &EvalCopyDetection) -> Result<Document> {
        let Self { references, shown, queries, sides, scope } = self;
        let document = Document::new(arguments, edits(arguments), &queries, &sides, scope)?;
        if let Some(folder) = &arguments.isc_out {
            tables::write(folder, &queries, &sides, &references)?;
        }
        if let Some(path) = &arguments.editing.report {
            let shown = page::Shown { subjects: &shown.subjects, queries: &queries, sides: &sides };
            page::write(path, &document, &shown, &(&arguments.editing.reading).into())?;
        }
        Ok(document)
    }
}

/// What the queries show.
struct Shown {
    subjects: Vec<Subject>,
    /// Those that can be read, as far as that is known.
    readable: Vec<usize>,
    /// What each is called in tables, `[subjects]`.
    labels: Vec<String>,
    /// References `[subjects]` that each shows.
    matches: Vec<Vec<i64>>,
    /// Whether the subjects are queries as they are.
    is_given: bool,
}

impl Shown {
    fn new(
        arguments: &EvalCopyDetection,
        images: Vec<Subject>,
        references: &References,
        truth: Option<GroundTruth>,
    ) -> Result<Self> {
        match truth {
            Some(truth) if !arguments.queries.is_empty() => Self::given(arguments, references, &truth),
            Some(_) => bail!("--ground-truth says what --queries show: name their folder, or leave it out"),
            None => Self::edited(arguments, images, references),
        }
    }

    /// Edits of the references, and of images without a match.
    fn edited(
        arguments: &EvalCopyDetection,
        mut subjects: Vec<Subject>,
        references: &References,
    ) -> Result<Self> {
        let own: BTreeSet<_> =
            subjects.iter().filter_map(|subject| subject.path.canonicalize().ok()).collect();
        let readable = references.readable(&subjects);
        let mut matches: Vec<Vec<i64>> =
            subjects.iter().map(|subject| references.of(subject).into_iter().collect()).collect();
        let others = images::find(&arguments.distractors, None)?;
        let twice =
            others.iter().find(|input| input.path.canonicalize().is_ok_and(|path| own.contains(&path)));
        if let Some(input) = twice {
            bail!("{} is among --images and --distractors: a distractor has no match", input.path.display());
        }
        let first = subjects.len();
        subjects.extend(others.into_iter().map(|input| Subject { path: input.path, released: None }));
        matches.resize(subjects.len(), Vec::new());
        let readable = readable.into_iter().chain(first..subjects.len()).collect();
        let names: Vec<String> = subjects.iter().map(|subject| stem(&subject.path)).collect();
        let labels = references::unlike(names.iter().map(String::as_str), 0..);
        Ok(Self { subjects, readable, labels, matches, is_given: false })
    }

    /// Queries as they are, with their matches by name.
    fn given(arguments: &EvalCopyDetection, references: &References, truth: &GroundTruth) -> Result<Self> {
        let inputs = images::find(&arguments.queries, None)?;
        let subjects: Vec<Subject> =
            inputs.into_iter().map(|input| Subject { path: input.path, released: None }).collect();
        let ids = references.by_name()?;
        let mut matches = Vec::with_capacity(subjects.len());
        let mut seen = HashMap::new();
        for subject in &subjects {
            let id = stem(&subject.path);
            if let Some(other) = seen.insert(id.clone(), subject.name()) {
                bail!("{} and {other} are both the query {id}: rename one", subject.name());
            }
            let names = truth.matches.get(&id).into_iter().flatten();
            let of = |name: &String| {
                ids.get(name.as_str()).copied().with_context(|| no_reference(name, arguments))
            };
            matches.push(names.map(of).collect::<Result<_>>()?);
        }
        let missing = truth.matches.iter().find(|(id, names)| !names.is_empty() && !seen.contains_key(*id));
        if let Some((id, _)) = missing {
            bail!(
                "the query {id} of --ground-truth is no image in --queries: name the folder that holds all of them"
            );
        }
        let labels = subjects.iter().map(|subject| stem(&subject.path)).collect();
        Ok(Self { readable: (0..subjects.len()).collect(), subjects, labels, matches, is_given: true })
    }

    /// Searches edits of all that can be read.
    fn search(
        &self,
        search: &Search,
        edits: &[Edit],
        pipeline: &mut Pipeline,
        output: &Output,
    ) -> Result<(Queries, Sides, End)> {
        let (mut queries, mut sides) = (Queries::default(), Sides::default());
        let mut take = |described| {
            let photograph = self.photograph(&described, edits, &mut queries);
            search.answer(described, photograph, &mut sides)
        };
        let (subjects, readable) = (&self.subjects, &self.readable);
        let end = pipeline.run("editing and searching", subjects, readable, edits, output, &mut take)?;
        ensure!(!queries.all.is_empty(), "none of the {} images can be a query", subjects.len());
        Ok((queries, sides, end))
    }

    /// Enters the queries of a photograph, and says which it is.
    fn photograph(
        &self,
        described: &super::pipeline::Described,
        edits: &[Edit],
        queries: &mut Queries,
    ) -> usize {
        let name = &self.labels[described.number];
        let id = |edit: &Edit| if self.is_given { name.clone() } else { format!("{name}/{edit}") };
        queries.enter(described.number, edits.iter().map(id), &self.matches[described.number])
    }
}

fn no_reference(name: &str, arguments: &EvalCopyDetection) -> String {
    let index = arguments.index.as_deref().unwrap_or(Path::new("")).display();
    format!(
        "the reference {name} of --ground-truth is neither in {index} nor an image in --images: add it to either"
    )
}

/// A file's name without its ending, which is what ISC2021's tables call an image.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
