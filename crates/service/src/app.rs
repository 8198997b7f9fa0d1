//! State of all handlers.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::{
    error::Result,
    lookup::Queue,
    metrics::Metrics,
    network::Network,
    served::{Collections, Served},
    settings::Settings,
};

/// Work on catalogues at once; each takes a thread and a connection's turn.
const CATALOGUE_WORK: usize = 64;
/// Bytes that one permit of [`App::uploads`] stands for.
pub const PERMIT: usize = 4 << 10;

/// State of all handlers.
pub struct App {
    pub settings: Settings,
    pub collections: Collections,
    pub lookups: Queue,
    pub network: Network,
    pub metrics: Arc<Metrics>,
    /// Memory for bodies, in permits of [`PERMIT`] bytes.
    pub uploads: Arc<Semaphore>,
    /// Turns of work on catalogues.
    pub catalogue: Arc<Semaphore>,
    /// True once the service is shutting down.
    pub stopping: watch::Sender<bool>,
}

impl App {
    /// # Errors
    /// If there is no collection, or two of one name.
    pub fn new(settings: Settings, served: Vec<Served>) -> Result<Self> {
        let metrics = Arc::new(Metrics::new());
        let uploads = (settings.max_uploads / PERMIT).clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            collections: Collections::new(served)?,
            lookups: Queue::new(settings.waiting.max(1), metrics.clone()),
            network: Network::new(metrics.clone()),
            uploads: Arc::new(Semaphore::new(uploads)),
            catalogue: Arc::new(Semaphore::new(CATALOGUE_WORK)),
            stopping: watch::Sender::new(false),
            metrics,
            settings,
        })
    }

    /// Returns true once the service is shutting down.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}
