//! Events of a release, and its end by the caller.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use activate::Stop;
use active_index_release::{
    Destination, Error, Events, Folder, Ignored, Pair, ReleasedFile, ReleasedImage, Releaser, Remembering,
    Result, Taken,
};

use crate::fixtures::{Desk, options, outcomes, read};

/// Log of the events, and a wish to end after some images.
#[derive(Default)]
struct Log {
    steps: AtomicUsize,
    advanced: AtomicUsize,
    ended: AtomicUsize,
    is_writing: AtomicBool,
    finished: Mutex<Vec<String>>,
    /// Number of images after which the release is cancelled; never if 0.
    enough: usize,
}

impl Log {
    fn finished(&self) -> Vec<String> {
        self.finished.lock().expect("no panic").clone()
    }
}

impl Events for Log {
    fn begin(&self, steps: usize) {
        self.steps.fetch_add(steps, SeqCst);
    }

    fn advance(&self, steps: usize) {
        self.advanced.fetch_add(steps, SeqCst);
    }

    fn finished(&self, image: &ReleasedImage) {
        self.finished.lock().expect("no panic").push(image.name());
    }

    fn end(&self) {
        self.ended.fetch_add(1, SeqCst);
    }

    fn is_cancelled(&self) -> bool {
        self.enough > 0 && self.finished().len() >= self.enough
    }

    fn uninterrupted(&self, write: &mut dyn FnMut()) {
        self.is_writing.store(true, SeqCst);
        write();
        self.is_writing.store(false, SeqCst);
    }
}

#[test]
fn all_steps_are_told_whatever_becomes_of_the_images() {
    let desk = Desk::new(4);
    desk.write("broken.png", b"no image");
    let mut jobs = desk.jobs(4, "out");
    jobs.insert(1, desk.job("broken.png", "out"));
    let mut options = options(2);
    // Ends nearly at once, and the steps that are left count.
    options.settings.stop = Stop::Settled { share: 1e9 };
    options.settings.iterations = 7;
    for _ in 0..2 {
        let log = Log::default();
        let destination = Remembering::new(&desk.shop).expect("knows its witnesses");
        let rows = desk.releaser(options).release(&jobs, &destination, &log, None).expect("has threads");
        assert_eq!((log.steps.load(SeqCst), log.ended.load(SeqCst)), (35, 1));
        assert_eq!(log.advanced.load(SeqCst), 35, "{:?}", outcomes(&rows));
        let names: Vec<String> = rows.iter().map(ReleasedImage::name).collect();
        assert_eq!((names.len(), log.finished()), (5, names));
    }
}

#[test]
fn a_cancelled_release_reports_what_it_has_begun_and_goes_on_later() {
    let desk = Desk::new(12);
    let (jobs, releaser) = (desk.jobs(12, "out"), desk.releaser(options(1)));
    let log = Log { enough: 2, ..Log::default() };
    let destination = Remembering::new(&desk.shop).expect("knows its witnesses");
    let rows = releaser.release(&jobs, &destination, &log, None).expect("has threads");
    assert!((2..12).contains(&rows.len()), "{}", rows.len());
    assert_eq!(outcomes(&rows), vec!["released"; rows.len()]);
    assert_eq!((desk.entries().len(), desk.names("out").len()), (rows.len(), rows.len()));

    let destination = Remembering::new(&desk.shop).expect("knows its witnesses");
    let again = releaser.release(&jobs, &destination, &Ignored, None).expect("has threads");
    let known = again.iter().filter(|row| row.was_known()).count();
    assert_eq!((again.len(), known, desk.entries().len()), (12, rows.len(), 12));
}

/// Folder that is written to in uninterrupted writes alone.
struct Guarded<'a>(&'a Log);

impl Destination for Guarded<'_> {
    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        assert!(self.0.is_writing.load(SeqCst) && !released.is_empty());
        Folder.take(released)
    }
}

#[test]
fn files_are_written_in_uninterrupted_writes_alone() {
    let (desk, log) = (Desk::new(3), Log::default());
    let releaser = desk.releaser(options(2));
    let rows = releaser.release(&desk.jobs(3, "out"), &Guarded(&log), &log, None).expect("has threads");
    assert_eq!(outcomes(&rows), ["released"; 3]);
}

/// Destination that panics at its second batch.
#[derive(Default)]
struct Faulty(AtomicBool);

impl Destination for Faulty {
    fn take(&self, released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        assert!(!self.0.swap(true, SeqCst), "the second batch");
        Folder.take(released)
    }
}

#[test]
fn a_destination_that_panics_ends_the_release_with_an_error() {
    let (desk, log) = (Desk::new(6), Log::default());
    let releaser = desk.releaser(options(1));
    let failed = releaser.release(&desk.jobs(6, "out"), &Faulty::default(), &log, None);
    assert!(matches!(failed, Err(Error::Threads(describe::Error::ThreadEnded))));
    assert_eq!((log.finished(), log.ended.load(SeqCst)), (vec!["0.png".to_owned()], 1));
}

/// Destination that forgets the last file of each batch.
struct Forgetful;

impl Destination for Forgetful {
    fn take(&self, mut released: Vec<ReleasedFile<'_>>) -> Vec<Result<Taken>> {
        released.pop();
        Folder.take(released)
    }
}

#[test]
fn a_file_without_an_outcome_has_failed() {
    let desk = Desk::new(3);
    let rows = desk.release(&desk.jobs(3, "out"), &Forgetful, options(3));
    assert_eq!(outcomes(&rows), ["released", "released", "failed"]);
}

#[test]
fn pairs_come_in_order_from_this_run_and_from_earlier_ones() {
    let desk = Desk::new(3);
    let jobs = desk.jobs(3, "out");
    for _ in 0..2 {
        let (mut pairs, destination) =
            (Vec::new(), Remembering::new(&desk.shop).expect("knows its witnesses"));
        let mut keep = |pair: Pair| pairs.push(pair);
        let releaser = desk.releaser(options(2));
        releaser.release(&jobs, &destination, &Ignored, Some(&mut keep)).expect("has threads");
        assert_eq!(pairs.len(), 3);
        for (pair, job) in pairs.iter().zip(&jobs) {
            assert_eq!(pair.original, read(&job.input).pixels.into_rgb8());
            assert_eq!(pair.released, read(&job.output).pixels.into_rgb8());
        }
    }
}

#[test]
fn a_releaser_goes_between_threads() {
    fn goes<T: Send + Sync>() {}
    goes::<Releaser<'_>>();
    goes::<Remembering<'_>>();
    goes::<Error>();
}
