//! The engine on Lance: synchronous calls on a runtime of its own.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use burn::tensor::Device;
use collection::{
    AddedReview, Candidate, Count, Day, Decision, Description, Digest, EncodedEntry, Engine, Entry, Error,
    Filter, Finding, Indexed, Info, KeptEntry, KeptReview, Listing, Meta, NewEntry, NewReview, Page, Result,
    Review, ReviewCounts, ReviewPage, Selection, State, Stored,
};
use index::{Index, ProbedVectors};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    check, contents,
    core::{self, Core},
    indexing, info, lists, maintenance, place,
    search::{self, Asked},
    settings, store,
};

/// Collection in a Lance dataset.
pub struct LanceEngine {
    core: Arc<Core>,
    runtime: Arc<Threads>,
    /// Indexing that runs in the background.
    indexing: Mutex<Option<JoinHandle<Result<()>>>>,
    /// Error that the last one ended with.
    failed: Mutex<Option<Error>>,
}

/// Threads of the engine, which end without being waited for.
struct Threads(Option<Runtime>);

impl Threads {
    fn new(location: &str) -> Result<Self> {
        let built = Builder::new_multi_thread().enable_all().thread_name("lance").build();
        let runtime = built.map_err(|source| Error::Io { path: location.into(), source })?;
        Ok(Self(Some(runtime)))
    }

    /// Makes a future and runs it to its end, from any thread.
    fn run<T: Send, F: Future<Output = T>>(&self, future: impl FnOnce() -> F + Send) -> T {
        let runtime = self.0.as_ref().expect("is taken when dropped");
        if Handle::try_current().is_err() {
            return runtime.block_on(future());
        }
        // A thread of another runtime must not wait in it.
        thread::scope(|scope| {
            let waited = scope.spawn(|| runtime.block_on(future())).join();
            waited.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Creates a collection at an address, such as `s3://bucket/shop.lance` or the path of a new folder, with the quantisers of an
/// index, for witnesses of a kind or for none.
///
/// # Errors
/// A place that holds something; an index other than `IVF{nlist},PQ{m}x8` of L2 distances; a store that cannot be written.
pub fn create(address: &str, quantiser: &Index, witness_kind: Option<&str>) -> Result<LanceEngine> {
    LanceEngine::new(address, || core::create(address, quantiser, witness_kind))
}

/// Opens the collection at an address, with its quantiser on `device`.
///
/// # Errors
/// A place that holds no collection, or one of a later version; a store that cannot be read.
pub fn open(address: &str, device: &Device) -> Result<LanceEngine> {
    LanceEngine::new(address, || core::open(address, device))
}

/// Returns true for an address with a scheme, and for a folder that holds a Lance collection.
pub fn is_collection(address: &str) -> bool {
    place::has_scheme(address) || std::path::Path::new(address).join(core::MANIFEST).is_file()
}

impl LanceEngine {
    fn new<F>(address: &str, core: impl FnOnce() -> F + Send) -> Result<Self>
    where
        F: Future<Output = Result<Core>>,
    {
        let runtime = Threads::new(address)?;
        let core = Arc::new(runtime.run(core)?);
        Ok(Self { core, runtime: Arc::new(runtime), indexing: Mutex::default(), failed: Mutex::default() })
    }

    fn run<T: Send, F: Future<Output = T>>(&self, future: impl FnOnce() -> F + Send) -> T {
        self.runtime.run(future)
    }

    /// Starts to index in the background if it is due and nobody does.
    fn index_in_background(&self) {
        let mut running = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.note_end(&mut running) {
            return;
        }
        if !self.run(|| maintenance::is_due(&self.core)).unwrap_or(false) {
            return;
        }
        let (core, runtime) = (self.core.clone(), self.runtime.clone());
        *running = Some(thread::spawn(move || runtime.run(|| maintenance::index_due(&core))));
    }

    /// Keeps the error of an indexing that has ended. Returns false while it runs.
    fn note_end(&self, running: &mut Option<JoinHandle<Result<()>>>) -> bool {
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return false;
        }
        if let Some(Ok(done)) = running.take().map(JoinHandle::join) {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = done.err();
        }
        true
    }
}

impl Drop for LanceEngine {
    fn drop(&mut self) {
        // What was not indexed is found all the same, and indexed by the next one.
        let running = self.indexing.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        running.into_iter().for_each(|thread| drop(thread.join()));
    }
}

impl Engine for LanceEngine {
    fn description(&self) -> &Description {
        &self.core.description
    }

    fn quantiser(&self) -> &Index {
        &self.core.quantiser
    }

    fn warnings(&self) -> Vec<String> {
        self.note_end(&mut self.indexing.lock().unwrap_or_else(PoisonError::into_inner));
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.iter().map(|error| format!("indexing in the background has failed: {error}")).collect()
    }

    fn store(
        &self,
        entries: &[NewEntry],
        wanted: Option<&[i64]>,
        descriptors: &[f32],
    ) -> Result<Vec<Stored>> {
        let stored = self.run(|| store::store(&self.core, entries, wanted, descriptors))?;
        self.index_in_background();
        Ok(stored)
    }

    fn mark_written(&self, ids: &[i64]) -> Result<()> {
        self.run(|| store::mark_written(&self.core, ids))
    }

    fn known(&self, originals: &[Digest]) -> Result<Vec<Option<Entry>>> {
        self.run(|| lists::known(&self.core.entries, originals))
    }

    fn nearest(
        &self,
        probed: &ProbedVectors,
        queries: &[f32],
        compared: usize,
        k: usize,
        filter: &Filter,
    ) -> Result<Vec<Vec<Candidate>>> {
        let asked = Asked { probed, queries, compared, k, filter };
        let Core { entries, rows, quantiser, .. } = &*self.core;
        let search =
            || async { search::nearest(&*self.core.view().await?, entries, rows, quantiser, &asked).await };
        self.run(search)
    }

    fn entries(&self, ids: &[i64]) -> Result<Vec<Option<Entry>>> {
        self.run(|| lists::by_ids(&self.core.entries, ids))
    }

    fn ids_of_name(&self, name: &str) -> Result<Vec<i64>> {
        self.run(|| lists::ids_of_name(&self.core.entries, name))
    }

    fn listing(&self, page: &Page, visits: u64) -> Result<Listing> {
        self.run(|| lists::listing(&self.core.entries, page, visits))
    }

    fn count(&self, selection: &Selection, visits: u64) -> Result<Count> {
        self.run(|| lists::count(&self.core.entries, selection, visits))
    }

    fn days(&self) -> Result<Vec<Day>> {
        self.run(|| lists::days(&self.core.entries, &self.core.tallies))
    }

    fn set_meta(&self, id: i64, changes: &Meta) -> Result<Entry> {
        self.run(|| lists::set_meta(&self.core.entries, id, changes))
    }

    fn set_state(&self, ids: &[i64], state: State) -> Result<()> {
        self.run(|| store::set_state(&self.core, ids, state))
    }

    fn searchable(&self) -> Result<u64> {
        self.run(|| info::live(&self.core))
    }

    fn info(&self) -> Result<Info> {
        self.run(|| info::info(&self.core))
    }

    fn check(&self, progress: &mut dyn FnMut(&str)) -> Result<Vec<Finding>> {
        // Told before rather than while it runs, because the callback belongs to this thread.
        progress("the entries and the index");
        self.run(|| check::check(&self.core))
    }

    fn index(&self, share: u32, of: u32) -> Result<Indexed> {
        self.run(|| indexing::shares::index(&self.core, share, of))
    }

    fn compact(&self) -> Result<()> {
        self.run(|| maintenance::compact(&self.core))
    }

    fn export(&self) -> Result<Index> {
        self.run(|| contents::export(&self.core))
    }

    fn descriptor(&self, id: i64) -> Result<Vec<f32>> {
        self.run(|| contents::descriptor(&self.core, id))
    }

    fn sample(&self, n: usize, seed: u64) -> Result<Vec<(i64, Vec<f32>)>> {
        self.run(|| contents::sample(&self.core, n, seed))
    }

    fn witnesses(&self, ids: &[i64]) -> Result<Vec<Option<Vec<u8>>>> {
        self.run(|| contents::witnesses(&self.core, ids))
    }

    fn encoded(&self, ids: &[i64]) -> Result<Vec<Option<EncodedEntry>>> {
        self.run(|| contents::encoded(&self.core, ids))
    }

    fn take_over(&self, entries: &[KeptEntry]) -> Result<Vec<Stored>> {
        let stored = self.run(|| store::take_over(&self.core, entries))?;
        self.index_in_background();
        Ok(stored)
    }

    fn take_over_reviews(&self, reviews: &[KeptReview]) -> Result<Vec<AddedReview>> {
        self.run(|| self.core.reviews.take_over(&self.core.entries, reviews))
    }

    fn witness_count(&self) -> Result<u64> {
        self.run(|| info::witness_count(&self.core))
    }

    fn add_review(&self, review: &NewReview) -> Result<AddedReview> {
        self.run(|| self.core.reviews.add(&self.core.entries, review))
    }

    fn decide(&self, id: i64, decision: Decision, by: Option<&str>) -> Result<Review> {
        self.run(|| self.core.reviews.decide(id, decision, by))
    }

    fn review(&self, id: i64) -> Result<Option<Review>> {
        self.run(|| self.core.reviews.of_id(id))
    }

    fn review_picture(&self, id: i64) -> Result<Option<Vec<u8>>> {
        self.run(|| self.core.reviews.picture(id))
    }

    fn reviews(&self, page: &ReviewPage) -> Result<Vec<Review>> {
        self.run(|| self.core.reviews.page(page))
    }

    fn review_counts(&self) -> Result<ReviewCounts> {
        self.run(|| self.core.reviews.counts())
    }

    fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        self.run(|| settings::set(&self.core.place, key, value))
    }

    fn setting_or(&self, key: &str, value: &str) -> Result<String> {
        self.run(|| settings::get_or_set(&self.core.place, key, value))
    }

    fn setting(&self, key: &str) -> Result<Option<String>> {
        self.run(|| settings::get(&self.core.place, key))
    }

    fn settings_of(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        self.run(|| settings::of(&self.core.place, prefix))
    }
}
