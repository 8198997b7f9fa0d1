//! Pictures at addresses of the web, fetched without reaching what only this machine can reach.
//!
//! A caller names the address, so the service must not become a way into its own network. A name is resolved once for each
//! connection, each address that it has is checked, and the checked one is connected to: no second lookup lies between, in
//! which a name could change its mind (DNS rebinding). Redirects are connections of their own, and checked like the first.

mod public;
mod resolver;
mod web_address;

use std::{io::Read, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::Semaphore, time::timeout};
use ureq::{
    Agent, Error,
    unversioned::{
        resolver::{DefaultResolver, Resolver},
        transport::{Connector, RustlsConnector, TcpConnector},
    },
};

use self::resolver::CheckedResolver;
pub use self::web_address::WebAddress;
use crate::{
    memory::{Memory, Share},
    problem::Problem,
};

/// Fetches at once; each takes a thread.
pub const TURNS: usize = 16;
/// Redirects that are followed.
const REDIRECTS: u32 = 3;
/// Longest time of a fetch, from the lookup of its name to the last byte; also the longest wait for a turn.
const TIME: Duration = Duration::from_secs(20);
/// Longest time of the lookup of a name, and of a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Rule for addresses that may be connected to.
type Rule = fn(SocketAddr) -> bool;

/// Bounds of a fetcher.
struct Bounds {
    most_bytes: usize,
    turns: usize,
    time: Duration,
}

/// Fetches pictures.
pub struct Fetcher {
    agent: Agent,
    /// Agent that speaks HTTPS alone, also after redirects.
    secure: Agent,
    turns: Arc<Semaphore>,
    memory: Memory,
    bounds: Bounds,
}

impl Fetcher {
    /// Fetcher of pictures of `most_bytes` at most, which take from `memory`.
    pub fn new(most_bytes: usize, memory: Memory) -> Self {
        let bounds = Bounds { most_bytes, turns: TURNS, time: TIME };
        Self::with(bounds, memory, public::may_be_connected_to, DefaultResolver::default)
    }

    fn with<R: Resolver>(bounds: Bounds, memory: Memory, rule: Rule, names: impl Fn() -> R) -> Self {
        let agent = |https_only| {
            let config = Agent::config_builder()
                .https_only(https_only)
                // The environment's would be asked for names, and connect to what they lead to.
                .proxy(None)
                .http_status_as_error(false)
                .max_redirects(REDIRECTS)
                .max_idle_connections(0)
                .timeout_global(Some(bounds.time))
                .timeout_resolve(Some(CONNECT))
                .timeout_connect(Some(CONNECT))
                .user_agent(concat!("active-index/", env!("CARGO_PKG_VERSION")))
                .accept("image/*")
                .build();
            let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
            Agent::with_parts(config, connector, CheckedResolver::new(names(), rule))
        };
        let (secure, agent) = (agent(true), agent(false));
        Self { agent, secure, turns: Arc::new(Semaphore::new(bounds.turns)), memory, bounds }
    }

    /// Fetches what is at an address. The bytes keep their share of the memory.
    ///
    /// # Errors
    /// Problems with the statuses 413, 422 and 429. They tell nothing of what is not public.
    pub async fn fetch(&self, url: &WebAddress) -> Result<Bytes, Problem> {
        self.fetch_with(&self.agent, url, self.bounds.most_bytes).await
    }

    /// Fetches what is at an address, of `most_bytes` at most, by HTTPS alone.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn fetch_securely(&self, url: &WebAddress, most_bytes: usize) -> Result<Bytes, Problem> {
        self.fetch_with(&self.secure, url, most_bytes.min(self.bounds.most_bytes)).await
    }

    async fn fetch_with(&self, agent: &Agent, url: &WebAddress, most_bytes: usize) -> Result<Bytes, Problem> {
        let turn = timeout(self.bounds.time, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Problem::busy("too many pictures are being fetched"))?;
        let (agent, memory, time, url) = (agent.clone(), self.memory.clone(), self.bounds.time, url.clone());
        let fetched = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let fetched = download(&agent, &url, most_bytes, &memory, time);
            if let Err(problem) = &fetched {
                tracing::info!(host = url.host(), reason = problem.detail, "a picture was not fetched");
            }
            fetched
        });
        fetched.await.unwrap_or_else(|error| Err(Problem::internal(error)))
    }
}

fn download(
    agent: &Agent,
    url: &WebAddress,
    most_bytes: usize,
    memory: &Memory,
    time: Duration,
) -> Result<Bytes, Problem> {
    let refused = |error| not_fetched(reason(error, time));
    let response = agent.get(url.uri().clone()).call().map_err(refused)?;
    if response.status() != ureq::http::StatusCode::OK {
        return Err(not_fetched(format!(
            "its server answers with the status {}",
            response.status().as_u16()
        )));
    }
    let body = response.into_body();
    let announced = body.content_length().unwrap_or_default();
    if announced > most_bytes as u64 {
        return Err(too_large(most_bytes));
    }
    let (mut bytes, mut share, mut chunk) = (Vec::new(), Share::default(), vec![0; CHUNK]);
    let mut reader = body.into_reader();
    loop {
        let read = reader.read(&mut chunk).map_err(|error| refused(error.into()))?;
        if read == 0 {
            return Ok(share.hold(bytes.into()));
        }
        if bytes.len() + read > most_bytes {
            return Err(too_large(most_bytes));
        }
        share.cover(memory, bytes.len() + read)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn not_fetched(reason: impl std::fmt::Display) -> Problem {
    Problem::unprocessable(format!("the picture cannot be fetched: {reason}"))
}

fn too_large(most_bytes: usize) -> Problem {
    let detail = format!("the picture at the address has more than the {most_bytes} bytes allowed");
    Problem::new(axum::http::StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Reason that is told to callers. Names that are unknown and names of private addresses have the same one, so that nobody
/// learns from it which names a private network has.
fn reason(error: Error, time: Duration) -> String {
    match error {
        Error::HostNotFound => "its server has no public address".to_owned(),
        Error::Timeout(_) => format!("it did not arrive within {} seconds", time.as_secs_f64()),
        Error::TooManyRedirects => format!("it is redirected more than {REDIRECTS} times"),
        Error::BadUri(_) | Error::RequireHttpsOnly(_) => {
            "it is redirected to an address that is not allowed".to_owned()
        }
        // The reader's errors hide others.
        Error::Io(error) => match error.downcast::<Error>() {
            Ok(error) if !matches!(error, Error::Io(_)) => reason(error, time),
            _ => "its server did not answer, or not to the end".to_owned(),
        },
        _ => "its server did not answer as one of the web".to_owned(),
    }
}

#[cfg(test)]
mod tests;
