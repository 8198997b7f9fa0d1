//! Releases as jobs: uploads that were acknowledged, kept in a folder until they are released.
//!
//! A request is a folder, named by its time, with a folder for each of its pictures:
//!
//! ```text
//! 0006451a2b3c4d/job.json        names, fields, key; written last, and the request is acknowledged from then on
//! 0006451a2b3c4d/00/upload       the picture as it came, removed once it is released
//! 0006451a2b3c4d/00/report.json  the end of the job
//! 0006451a2b3c4d/00/released.png the released file
//! ```
//!
//! Whatever ends the program, the next start reads the folder: a request without `job.json` was never acknowledged and is
//! removed, a picture without a report waits, and one without a folder was deleted.

mod arrivals;
mod folder;
mod id;
mod job;
mod outcome;
mod queue;
mod reservation;
mod run;
mod stored;

pub use self::{
    arrivals::Arrivals,
    id::JobId,
    job::{Job, ReleaseState},
    outcome::{Ending, FileFacts, Quality},
    queue::{Bounds, Counts, JobPage, Jobs, unknown},
    reservation::{Admission, NewPicture, Submission},
    run::{Release, Run},
};
