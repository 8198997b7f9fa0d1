//! Metrics: numbers since the start in the text format of OpenMetrics, which Prometheus reads, and the last hour for people.

mod last_hour;

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

pub use self::last_hour::{LastHour, MINUTES, Minute};
use crate::jobs::{Counts, Ending};

/// Media type of the metrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: String,
    status: u16,
}

/// Route of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Collection of a lookup.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Collection {
    collection: String,
}

/// Queries that were looked up, by the verdict on the best match.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LookedUp {
    collection: String,
    verdict: &'static str,
}

/// Releases that ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    collection: String,
    state: &'static str,
}

type Seconds = Counter<f64, AtomicU64>;

/// Metrics of the service.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    queries: Family<LookedUp, Counter>,
    lookup_seconds: Family<Collection, Histogram, fn() -> Histogram>,
    /// Lookups that wait for a worker.
    pub waiting: Gauge,
    /// Lookups that were refused because too many waited.
    pub refused: Counter,
    /// Open connections.
    pub connections: Gauge,
    releases: Family<Ended, Counter>,
    queued_releases: Family<Collection, Gauge>,
    kept_releases: Family<Collection, Gauge>,
    release_bytes: Family<Collection, Gauge>,
    views: Histogram,
    network_seconds: Seconds,
    /// Lookups of the last hour.
    pub last_hour: LastHour,
}

impl Metrics {
    /// Metrics that are all 0.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("active_index"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(durations),
            queries: Family::default(),
            lookup_seconds: Family::new_with_constructor(durations),
            waiting: Gauge::default(),
            refused: Counter::default(),
            connections: Gauge::default(),
            releases: Family::default(),
            queued_releases: Family::default(),
            kept_releases: Family::default(),
            release_bytes: Family::default(),
            views: Histogram::new(exponential_buckets(1.0, 2.0, 8)),
            network_seconds: Seconds::default(),
            last_hour: LastHour::new(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let own = &mut self.registry;
        own.register("requests", "Answered requests", self.requests.clone());
        let seconds = self.request_seconds.clone();
        own.register_with_unit("request_duration", "Time from head to answer", Unit::Seconds, seconds);
        own.register("queries", "Queries by the verdict on their best match", self.queries.clone());
        let seconds = self.lookup_seconds.clone();
        own.register_with_unit("lookup_duration", "Time of a lookup of its worker", Unit::Seconds, seconds);
        own.register("waiting_lookups", "Lookups that wait for a worker", self.waiting.clone());
        own.register("refused_lookups", "Lookups beyond the bound on waiting ones", self.refused.clone());
        own.register("connections", "Open connections", self.connections.clone());
        own.register("releases", "Releases by their end", self.releases.clone());
        own.register("queued_releases", "Releases that wait", self.queued_releases.clone());
        own.register("kept_releases", "Releases that wait or are not deleted", self.kept_releases.clone());
        let bytes = self.release_bytes.clone();
        own.register_with_unit("releases_size", "Uploads and released files", Unit::Bytes, bytes);
        own.register(
            "network_batch_views",
            "Views that went through the network together",
            self.views.clone(),
        );
        let seconds = self.network_seconds.clone();
        own.register_with_unit("network_busy", "Time in which the network computed", Unit::Seconds, seconds);
        self
    }

    /// Counts an answered request; `route` is a pattern of the router, never a path of the caller's.
    pub fn count_request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = Answered { route: route.to_owned(), method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Counts a query with the verdict on its best match: `match`, `possible`, `unlikely`, `nothing` or `failed`.
    pub fn count_query(&self, collection: &str, verdict: &'static str) {
        self.queries.get_or_create(&LookedUp { collection: collection.to_owned(), verdict }).inc();
    }

    /// Counts the time that a worker took for lookups in a collection.
    pub fn count_lookup(&self, collection: &str, took: Duration) {
        let labels = Collection { collection: collection.to_owned() };
        self.lookup_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a release that ended.
    pub fn count_release(&self, collection: &str, ending: Ending) {
        let state = match ending {
            Ending::Done => "done",
            Ending::Already => "already",
            Ending::Failed => "failed",
        };
        self.releases.get_or_create(&Ended { collection: collection.to_owned(), state }).inc();
    }

    /// Sets the numbers of releases of a collection.
    pub fn set_releases(&self, collection: &str, counts: Counts) {
        let of = |gauges: &Family<Collection, Gauge>, value: u64| {
            gauges.get_or_create(&Collection { collection: collection.to_owned() }).set(value as i64);
        };
        of(&self.queued_releases, counts.queued as u64);
        of(&self.kept_releases, counts.kept as u64);
        of(&self.release_bytes, counts.bytes);
    }

    /// Counts views that went through the network together.
    pub fn count_batch(&self, views: usize, took: Duration) {
        self.views.observe(views as f64);
        self.network_seconds.inc_by(took.as_secs_f64());
    }

    /// Text of all metrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

/// Histogram of durations from half a millisecond to 16 seconds.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}
