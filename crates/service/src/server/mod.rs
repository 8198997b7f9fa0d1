//! The service: its address, its threads, and its end.

mod connections;
mod observe;
mod refresh;
mod release_thread;
mod request_id;
mod routes;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use find::Describe;
use tokio::runtime::{self, Runtime};

use crate::{
    app::App,
    error::{Error, Result},
    fetch,
    jobs::Release,
    lookup::{Lane, Worker},
    served::Served,
    settings::Settings,
};

/// Threads that move bytes between sockets and memory.
const HTTP_THREADS: usize = 2;
/// Threads that work on catalogues.
const CATALOGUE_THREADS: usize = 8;

/// Failure of the network's owner.
pub type NetworkError = Box<dyn std::error::Error + Send + Sync>;

/// Service that listens on an address.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use active_index_service::{Served, Service, Settings};
/// use collection::Collection;
/// # use find::{Describe, Described};
/// # struct Network;
/// # impl Describe for Network {
/// #     fn describe_views(&mut self, views: &[image::RgbImage]) -> describe::Result<Described> {
/// #         Ok(views.iter().map(|_| Ok(vec![0.0; 512])).collect())
/// #     }
/// # }
///
/// let shop = Collection::open("shop".as_ref(), &burn::tensor::Device::flex())?;
/// let service = Service::bind(Settings::default(), vec![Served::new("shop", Arc::new(shop))?])?;
/// println!("http://{}/", service.address());
/// service.run(|running| {
///     running.describe(&mut Network);
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Service {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
}

/// Way to end a service from another thread.
#[derive(Clone)]
pub struct Shutdown(Arc<App>);

impl Shutdown {
    /// Ends the service: nothing more is accepted, and what was accepted is answered.
    pub fn begin(&self) {
        self.0.stopping.send_replace(true);
    }
}

/// Service that runs, and takes a network that its caller has loaded.
pub struct Running<'a>(&'a App);

impl Running<'_> {
    /// Describes pictures in this thread until the end of the service.
    pub fn describe(&self, describe: &mut dyn Describe) {
        self.0.network.serve(describe);
    }

    /// Describes pictures in this thread, and releases them in another one, until the end of the service. A release that was
    /// begun is finished then; others wait for the next start.
    ///
    /// # Errors
    /// If the system refuses the thread.
    pub fn describe_and_release(
        &self,
        describe: &mut dyn Describe,
        release: &mut (dyn Release + Send),
    ) -> Result<()> {
        thread::scope(|scope| {
            let releases = thread::Builder::new().name("release".to_owned());
            releases.spawn_scoped(scope, || release_thread::release_all(self.0, release))?;
            self.describe(describe);
            Ok(())
        })
    }
}

impl Service {
    /// Listens on the address of the settings. Callers connect from then on, and are answered once the service runs.
    ///
    /// # Errors
    /// [`Error::Unprotected`], [`Error::Listen`]; collections that cannot be served together.
    pub fn bind(settings: Settings, served: Vec<Served>) -> Result<Self> {
        let address = settings.listen;
        settings.access.check_address(address)?;
        let listen = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let app = Arc::new(App::new(settings, served)?);
        app.collections.iter().try_for_each(|served| served.open_jobs())?;
        Ok(Self { app, listener, address })
    }

    /// Address that is listened on, with the port that the system chose if none was named.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Way to end the service.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown(self.app.clone())
    }

    /// Answers requests until [`Shutdown::begin`], and returns when all that was accepted is done.
    ///
    /// `network` runs in the thread of the network: it loads one, and lends it to the running service until its end.
    /// Descriptors are looked up meanwhile.
    ///
    /// # Errors
    /// [`Error::Network`] if `network` fails, which ends the service; [`Error::Thread`].
    pub fn run<N>(self, network: N) -> Result<()>
    where
        N: FnOnce(&Running<'_>) -> Result<(), NetworkError> + Send,
    {
        let Self { app, listener, .. } = self;
        let runtime = http_runtime()?;
        let ended = thread::scope(|scope| {
            // Ends the threads whichever way this one ends.
            let _ends = Ends(&app);
            let own = &app;
            let described =
                thread::Builder::new().name("network".to_owned()).spawn_scoped(scope, move || {
                    let ended = network(&Running(own));
                    own.stopping.send_replace(true);
                    own.network.end();
                    ended
                })?;
            let workers: Vec<_> = (0..app.settings.workers.max(1))
                .map(|number| {
                    let work = move || work(own, number);
                    thread::Builder::new().name(format!("lookup {number}")).spawn_scoped(scope, work)
                })
                .collect::<std::io::Result<_>>()?;
            runtime.block_on(connections::serve(&app, listener));
            app.lookups.close();
            workers.into_iter().for_each(|worker| drop(worker.join()));
            app.arrivals.close();
            app.network.end();
            described
                .join()
                .unwrap_or_else(|_| Err("the network's thread panicked".into()))
                .map_err(Error::Network)
        });
        // Waits for uploads that are being written.
        drop(runtime);
        app.collections.iter().filter_map(|served| served.jobs()).for_each(|jobs| jobs.close());
        ended
    }
}

/// Ends workers and network when it is dropped.
struct Ends<'a>(&'a App);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.stopping.send_replace(true);
        self.0.lookups.close();
        self.0.arrivals.close();
        self.0.network.end();
    }
}

fn http_runtime() -> Result<Runtime> {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(HTTP_THREADS).thread_name("http");
    // Fetches wait for others, and take no thread from the catalogues.
    builder.max_blocking_threads(CATALOGUE_THREADS + fetch::TURNS);
    Ok(builder.enable_all().build()?)
}

/// Works on lookups; of several workers, the first takes descriptors alone.
fn work(app: &App, number: usize) {
    let lane = if number == 0 && app.settings.workers > 1 { Lane::Descriptors } else { Lane::Any };
    let App { lookups: queue, network, metrics, settings, .. } = app;
    Worker { queue, network, reader: settings.reader, metrics }.run(lane);
}
