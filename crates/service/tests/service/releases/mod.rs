//! Releases through the API, made by a stand-in that remembers pictures as they are.

mod accepting;
mod ends;
mod hostile;
mod page;
mod restarts;

use std::{
    fs,
    io::Cursor,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use active_index_service::{Release, Result, Served, Service, Settings, Shutdown};
use collection::Collection;
use find::{Describe, Described};
use image::{ImageFormat, Rgb, RgbImage};
use release::{
    Destination, Events, Examined, Figures, ReleasedFile, ReleasedImage, Remembered, Remembering, Status,
    Taken,
};
use serde_json::Value;

use crate::{
    client::{Answer, Request},
    server::{Door, create, directions},
};

/// Network that describes nothing: these tests look nothing up.
struct NoNetwork;

impl Describe for NoNetwork {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        Ok(views.iter().map(|_| Ok(directions(1, 3).remove(0))).collect())
    }
}

/// Stand-in for a releaser. Pictures are remembered as they are, and those with certain names fail.
struct StandIn {
    door: Arc<Door>,
    /// Names of pictures in the order in which they were begun.
    begun: Arc<Mutex<Vec<String>>>,
    together: usize,
}

impl Release for StandIn {
    fn together(&self) -> usize {
        self.together
    }

    fn extension(&self) -> &'static str {
        "png"
    }

    fn release(
        &mut self,
        collection: &Collection,
        jobs: &[release::Job],
        events: &dyn Events,
    ) -> Result<Vec<ReleasedImage>, Box<dyn std::error::Error + Send + Sync>> {
        events.begin(10 * jobs.len());
        let destination = Remembering::new(collection)?;
        let mut rows = Vec::new();
        for job in jobs {
            let name = job.name.to_string_lossy().into_owned();
            self.begun.lock().expect("no panic").push(name.clone());
            events.advance(5);
            self.door.pass();
            match name.as_str() {
                "panic.png" => panic!("as the test wants it"),
                "error.png" => return Err(format!("{}: the device is gone", job.input.display()).into()),
                _ => {}
            }
            let times = self.begun.lock().expect("no panic").iter().filter(|own| **own == name).count();
            let fails = name == "fail.png" || name == "once.png" && times == 1;
            let row = released(&destination, job, fails)?;
            events.advance(5);
            events.finished(&row);
            rows.push(row);
            if events.is_cancelled() {
                break;
            }
        }
        Ok(rows)
    }
}

fn row(job: &release::Job) -> ReleasedImage {
    ReleasedImage {
        input: job.input.display().to_string(),
        output: None,
        error: None,
        notes: Vec::new(),
        skipped: false,
        remembered: None,
        figures: None,
    }
}

fn released(
    destination: &Remembering<'_>,
    job: &release::Job,
    fails: bool,
) -> release::Result<ReleasedImage> {
    if fails {
        let error = Some(format!("cannot write {}: no space", job.output.display()));
        return Ok(ReleasedImage { error, ..row(job) });
    }
    let bytes = fs::read(&job.input).expect("the upload is there");
    let known = |id| Some(Remembered { id, status: Status::Already });
    let digest = match destination.examine(&bytes)? {
        Examined::Known(entry) => return Ok(ReleasedImage { remembered: known(entry.id), ..row(job) }),
        Examined::New(digest) => digest,
    };
    let picture = image::load_from_memory(&bytes).expect("a picture").into_rgb8();
    let descriptor = directions(1, u64::from(picture.get_pixel(0, 0).0[0])).remove(0);
    let (width, height) = picture.dimensions();
    let file = ReleasedFile { job, digest, bytes: png_of(&picture), descriptor, witness: None };
    match destination.take(vec![file]).remove(0)? {
        Taken::Known(entry) => Ok(ReleasedImage { remembered: known(entry.id), ..row(job) }),
        Taken::Written(id) => {
            let remembered = id.map(|id| Remembered { id, status: Status::Released });
            Ok(ReleasedImage { remembered, figures: Some(figures(width, height)), ..row(job) })
        }
    }
}

fn figures(width: u32, height: u32) -> Figures {
    Figures {
        width,
        height,
        iterations: 10,
        stopped: "iterations",
        seconds: 0.5,
        cell: Some(3),
        kept: Some(0.95),
        cosine_before: 0.5,
        cosine_after: 0.75,
        distance_before: 1.0,
        distance_after: 0.5,
        psnr: 43.5,
        ssim: 0.99,
        linf: 4,
    }
}

fn png_of(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

/// PNG file of a number: another one for each.
fn picture(n: u8) -> Vec<u8> {
    png_of(&RgbImage::from_fn(24, 20, |x, y| Rgb([n, (9 * x) as u8, (11 * y) as u8])))
}

/// Form of pictures with names, and of fields.
fn form(edge: &str, pictures: &[(&str, &[u8])], fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{edge}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    for (name, bytes) in pictures {
        let head =
            format!("--{edge}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(head.as_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{edge}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={edge}"), body)
}

fn post(query: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Request {
    let mark = if query.is_empty() { "" } else { "?" };
    Request::new("POST", format!("/v1/release{mark}{query}")).body(media_type, body)
}

/// Service that releases into the collection `shop`.
struct Desk {
    folder: Arc<tempfile::TempDir>,
    address: SocketAddr,
    shutdown: Shutdown,
    shop: Arc<Collection>,
    door: Arc<Door>,
    begun: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Desk {
    fn start() -> Self {
        Self::with(1, |_| ())
    }

    fn with(together: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        create(&folder.path().join("shop"), &directions(20, 2));
        Self::of(Arc::new(folder), together, change)
    }

    /// Starts a service of a folder, which another one may have used.
    fn of(folder: Arc<tempfile::TempDir>, together: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let path = folder.path().join("shop");
        let shop = Arc::new(Collection::open(&path, &burn::tensor::Device::flex()).expect("opens"));
        let mut settings = Settings { listen: ([127, 0, 0, 1], 0).into(), workers: 1, ..Settings::default() };
        change(&mut settings);
        let served = Served::new("shop", shop.clone()).expect("serves");
        let served = served.releasing_into(&path.join("released")).expect("a folder");
        let service = Service::bind(settings, vec![served]).expect("binds");
        let (address, shutdown) = (service.address(), service.shutdown());
        let (door, begun) = (Arc::<Door>::default(), Arc::<Mutex<Vec<String>>>::default());
        let mut stand_in = StandIn { door: door.clone(), begun: begun.clone(), together };
        let thread = thread::spawn(move || {
            service.run(|running| Ok(running.describe_and_release(&mut NoNetwork, &mut stand_in)?))
        });
        Self { folder, address, shutdown, shop, door, begun, thread: Some(thread) }
    }

    /// Folder of the releases.
    fn released(&self) -> PathBuf {
        self.folder.path().join("shop/released")
    }

    fn send(&self, request: &Request) -> Answer {
        let answer = request.send(self.address);
        crate::document::check(request, &answer);
        answer
    }

    /// Sends pictures that are accepted, and returns the ids of their releases.
    fn accepts(&self, request: &Request) -> Vec<String> {
        let answer = self.send(request);
        assert_eq!(answer.status, 202, "{}", answer.text());
        ids(&answer.json())
    }

    /// Releases picture `n` under a name, and returns the id.
    fn accept(&self, n: u8, name: &str) -> String {
        self.accepts(&post(&format!("name={name}"), "image/png", picture(n))).remove(0)
    }

    fn get(&self, id: &str) -> Value {
        let answer = self.send(&Request::get(format!("/v1/releases/{id}")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["release"].clone()
    }

    fn state(&self, id: &str) -> String {
        self.get(id)["state"].as_str().expect("a state").to_owned()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_secs(20), "never {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the end of a release, and returns it.
    fn ended(&self, id: &str) -> Value {
        let is_over = || !["queued", "running"].contains(&self.state(id).as_str());
        self.wait_until(&format!("{id} ends"), is_over);
        self.get(id)
    }

    fn list(&self, query: &str) -> Value {
        let answer = self.send(&Request::get(format!("/v1/releases?{query}")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    fn file(&self, id: &str) -> Answer {
        self.send(&Request::get(format!("/v1/releases/{id}/file")))
    }

    fn retry(&self, id: &str) -> Answer {
        self.send(&Request::new("POST", format!("/v1/releases/{id}/retry")))
    }

    fn delete(&self, id: &str) -> u16 {
        self.send(&Request::new("DELETE", format!("/v1/releases/{id}"))).status
    }

    /// Copies the folder as it is now, as a death of the service would leave it.
    fn copy(&self) -> Arc<tempfile::TempDir> {
        let copy = tempfile::tempdir().expect("folder");
        copy_folder(self.folder.path(), copy.path());
        Arc::new(copy)
    }

    fn end(&mut self) {
        self.shutdown.begin();
        self.door.set_closed(false);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().expect("the service does not panic");
            assert!(thread::panicking() || ended.is_ok(), "{ended:?}");
        }
    }

    fn findings(&self) -> Vec<collection::Finding> {
        self.shop.check(&mut |_| ()).expect("checks")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.end();
    }
}

fn ids(list: &Value) -> Vec<String> {
    let releases = list["releases"].as_array().expect("a list").iter();
    releases.map(|release| release["id"].as_str().expect("an id").to_owned()).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    for file in fs::read_dir(from).expect("lists") {
        let file = file.expect("a file");
        let copy = to.join(file.file_name());
        if file.file_type().expect("a type").is_dir() {
            fs::create_dir(&copy).expect("creates");
            copy_folder(&file.path(), &copy);
        } else {
            fs::copy(file.path(), copy).expect("copies");
        }
    }
}
