//! `serve`: answers lookups over HTTP.

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

use crate::{
    args::Serve,
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
const ENDING: &str = "ending: what was accepted is answered (press Ctrl-C again to end at once)";

/// Report of `serve`, as soon as callers can connect.
#[derive(Serialize)]
struct Listening {
    address: String,
}

pub fn run(arguments: &Serve, session: &Session) -> Result<Outcome> {
    let settings = settings(arguments)?;
    start_log(arguments.log_json, session);
    let device = session.device_for_files()?.device;
    let opened: Vec<(String, Arc<Collection>)> = arguments
        .collections
        .iter()
        .map(|named| {
            let collection = inputs::collection::open(&named.path, &device, session)?;
            Ok((named.name(), Arc::new(collection)))
        })
        .collect::<Result<_>>()?;
    let served = opened.iter().map(|(name, collection)| {
        let location = &collection.description().location;
        Served::new(name.clone(), collection.clone()).with_context(|| location.clone())
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
    service.run(|serve| {
        let loaded = LoadedExtractor::load(session)?;
        for (_, collection) in &opened {
            inputs::collection::check_extractor(collection, &loaded.record())?;
        }
        tracing::info!(device = loaded.device_name, "pictures are looked up");
        serve(&mut loaded.describer(BatchRequest::Auto));
        Ok(())
    })?;
    Ok(Outcome::Done)
}

fn settings(arguments: &Serve) -> Result<Settings> {
    let Serve { listen, max_upload, allow_fetch, workers, reading, .. } = arguments;
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

/// Writes events on stderr from now on.
fn start_log(json: bool, session: &Session) {
    let level = if session.globals().verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let log = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(io::stderr);
    let log = log.with_ansi(io::stderr().is_terminal());
    match json {
        true => log.json().flatten_event(true).init(),
        false => log.init(),
    }
}
