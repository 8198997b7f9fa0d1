//! Acceptance of pictures: read, checked, written, acknowledged.

use axum::{body::Body, http::HeaderMap};

use super::{
    submission::{Announced, ReleaseParameters},
    view::ReleaseList,
};
use crate::{
    api::{body, parameters::collection, releases::jobs_of},
    app::App,
    jobs::{Admission, Bounds, Job, JobId, Jobs, Submission},
    problem::Problem,
    settings::Settings,
};

/// Accepts pictures to be released, and returns their releases.
///
/// # Errors
/// Problems with the statuses 400, 404, 408, 409, 413, 415, 422, 429, 501, 503 and 507.
pub async fn accept(
    app: &App,
    parameters: &ReleaseParameters,
    headers: &HeaderMap,
    body: Body,
) -> Result<ReleaseList, Problem> {
    let served = collection(app, parameters.collection.as_deref())?;
    let jobs = jobs_of(served)?.clone();
    let announced = Announced::new(parameters, headers)?;
    let upload = body::read(app, body).await?;
    let submission = announced.with(upload.bytes).await?;
    let turn = app.accepting.clone().acquire_owned().await.map_err(Problem::internal)?;
    let settings = app.settings.clone();
    let memory = upload.memory;
    let accepted = tokio::task::spawn_blocking(move || {
        let _held = (turn, memory);
        check_and_write(&jobs, submission, &settings)
    });
    let accepted = accepted.await.unwrap_or_else(|error| Err(Problem::internal(error)))?;
    app.arrivals.notify();
    Ok(ReleaseList::new(served.name(), &accepted))
}

fn check_and_write(
    jobs: &Jobs,
    submission: Submission,
    settings: &Settings,
) -> Result<Vec<(JobId, Job)>, Problem> {
    let Settings { reader, queued_releases: queued, kept_releases: kept, release_bytes: bytes, .. } =
        *settings;
    match jobs.admit(submission, &Bounds { queued, kept, bytes })? {
        Admission::Known(accepted) => Ok(accepted),
        Admission::New(reservation) => {
            for picture in &reservation.submission().pictures {
                reader.decode(&picture.bytes).map_err(|error| Problem::unreadable(&picture.name, error))?;
            }
            reservation.commit()
        }
    }
}
