//! A collection of photographs, and the service that answers for it.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use image::DynamicImage;
use serde_json::Value;
use tempfile::TempDir;
use ureq::{Agent, http::Request};

/// Photographs of the collection, the entries 1, 2 and so on.
pub const ENTRIES: [&str; 6] = [
    "02_coffee.jpg",
    "06_dandelions.jpg",
    "07_picos_de_europa.jpg",
    "14_moose.jpg",
    "17_igloo.jpg",
    "19_dahlia.jpg",
];
/// Photograph that is in no collection.
pub const STRANGER: &str = "00_astronaut.jpg";
/// Line between parts of a form.
const BOUNDARY: &str = "a4c07b6d5e";
/// Largest answer of the service.
const MAX_ANSWER: u64 = 32 << 20;

/// Folder with the collection `shop` and the pictures of a test, and a running service.
pub struct Shop {
    folder: TempDir,
    service: Child,
    /// Address of the service, without a slash at the end.
    pub address: String,
    agent: Agent,
    token: Option<String>,
}

/// Status and body of an answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Shop {
    /// Serves a collection of [`ENTRIES`] with further options; callers need the token if there is one.
    pub fn open(options: &str, token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(filled(), &folder.path().join("shop"));
        Self::serve(folder, options, token)
    }

    /// Serves a collection without entries.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "collection create shop");
        Self::serve(folder, "", None)
    }

    fn serve(folder: TempDir, options: &str, token: Option<&str>) -> Self {
        let mut line = format!("serve --collection shop --listen 127.0.0.1:0 {options}");
        if let Some(token) = token {
            fs::write(folder.path().join("tokens"), token).unwrap();
            line.push_str(" --token-file tokens");
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = program(folder.path(), &line);
        let mut service = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(service.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        let log = || fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(address.starts_with("http://127.0.0.1:"), "{address:?} {}", log());
        let agent = Agent::config_builder().proxy(None).max_redirects(0).http_status_as_error(false);
        let shop = Self {
            service,
            address: address.trim().trim_end_matches('/').to_owned(),
            agent: agent.build().into(),
            token: token.map(str::to_owned),
            folder,
        };
        shop.wait_until_ready();
        shop
    }

    fn wait_until_ready(&self) {
        let started = Instant::now();
        while self.get("/readyz").status != 200 {
            assert!(started.elapsed() < Duration::from_secs(120), "the service never gets ready");
            sleep(Duration::from_millis(50));
        }
    }

    /// Address of a path of the service.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", &[])
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, "", &[])
    }

    pub fn patch(&self, path: &str, change: &Value) -> Answer {
        self.send("PATCH", path, "application/json", change.to_string().as_bytes())
    }

    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send("POST", path, content_type, body)
    }

    fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(self.at(path));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let agent = &self.agent;
        Answer::of(match body {
            [] => agent.run(request.body(()).unwrap()),
            body => agent.run(request.body(body).unwrap()),
        })
    }

    /// Answer to a caller who sends no token.
    pub fn without_token(&self, path: &str) -> Answer {
        Answer::of(self.agent.get(self.at(path)).call())
    }

    /// Document of a route that answers with 200.
    pub fn json(&self, path: &str) -> Value {
        self.get(path).json(200)
    }

    /// Answer of the API on one picture: the element of `queries`.
    pub fn found(&self, picture: &Path) -> Value {
        let answer = self.post("/v1/find", "image/jpeg", &fs::read(picture).unwrap()).json(200);
        answer["queries"][0].clone()
    }

    /// Answer of the API on pictures with parameters of an address.
    pub fn find_with(&self, parameters: &str, pictures: &[&Path]) -> Value {
        let mut body = Vec::new();
        for picture in pictures {
            let name = picture.file_name().unwrap().to_str().unwrap();
            let head = format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
            );
            body.extend([head.into_bytes(), fs::read(picture).unwrap(), b"\r\n".to_vec()].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        self.post(&format!("/v1/find?{parameters}"), &content_type, &body).json(200)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Saves a changed copy of a sample, and returns its path.
    pub fn put(
        &self,
        name: &str,
        sample: &str,
        change: impl FnOnce(DynamicImage) -> DynamicImage,
    ) -> PathBuf {
        let path = self.path(name);
        change(image::open(samples().join(sample)).unwrap()).into_rgb8().save(&path).unwrap();
        path
    }

    /// Saves the middle of a sample, with two thirds of its width and height, a little brighter.
    pub fn put_crop(&self, name: &str, sample: &str) -> PathBuf {
        self.put(name, sample, |photo| {
            let (width, height) = (photo.width(), photo.height());
            photo.crop_imm(width / 6, height / 6, width * 2 / 3, height * 2 / 3).brighten(10)
        })
    }

    /// Document that a verb prints, run in the folder while the service runs.
    pub fn verb(&self, line: &str) -> Value {
        run(self.folder.path(), line)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            let lines = log.lines().filter(|line| !line.contains("/readyz"));
            println!("log of the service:\n{}", lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

impl Answer {
    fn of(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut answer = answer.unwrap();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().unwrap();
        Self { status: answer.status().as_u16(), body }
    }

    /// The body as a document, of an answer that must have this status.
    pub fn json(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Collection with [`ENTRIES`], made once; a copy of its folder is the same collection.
fn filled() -> &'static Path {
    static FILLED: OnceLock<PathBuf> = OnceLock::new();
    FILLED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("photos")).unwrap();
        for name in ENTRIES {
            fs::copy(samples().join(name), folder.join("photos").join(name)).unwrap();
        }
        // Witnesses that are pictures, so that there is something to look at.
        run(&folder, "collection create shop --witness thumbnails");
        run(&folder, "collection add photos --collection shop --meta licence=CC0");
        folder.join("shop")
    })
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

pub fn samples() -> PathBuf {
    root().join("samples")
}

/// The project's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Document that a verb prints.
fn run(folder: &Path, line: &str) -> Value {
    let output = program(folder, &format!("{line} --json")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn program(folder: &Path, line: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_active-index"));
    program.current_dir(folder).args(["--device", "cpu"]).args(line.split_whitespace());
    program
}
