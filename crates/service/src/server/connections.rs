//! Connections: accepted within a bound, served, and closed at the end.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

use super::{observe::Peer, refresh, routes::router};
use crate::app::App;

/// Pause after the system refuses a connection, mostly because there are too many files.
const PAUSE: Duration = Duration::from_millis(50);
/// Largest size of a head in bytes.
const HEAD: usize = 64 << 10;

/// Serves connections until the service is shutting down, and then those that are open to the end of their request.
pub async fn serve(app: &Arc<App>, listener: TcpListener) {
    let refreshing = tokio::spawn(refresh::follow(app.clone()));
    let accepting = accept_all(app, listener).await;
    match accepting {
        Ok(open) => {
            if timeout(app.settings.shutdown_time, open.shutdown()).await.is_err() {
                tracing::warn!("connections are closed before their answers were taken");
            }
        }
        Err(error) => tracing::error!(%error, "cannot listen"),
    }
    refreshing.abort();
}

async fn accept_all(app: &Arc<App>, listener: TcpListener) -> io::Result<GracefulShutdown> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = router(app);
    let (open, bound) = (GracefulShutdown::new(), Arc::new(Semaphore::new(app.settings.connections.max(1))));
    let mut stopping = app.stopping.subscribe();
    loop {
        let next = async {
            let turn = bound.clone().acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await?, turn))
        };
        let next = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(open),
            next = next => next,
        };
        match next {
            Ok(((stream, address), turn)) => connect(app, &open, &router, stream, Peer(address.ip()), turn),
            Err(error) => {
                tracing::warn!(%error, "a connection is refused");
                sleep(PAUSE).await;
            }
        }
    }
}

fn connect(
    app: &Arc<App>,
    open: &GracefulShutdown,
    router: &Router,
    stream: TcpStream,
    peer: Peer,
    turn: OwnedSemaphorePermit,
) {
    // Answers are written whole.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router.clone());
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(app.settings.head_time).max_buf_size(HEAD);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(app.settings.answer_time));
    let connection = open.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), answer));
    app.metrics.connections.inc();
    let app = app.clone();
    tokio::spawn(async move {
        // Whatever ends it: the caller has gone, or sent no request.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        app.metrics.connections.dec();
        drop(turn);
    });
}
