//! Thread that releases what waits, of one collection after the other.

use std::{sync::Arc, time::Duration};

use crate::{
    app::App,
    clock,
    jobs::{Jobs, Release, Run},
    served::Served,
};

/// Longest time between two looks at folders in which another service works.
const PERIOD: Duration = Duration::from_secs(1);
/// Ended jobs after which the calibration is looked at, though others wait.
const ENDED: usize = 100;

/// Releases what waits until the end of the service.
pub fn release_all(app: &App, release: &mut dyn Release) {
    let releasing: Vec<(&Arc<Served>, &Arc<Jobs>)> =
        app.collections.iter().filter_map(|served| Some((served, served.jobs()?))).collect();
    let mut ended = vec![0; releasing.len()];
    while !app.arrivals.is_closed() {
        let seen = app.arrivals.count();
        let mut has_worked = false;
        for ((served, jobs), ended) in releasing.iter().zip(&mut ended) {
            let count = if app.is_stopping() { 0 } else { work(app, served, jobs, release) };
            *ended += count;
            has_worked |= count > 0;
            if *ended >= ENDED || *ended > 0 && jobs.counts().queued == 0 {
                *ended = 0;
                refit(served);
            }
        }
        if !has_worked {
            app.arrivals.wait(seen, PERIOD);
        }
    }
}

/// Releases jobs of a collection together. Returns the number of those that ended.
fn work(app: &App, served: &Served, jobs: &Jobs, release: &mut dyn Release) -> usize {
    match jobs.open() {
        Ok(true) => {}
        Ok(false) => return 0,
        Err(error) => {
            tracing::error!(collection = served.name(), %error, "the folder of releases cannot be opened");
            return 0;
        }
    }
    // Released files are mostly larger than their uploads. The rest waits until callers delete releases.
    if jobs.counts().bytes > app.settings.release_bytes {
        return 0;
    }
    let run = Run {
        jobs,
        collection: served.collection(),
        reader: app.settings.reader,
        is_stopping: &|| app.is_stopping(),
        ended: &|outcome| app.metrics.count_release(served.name(), outcome.ending),
    };
    run.work(release)
}

/// Fits the calibration again if the collection has doubled since, as after `release`.
fn refit(served: &Served) {
    let collection = served.name();
    match find::refit_if_due(served.collection(), clock::now()) {
        Ok(None) => {}
        Ok(Some(calibration)) => {
            let entries = calibration.facts().entries;
            tracing::info!(collection, entries, "the collection has doubled: E-values are fitted anew");
        }
        Err(error) => tracing::warn!(collection, %error, "E-values cannot be fitted anew"),
    }
}
