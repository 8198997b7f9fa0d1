//! State of all handlers.

use std::{sync::Arc, thread, time::Instant};

use tokio::sync::{Semaphore, watch};

use crate::{
    error::Result,
    fetch::Fetcher,
    jobs::Arrivals,
    lookup::{Found, Lookup, Queue, Refused, Request, reply},
    memory::Memory,
    metrics::Metrics,
    network::Network,
    problem::Problem,
    served::{Collections, Served},
    settings::Settings,
};

/// Work on catalogues at once; each takes a thread and a connection's turn.
const CATALOGUE_WORK: usize = 64;
/// Uploads that are checked and written at once.
const ACCEPTING: usize = 2;

/// State of all handlers.
pub struct App {
    pub settings: Settings,
    pub collections: Collections,
    pub lookups: Queue,
    pub network: Network,
    pub metrics: Arc<Metrics>,
    /// Memory for bodies.
    pub uploads: Memory,
    /// Fetches pictures; absent if addresses are not fetched.
    pub fetcher: Option<Fetcher>,
    /// Turns of work on catalogues.
    pub catalogue: Arc<Semaphore>,
    /// Turns of decoding the pictures of entries.
    pub pictures: Arc<Semaphore>,
    /// Turns of checking and writing pictures to be released.
    pub accepting: Arc<Semaphore>,
    /// Signal for the thread that releases.
    pub arrivals: Arrivals,
    /// True once the service is shutting down.
    pub stopping: watch::Sender<bool>,
}

impl App {
    /// # Errors
    /// If there is no collection, or two of one name.
    pub fn new(settings: Settings, served: Vec<Served>) -> Result<Self> {
        let metrics = Arc::new(Metrics::new());
        let uploads = Memory::new(settings.max_uploads);
        let fetcher = settings.allow_fetch.then(|| Fetcher::new(settings.max_upload, uploads.clone()));
        Ok(Self {
            collections: Collections::new(served)?,
            lookups: Queue::new(settings.waiting.max(1), metrics.clone()),
            network: Network::new(metrics.clone()),
            uploads,
            fetcher,
            catalogue: Arc::new(Semaphore::new(CATALOGUE_WORK)),
            pictures: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))),
            accepting: Arc::new(Semaphore::new(ACCEPTING)),
            arrivals: Arrivals::default(),
            stopping: watch::Sender::new(false),
            metrics,
            settings,
        })
    }

    /// Returns true once the service is shutting down.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Looks up, and returns what `form` makes of it in the thread of a worker, where it may wait for files.
    ///
    /// # Errors
    /// The problem of the lookup or of `form`; 429 if too many wait, 503 while the network is loaded and during the shutdown.
    pub async fn look_up<T: Send + 'static>(
        &self,
        request: Request,
        form: impl FnOnce(Found) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        if !request.is_described() && !self.network.is_ready() {
            let detail = "the network is being loaded; descriptors are looked up meanwhile";
            return Err(Problem::unavailable(detail));
        }
        let (reply, answer) = reply(form);
        let lookup = Lookup { request, reply, accepted: Instant::now() };
        self.lookups.push(lookup).map_err(|refused| match refused {
            Refused::Full => Problem::busy("too many lookups wait"),
            Refused::Closed => Problem::unavailable("the service is shutting down"),
        })?;
        answer.await.unwrap_or_else(|_| Err(Problem::internal("a lookup was dropped")))
    }
}
