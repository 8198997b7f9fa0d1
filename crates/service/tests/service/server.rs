//! Services of small collections, with a stand-in for the network.

use std::{
    io::Cursor,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use active_index_service::{Result, Served, Service, Settings, Shutdown};
use burn::tensor::{Device, Tensor, TensorData};
use collection::{Collection, NewEntry};
use find::{Describe, Described};
use image::{ImageFormat, Rgb, RgbImage};
use index::{Index, TrainConfig};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::client::{Answer, Request};

/// Dimension of the descriptors.
pub const D: usize = 64;
/// Entries of the collection `shop`, with the ids 0, 1, ... and the names `0.jpg`, ...
pub const ENTRIES: usize = 200;

/// Door that holds the network while it is closed.
#[derive(Default)]
pub struct Door {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Door {
    pub fn set_closed(&self, is_closed: bool) {
        *self.is_closed.lock().expect("no panic") = is_closed;
        self.changed.notify_all();
    }

    pub fn pass(&self) {
        let closed = self.is_closed.lock().expect("no panic");
        drop(self.changed.wait_while(closed, |is_closed| *is_closed).expect("no panic"));
    }
}

/// Stand-in for a network: a view whose first pixel is `[n, 0, 0]` has the descriptor of entry `n`, any other that of no entry.
struct Network {
    rows: Vec<Vec<f32>>,
    door: Arc<Door>,
    calls: Arc<Mutex<Vec<usize>>>,
}

impl Describe for Network {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        self.calls.lock().expect("no panic").push(views.len());
        self.door.pass();
        Ok(views.iter().map(|view| Ok(self.row(view))).collect())
    }
}

impl Network {
    fn row(&self, view: &RgbImage) -> Vec<f32> {
        match view.get_pixel(0, 0).0 {
            [n, 0, 0] if usize::from(n) < ENTRIES => self.rows[usize::from(n)].clone(),
            _ => directions(1, 99).remove(0),
        }
    }
}

/// Service that runs in this process.
pub struct Server {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    /// The collection `shop`, as the service has it.
    pub shop: Arc<Collection>,
    /// Descriptors of its entries.
    pub rows: Vec<Vec<f32>>,
    pub door: Arc<Door>,
    /// Views of each batch of the network.
    pub calls: Arc<Mutex<Vec<usize>>>,
    folder: tempfile::TempDir,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Server {
    /// Starts a service of the collection `shop`.
    pub fn start() -> Self {
        Self::with(|_| ())
    }

    /// Starts one with other settings.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let server = Self::loading(change);
        server.wait_until_ready();
        server
    }

    /// Starts one whose network may still be loading.
    pub fn loading(change: impl FnOnce(&mut Settings)) -> Self {
        Self::holding(Arc::default(), change)
    }

    /// Starts one whose network loads once the door is open.
    pub fn holding(door: Arc<Door>, change: impl FnOnce(&mut Settings)) -> Self {
        let (folder, rows) = (tempfile::tempdir().expect("folder"), directions(ENTRIES, 2));
        let shop = Arc::new(create(&folder.path().join("shop"), &rows));
        let press = Arc::new(create(&folder.path().join("press"), &rows[..20]));
        Self::serving(folder, rows, &[("shop", shop), ("press", press)], door, change)
    }

    /// Starts one of other collections, in a folder that it removes at its end; the first of them is `shop`.
    pub fn serving(
        folder: tempfile::TempDir,
        rows: Vec<Vec<f32>>,
        collections: &[(&str, Arc<Collection>)],
        door: Arc<Door>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings { listen: ([127, 0, 0, 1], 0).into(), workers: 4, ..Settings::default() };
        change(&mut settings);
        let served = |(name, collection): &(&str, Arc<Collection>)| {
            Served::new(*name, collection.clone()).expect("serves")
        };
        let service = Service::bind(settings, collections.iter().map(served).collect()).expect("binds");
        let shop = collections[0].1.clone();
        let (address, shutdown, calls) = (service.address(), service.shutdown(), Arc::default());
        let mut network = Network { rows: rows.clone(), door: door.clone(), calls: Arc::clone(&calls) };
        let thread = thread::spawn(move || {
            service.run(|running| {
                network.door.pass();
                running.describe(&mut network);
                Ok(())
            })
        });
        Self { address, shutdown, shop, rows, door, calls, folder, thread: Some(thread) }
    }

    pub fn wait_until_ready(&self) {
        let started = Instant::now();
        while self.send(&Request::get("/readyz")).status != 200 {
            assert!(started.elapsed() < Duration::from_secs(20), "it never gets ready");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Folder of the collection `shop`.
    pub fn shop_folder(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// Sends a request, and checks that the document describes the answer.
    pub fn send(&self, request: &Request) -> Answer {
        let answer = request.send(self.address);
        crate::document::check(request, &answer);
        answer
    }

    /// Ends the service, and returns how it ended.
    pub fn end(&mut self) -> Option<Result<()>> {
        self.shutdown.begin();
        self.door.set_closed(false);
        self.thread.take().map(|thread| thread.join().expect("the service does not panic"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.end();
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the service ends well");
    }
}

/// `n` unit vectors of random directions, of a seed.
pub fn directions(n: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut row = || {
        let row: Vec<f32> = (0..D).map(|_| (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0).collect();
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter().map(|value| value / length).collect()
    };
    (0..n).map(|_| row()).collect()
}

pub fn tensor(rows: &[Vec<f32>]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), D]), &Device::flex())
}

/// Quantiser of the collections.
pub fn quantiser() -> Index {
    let kind = "IVF16,PQ4x4".parse().expect("a kind");
    Index::train(&kind, tensor(&directions(600, 1)), &TrainConfig::default()).expect("trains")
}

pub fn create(folder: &Path, rows: &[Vec<f32>]) -> Collection {
    let quantiser = quantiser();
    let collection = Collection::create(folder, &quantiser).expect("creates");
    let ids: Vec<i64> = (0..rows.len() as i64).collect();
    let entries: Vec<NewEntry> = ids.iter().map(|id| entry(&format!("{id}.jpg"), *id)).collect();
    collection.store_under(&ids, &entries, tensor(rows)).expect("stores");
    collection
}

/// Entry with a field `parity`.
pub fn entry(name: &str, number: i64) -> NewEntry {
    let mut entry = NewEntry::added(name, None);
    let parity = if number % 2 == 0 { "even" } else { "odd" };
    entry.meta.insert("parity".to_owned(), parity.into());
    entry
}

/// PNG file whose descriptor is that of entry `n`.
pub fn png(n: u8) -> Vec<u8> {
    file(n, ImageFormat::Png)
}

fn file(n: u8, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(48, 40, |x, y| match (x, y) {
        (0, 0) => Rgb([n, 0, 0]),
        _ => Rgb([(5 * x) as u8, (6 * y) as u8, 90]),
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

/// `.npy` file of rows.
pub fn npy(rows: &[Vec<f32>]) -> Vec<u8> {
    let d = rows.first().map_or(D, Vec::len);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {d}), }}\n", rows.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(rows.iter().flatten().flat_map(|value| value.to_le_bytes()));
    bytes
}
