//! The server: a thread with connections.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
};

use hyper::{
    Method, Request, StatusCode,
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::oneshot, task::spawn_blocking};

use crate::{
    answer::{Answer, Refusal, empty},
    buckets::Buckets,
    call::Call,
    counts::{Counter, Counts, Kind},
    faults::{Fault, Faults, Injector},
    listing::list,
    objects,
    uploads::Uploads,
};

/// Name that is no bucket's, under which the server is asked about itself.
const OWN: &str = "-";

/// S3 server on a port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    buckets: Buckets,
    uploads: Uploads,
    counter: Counter,
    injector: Injector,
}

impl Server {
    /// Serves the folders in a folder as buckets, on a free port.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub fn start(folder: &Path) -> io::Result<Self> {
        Self::start_at(folder, 0)
    }

    /// Serves the folders in a folder as buckets, on a port of the caller's; 0 takes a free one.
    ///
    /// # Errors
    /// If the folder cannot be read or written; a port that is in use.
    pub fn start_at(folder: &Path, port: u16) -> io::Result<Self> {
        let state = Arc::new(State {
            buckets: Buckets::open(folder)?,
            uploads: Uploads::default(),
            counter: Counter::default(),
            injector: Injector::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let own = state.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => (),
                    () = accept(listener, own) => (),
                }
            });
        });
        Ok(Self { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Address of the server: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Environment variables by which clients of S3 find the server.
    pub fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "any".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "any".to_owned()),
        ]
    }

    /// Creates a bucket unless it is there.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create_bucket(&self, name: &str) -> io::Result<()> {
        self.state.buckets.create(name)
    }

    /// Sets the faults that requests meet from then on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.injector.set(faults);
    }

    /// Requests and bytes since the start, or since they were reset.
    pub fn counts(&self) -> Counts {
        self.state.counter.counts()
    }

    /// Sets all counts to zero.
    pub fn reset_counts(&self) {
        self.state.counter.reset();
    }

    /// Waits for ever, as a program does that only serves.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, with a panic.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
    loop {
        // A connection that ends before it is accepted is none of the server's.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connect(stream, state.clone()));
        }
    }
}

async fn connect(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(&state, request).await) }
    });
    // Clients go when they like, and some are killed.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Answers a request, with the faults that are set.
async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Answer {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(refusal) => return refusal.answer(),
    };
    if call.bucket == OWN {
        return own(state, &call);
    }
    let (kind, received, fault) = (Kind::of(&call), call.body.len(), state.injector.next());
    tokio::time::sleep(state.injector.faults().delay).await;
    let answer =
        if fault == Some(Fault::Refused) { Refusal::slow_down().answer() } else { done(state, call).await };
    let sent = answer.body().size_hint().exact().unwrap_or_default() as usize;
    state.counter.add(kind, !answer.status().is_success(), received, sent);
    if fault == Some(Fault::Lost) { Refusal::lost().answer() } else { answer }
}

/// Answers questions about the server itself.
fn own(state: &State, call: &Call) -> Answer {
    match (&call.method, &*call.key) {
        (&Method::GET, "counts") => Answer::new(state.counter.counts().json().to_string().into()),
        (&Method::DELETE, "counts") => {
            state.counter.reset();
            empty(StatusCode::NO_CONTENT)
        }
        _ => Refusal::no_key().answer(),
    }
}

/// Does what a request asks for, on a thread that may wait for files.
async fn done(state: &Arc<State>, call: Call) -> Answer {
    let own = state.clone();
    let done = spawn_blocking(move || serve(&own, &call)).await;
    match done {
        Ok(Ok(answer)) => answer,
        Ok(Err(refusal)) => refusal.answer(),
        Err(error) => Refusal::from(io::Error::other(error)).answer(),
    }
}

fn serve(state: &State, call: &Call) -> Result<Answer, Refusal> {
    let State { buckets, uploads, .. } = state;
    let has = |name: &str| call.query(name).is_some();
    match (&call.method, call.key.is_empty()) {
        (&Method::GET, true) => list(buckets, call),
        (&Method::HEAD, true) => buckets.with_bucket(&call.bucket, |_| empty(StatusCode::OK)),
        (&Method::PUT, true) => {
            buckets.create(&call.bucket)?;
            Ok(empty(StatusCode::OK))
        }
        (&Method::POST, true) if has("delete") => objects::delete_many(buckets, call),
        (&Method::GET | &Method::HEAD, false) => objects::get(buckets, call),
        (&Method::PUT, false) if has("uploadId") => uploads.put_part(buckets, call),
        (&Method::PUT, false) => objects::put(buckets, call),
        (&Method::POST, false) if has("uploads") => uploads.begin(buckets, call),
        (&Method::POST, false) if has("uploadId") => uploads.complete(buckets, call),
        (&Method::DELETE, false) if has("uploadId") => uploads.abort(call),
        (&Method::DELETE, false) => objects::delete(buckets, call),
        _ => Err(Refusal::method()),
    }
}
