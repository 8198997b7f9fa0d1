//! Reviews of a service that is killed at any moment: what was acknowledged is there afterwards.

use std::{
    collections::BTreeMap,
    io::Cursor,
    process::Stdio,
    sync::Mutex,
    thread::{self, sleep},
    time::Duration,
};

use collection::Decision;
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

use super::{Folder, serving::Running};

/// Entries.
const PHOTOS: usize = 8;
/// Callers at once.
const CALLERS: u32 = 3;

/// Acknowledgements of the service: of each review, the entry and the decision. While a decision is on its way, it may have
/// been kept or not.
#[derive(Default)]
struct Acknowledged {
    entries: BTreeMap<i64, i64>,
    decisions: BTreeMap<i64, Decision>,
    on_its_way: BTreeMap<i64, Decision>,
}

/// PNG file of a picture that no query was before.
fn picture(photo: &RgbImage, round: u32, number: u32) -> Vec<u8> {
    let mut picture = photo.clone();
    let [_, a, b, c] = (round * 10_000 + number).to_be_bytes();
    picture.get_pixel_mut(5, 5).0 = [a, b, c];
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Status and JSON of an answer; `None` once the service is dead.
fn ask(service: &Running, head: &str, body: &[u8]) -> Option<(u16, Value)> {
    let (status, body) = service.try_send(head, body)?;
    Some((status, serde_json::from_slice(&body).ok()?))
}

/// Looks pictures up and decides every second possible match, until the service is dead.
fn call(
    service: &Running,
    photo: &RgbImage,
    round: u32,
    caller: u32,
    seen: &Mutex<Acknowledged>,
) -> Option<()> {
    for number in 0.. {
        let picture = picture(photo, round, CALLERS * number + caller);
        let (status, answer) = ask(service, "POST /v1/find?review=true&review_e=1&k=2", &picture)?;
        assert_eq!(status, 200, "{answer}");
        let reviews = answer["reviews"].as_array().unwrap();
        assert!(!reviews.is_empty(), "{answer}");
        for review in reviews {
            let (id, entry) = (review["review"].as_i64().unwrap(), review["entry"].as_i64().unwrap());
            seen.lock().unwrap().entries.insert(id, entry);
        }
        let id = reviews[0]["review"].as_i64().unwrap();
        let decision = Decision::ALL[1 + number as usize % 2];
        seen.lock().unwrap().on_its_way.insert(id, decision);
        let body = json!({"decision": decision.to_string()}).to_string();
        let (status, answer) = ask(service, &format!("PATCH /v1/reviews/{id}"), body.as_bytes())?;
        assert_eq!(status, 200, "{answer}");
        let mut seen = seen.lock().unwrap();
        seen.on_its_way.remove(&id);
        seen.decisions.insert(id, decision);
    }
    Some(())
}

/// Kills a service `rounds` times, and returns the numbers of acknowledged reviews and decisions.
fn kill_rounds(rounds: u32) -> (usize, usize) {
    let folder = Folder::with_photos(PHOTOS);
    folder.done("collection add photos --collection shop");
    let photo = image::open(folder.path("photos/0.png")).unwrap().into_rgb8();
    // Like an entry, and not one: the upper half of it beside the lower half of another.
    let mut query = image::open(folder.path("photos/3.png")).unwrap().into_rgb8();
    image::imageops::replace(&mut query, &image::imageops::crop_imm(&photo, 0, 0, 96, 48).to_image(), 0, 0);
    let seen = Mutex::new(Acknowledged::default());
    for round in 0..rounds {
        let line = "serve --collection shop --listen 127.0.0.1:0 --workers 3";
        let service = Running::logging_to(Stdio::null(), &folder, line);
        service.wait_until_ready();
        thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let (service, query, seen) = (&service, &query, &seen);
                    scope.spawn(move || call(service, query, round, caller, seen))
                })
                .collect();
            // 97 is coprime to 400: all delays are met in time.
            sleep(Duration::from_millis(50 + u64::from(97 * round % 400)));
            service.kill();
            callers.into_iter().for_each(|caller| assert!(caller.join().unwrap().is_none()));
        });
        check(&folder, &seen.lock().unwrap(), round);
    }
    let seen = seen.into_inner().unwrap();
    (seen.entries.len(), seen.decisions.len())
}

fn check(folder: &Folder, seen: &Acknowledged, round: u32) {
    let collection = folder.collection();
    for (id, entry) in &seen.entries {
        let review = collection.review(*id).unwrap();
        let review = review.unwrap_or_else(|| panic!("round {round}: review {id} is lost"));
        assert_eq!(review.entry, *entry, "round {round}");
        assert!(collection.review_picture(*id).unwrap().is_some(), "round {round}: review {id}");
        let possible = [seen.decisions.get(id), seen.on_its_way.get(id)];
        let expected = possible.into_iter().flatten().any(|decision| *decision == review.decision);
        let is_free = !seen.decisions.contains_key(id) && review.decision == Decision::Undecided;
        assert!(expected || is_free, "round {round}: review {id} is {}", review.decision);
    }
    assert_eq!(folder.findings(), [], "round {round}");
}

#[test]
fn killed_services_lose_no_acknowledged_review() {
    let (reviews, decisions) = kill_rounds(4);
    assert!(reviews > 4 && decisions > 0, "{reviews} reviews, {decisions} decisions");
}

#[test]
#[ignore = "slow: kills a service 50 times"]
fn fifty_killed_services_lose_no_acknowledged_review() {
    let (reviews, decisions) = kill_rounds(50);
    println!("50 kills, {reviews} acknowledged reviews, {decisions} acknowledged decisions");
    assert!(reviews > 50 && decisions > 50);
}
