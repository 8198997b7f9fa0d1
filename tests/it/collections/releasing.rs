//! Releases over HTTP, started as a user starts the service: with the network, and killed at any moment.

use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    thread::sleep,
    time::{Duration, Instant},
};

use collection::State;
use image::{ImageFormat, RgbImage};
use serde_json::Value;

use super::{Folder, serving::Running};

/// Arguments of the service: one step, so that pictures are released fast.
const SERVE: &str = "serve --collection shop --listen 127.0.0.1:0 --iterations 1";

/// Uploads between a start and its kill.
const UPLOADS: u32 = 4;

/// PNG file of a photograph with a number in one pixel: another one for each.
fn picture(folder: &Folder, n: u32) -> Vec<u8> {
    let mut photo: RgbImage = image::open(folder.path(&format!("photos/{}.png", n % 4))).unwrap().into_rgb8();
    let [_, a, b, c] = n.to_be_bytes();
    photo.put_pixel(0, 0, image::Rgb([a, b, c]));
    let mut bytes = Cursor::new(Vec::new());
    photo.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

impl Running {
    fn release(&self, id: &str) -> Value {
        let (status, body) = self.send(&format!("GET /v1/releases/{id}"), b"");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        json(&body)["release"].clone()
    }

    /// Waits for the end of a release, and returns it.
    fn ended(&self, id: &str) -> Value {
        let started = Instant::now();
        loop {
            let release = self.release(id);
            if release["progress"] == 1.0 {
                return release;
            }
            assert!(started.elapsed() < Duration::from_secs(300), "{release} never ends");
            sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_picture_is_released_over_http_as_by_the_command() {
    let folder = Folder::with_photos(2);
    let photo = fs::read(folder.path("photos/0.png")).unwrap();
    let line = format!("{SERVE} --min-psnr 45 --out out");
    let mut service = Running::start(&folder, &line);
    let (status, body) = service.send("POST /v1/release?name=first.png&meta=licence=CC0", &photo);
    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
    let id = json(&body)["releases"][0]["id"].as_str().unwrap().to_owned();
    let release = service.ended(&id);
    assert_eq!((&release["state"], &release["name"]), (&"done".into(), &"first.png".into()), "{release}");
    let quality = &release["quality"];
    assert!(quality["psnr"].as_f64().unwrap() >= 45.0 && quality["iterations"] == 1, "{quality}");
    let (status, file) = service.send(&format!("GET /v1/releases/{id}/file"), b"");
    assert_eq!(status, 200);
    service.wait_until_ready();
    let (_, found) = service.send("POST /v1/find", &file);
    let found = json(&found);
    let best = &found["queries"][0]["matches"][0];
    assert_eq!((&best["id"], &best["meta"]["licence"]), (&release["entry"], &"CC0".into()), "{found}");
    assert!(best["cosine"].as_f64().unwrap() > 0.999, "{best}");
    let (code, stderr) = service.end("-TERM");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(folder.path("out/shop").join(&id[..14]).is_dir());
    assert_eq!(folder.findings(), []);

    // The command and the service know each other's pictures, and make the same file.
    let images =
        folder.done("release photos --collection shop --out by_command --iterations 1 --min-psnr 45");
    assert_eq!(
        (&images["images"][0]["status"], &images["images"][1]["status"]),
        (&"already".into(), &"released".into())
    );
    folder.done("collection create other --quantiser quantiser.faiss");
    folder.done("release photos/0.png --collection other --out by_command --iterations 1 --min-psnr 45");
    assert_eq!(fs::read(folder.path("by_command/0.png")).unwrap(), file);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let folder = Folder::with_photos(1);
    fs::write(folder.path("out"), "a file").unwrap();
    folder.refused(&format!("{SERVE} --out out"), "out/shop: ");
}

/// Uploads pictures until the service is killed, and keeps those that were acknowledged by their ids. One that was sent without
/// an answer is `lost`, and sent again with its key, as a caller does.
fn upload_and_kill(
    folder: &Folder,
    next: &mut u32,
    lost: &mut Option<u32>,
    acknowledged: &mut BTreeMap<String, u32>,
    delay: Duration,
) {
    let mut service = Running::start(folder, SERVE);
    let started = Instant::now();
    let host = service.child.id().to_string();
    let killer = std::thread::spawn(move || {
        sleep(delay);
        std::process::Command::new("kill").args(["-KILL", &host]).status().unwrap();
    });
    // The last upload begins shortly before the kill, or at it.
    let ahead = Duration::from_millis(u64::from(*next) % 12);
    for part in 1..=UPLOADS {
        sleep((delay * part / UPLOADS).saturating_sub(ahead).saturating_sub(started.elapsed()));
        let n = lost.take().unwrap_or_else(|| {
            *next += 1;
            *next
        });
        let head =
            format!("POST /v1/release?name={n}.png HTTP/1.1\r\nidempotency-key: picture-{n}\r\nx-rest: ");
        match service.try_send(&head, &picture(folder, n)) {
            Some((202, body)) => {
                acknowledged.insert(json(&body)["releases"][0]["id"].as_str().unwrap().to_owned(), n);
            }
            Some((status, body)) => panic!("{status} {}", String::from_utf8_lossy(&body)),
            None => *lost = Some(n),
        }
    }
    killer.join().unwrap();
    service.child.wait().unwrap();
}

fn kill_rounds(rounds: u64) {
    let folder = Folder::with_photos(4);
    let (mut next, mut lost, mut acknowledged) = (0, None, BTreeMap::new());
    for round in 0..rounds {
        // 97 is coprime to 700: all delays are met in time.
        let delay = Duration::from_millis(20 + 97 * round % 700);
        upload_and_kill(&folder, &mut next, &mut lost, &mut acknowledged, delay);
        assert_eq!(folder.findings(), [], "round {round}");
    }
    let mut service = Running::start(&folder, SERVE);
    let (mut done, mut entries) = (0, BTreeMap::new());
    for (id, n) in &acknowledged {
        let release = service.ended(id);
        assert_eq!(
            (&release["state"], release["name"].as_str()),
            (&"done".into(), Some(&*format!("{n}.png"))),
            "{release}"
        );
        assert!(
            entries.insert(release["entry"].as_i64().unwrap(), id).is_none(),
            "an entry of two releases: {release}"
        );
        let (status, file) = service.send(&format!("GET /v1/releases/{id}/file"), b"");
        assert!(status == 200 && image::load_from_memory(&file).is_ok(), "{id}: {status}");
        done += 1;
    }
    // Those that were written but not acknowledged are released, too, and nothing else.
    let (_, list) = service.send("GET /v1/releases?limit=1000", b"");
    let all = json(&list)["releases"].as_array().unwrap().clone();
    all.iter().for_each(|release| drop(service.ended(release["id"].as_str().unwrap())));
    let (code, stderr) = service.end("-TERM");
    assert_eq!(code, Some(0), "{stderr}");
    let info = folder.collection().info().unwrap();
    assert_eq!((info.live, info.pending), (all.len() as u64, 0));
    for id in entries.keys() {
        assert_eq!(folder.collection().entry(*id).unwrap().map(|entry| entry.state), Some(State::Live));
    }
    assert_eq!(folder.findings(), []);
    println!(
        "{rounds} kills, {done} of {} acknowledged releases are done, {} in all",
        acknowledged.len(),
        all.len()
    );
}

#[cfg(unix)]
#[test]
fn killed_services_lose_no_acknowledged_release() {
    kill_rounds(6);
}

#[cfg(unix)]
#[test]
#[ignore = "slow: kills the program 50 times"]
fn fifty_killed_services_lose_no_acknowledged_release() {
    kill_rounds(50);
}
