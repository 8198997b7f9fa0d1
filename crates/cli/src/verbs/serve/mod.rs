//! `serve`: answers lookups over HTTP, and releases pictures.

mod collection_releaser;

use std::{
    fs,
    io::{self, IsTerminal},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use collection::Collection;
use describe::BatchRequest;
use image_file::path_text;
use serde::Serialize;
use service::{Access, Served, Service, Settings, Tokens};
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use self::collection_releaser::CollectionReleaser;
use crate::{
    args::{NamedCollection, Serve},
    inputs::{self, extractor::LoadedExtractor},
    report::Report,
    session::{Outcome, Session, interrupt::Watch},
};

/// Largest size of a token file in bytes.
const MAX_TOKENS: u64 = 1 << 20;
/// Time between two looks at whether the user has ended the service.
const PERIOD: Duration = Duration::from_millis(50);
/// Files beside connections: collections, standard streams, sockets that are closing.
const OTHER_FILES: u64 = 256;
/// Line after the first Ctrl-C.
const ENDING: &str = "ending: what was accepted is answered, and the release that was begun is finished (press Ctrl-C again to end at once)";
/// Largest number of lines of the log that wait to be written; further ones are dropped.
const WAITING_LINES: usize = 10_000;
/// Folder of releases in that of the collection.
const RELEASED: &str = "released";

/// Report of `serve`, as soon as callers can connect.
#[derive(Serialize)]
struct Listening {
    address: String,
}

pub fn run(arguments: &Serve, session: &Session) -> Result<Outcome> {
    let settings = settings(arguments)?;
    let _log = start_log(arguments.log_json, session);
    let device = session.device_for_files()?.device;
    let opened: Vec<(String, Arc<Collection>)> = arguments
        .collections
        .iter()
        .map(|named| {
            let collection = inputs::collection::open(&named.address, &device, session)?;
            Ok((named.name(), Arc::new(collection)))
        })
        .collect::<Result<_>>()?;
    let served = arguments.collections.iter().zip(&opened).map(|(named, (name, collection))| {
        let location = &collection.description().location;
        let served = Served::new(name.clone(), collection.clone()).with_context(|| location.clone())?;
        releasing(served, named, arguments, session)
    });
    let service = Service::bind(settings, served.collect::<Result<_>>()?)?;
    let (watch, shutdown) = (Watch::start_with(ENDING), service.shutdown());
    let report = Report::new(Listening { address: format!("http://{}/", service.address()) });
    session.result(&report, || report.body.address.clone())?;
    thread::spawn(move || {
        while !watch.is_requested() {
            thread::sleep(PERIOD);
        }
        shutdown.begin();
    });
    let Serve { optimisation, encoded, reading, .. } = arguments;
    let options = optimisation.release_options(encoded.encoding(), BatchRequest::Auto, reading);
    service.run(|running| {
        let loaded = LoadedExtractor::load_for(session, optimisation.precision)?;
        for (_, collection) in &opened {
            inputs::collection::check_extractor(collection, &loaded.record())?;
        }
        tracing::info!(device = loaded.device_name, "pictures are looked up");
        let mut releaser = CollectionReleaser::new(&loaded, options, &arguments.collections, session)?;
        Ok(running.describe_and_release(&mut loaded.describer(BatchRequest::Auto), &mut releaser)?)
    })?;
    Ok(Outcome::Done)
}

/// Lets pictures be released into a collection. Where it is no folder, or one that cannot be written, and no folder is named, it
/// is served without.
fn releasing(
    served: Served,
    named: &NamedCollection,
    arguments: &Serve,
    session: &Session,
) -> Result<Served> {
    if let Some(out) = &arguments.out {
        return Ok(served.releasing_into(&out.join(named.name()))?);
    }
    let Some(folder) = named.address.folder() else {
        session.note(&format!(
            "{}: no pictures are released into it, unless --out names a folder",
            named.address
        ));
        return Ok(served);
    };
    let folder = folder.join(RELEASED);
    match fs::create_dir_all(&folder) {
        Ok(()) => Ok(served.releasing_into(&folder)?),
        Err(error) => {
            session.note(&format!("{}: {error}: no pictures are released into it", path_text(&folder)));
            Ok(served)
        }
    }
}

fn settings(arguments: &Serve) -> Result<Settings> {
    let Serve { listen, max_upload, max_out, allow_fetch, workers, reading, .. } = arguments;
    let own = Settings::default();
    let max_upload = usize::try_from(max_upload.as_u64()).context("--max-upload")?;
    ensure!(max_upload > 0, "--max-upload must be at least 1 byte");
    Ok(Settings {
        listen: *listen,
        access: access(arguments)?,
        max_upload,
        allow_fetch: *allow_fetch,
        max_uploads: own.max_uploads.max(max_upload.saturating_mul(2)),
        workers: workers.map_or(own.workers, usize::from),
        connections: own.connections.min(open_files().saturating_sub(OTHER_FILES).max(1) as usize),
        reader: reading.into(),
        release_bytes: max_out.as_u64(),
        ..own
    })
}

fn access(arguments: &Serve) -> Result<Access> {
    let Some(file) = &arguments.token_file else {
        return Ok(if arguments.open { Access::Open } else { Access::Local });
    };
    let read = || -> Result<Tokens> {
        let length = fs::metadata(file)?.len();
        ensure!(length <= MAX_TOKENS, "expected at most {MAX_TOKENS} bytes, found {length}");
        Ok(Tokens::parse(&fs::read_to_string(file)?)?)
    };
    read().map(Access::Tokens).with_context(|| path_text(file))
}

/// Raises the number of files that the program may have open as far as the system allows, and returns it.
#[cfg(unix)]
fn open_files() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024)
}

/// Number of sockets that the program may have open.
#[cfg(not(unix))]
fn open_files() -> u64 {
    1 << 14
}

/// Writes events on stderr from now on, in a thread of its own: a reader that stops reading costs lines, and stops no answer. The
/// last lines are written when the guard is dropped.
fn start_log(json: bool, session: &Session) -> WorkerGuard {
    let level = if session.globals().verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).finish(io::stderr());
    // Lance tells of each version that it opens.
    let targets = Targets::new().with_default(level).with_target("lance", LevelFilter::WARN);
    let log = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(writer);
    let log = log.with_ansi(io::stderr().is_terminal());
    match json {
        true => log.json().flatten_event(true).finish().with(targets).init(),
        false => log.finish().with(targets).init(),
    }
    guard
}
