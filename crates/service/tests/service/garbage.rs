//! Garbage: whatever is sent, the answer is no failure of the service, and others are served.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    client::{Request, exchange},
    server::{Server, npy, png},
};

/// Callers at once.
const CALLERS: usize = 16;
/// Statuses of answers to garbage.
const STATUSES: [u16; 16] = [200, 202, 304, 400, 401, 403, 404, 405, 408, 412, 413, 415, 422, 429, 431, 501];

/// Requests that garbage is made of.
fn sound(server: &Server) -> Vec<Request> {
    let form =
        b"--edge\r\ncontent-disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nx\r\n--edge--\r\n";
    vec![
        Request::find("collection=shop&k=3", "image/png", png(7)),
        Request::find("collection=shop&all=true", "application/x-npy", npy(&server.rows[..2])),
        Request::find("collection=shop", "multipart/form-data; boundary=edge", form.as_slice()),
        Request::find(
            "collection=shop&effort=low",
            "application/json",
            r#"[{"image": "AAAA"}, {"descriptor": [1, 2]}]"#,
        ),
        Request::get("/v1/entries?collection=shop&limit=3&where=parity=odd&name=7"),
        Request::get("/v1/entries/7?collection=shop").header("if-none-match", "\"a\""),
        Request::new("PATCH", "/v1/entries/8?collection=shop")
            .body("application/json", r#"{"meta": {"a": [1, {}]}}"#),
        Request::new("POST", "/v1/entries/9/restore?collection=press").header("if-match", "*"),
        Request::find("collection=shop&review=true&k=2", "image/png", png(250)),
        Request::get("/v1/reviews?collection=shop&decision=undecided&limit=3&cursor=u9"),
        Request::new("PATCH", "/v1/reviews/1?collection=shop")
            .body("application/json", r#"{"decision": "confirmed", "by": "Ada"}"#),
        Request::new(
            "POST",
            "/c2pa/v1/matches/byContent?maxResults=2&alg=internal.active-index.descriptor-1",
        )
        .body("image/png", png(7)),
        Request::new("POST", "/c2pa/v1/matches/byBinding")
            .body("application/json", r#"{"alg": "internal.active-index.descriptor-1", "value": "AAAA"}"#),
        Request::get("/c2pa/v1/manifests/urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4?collection=shop"),
        Request::get("/v1/collections/shop/status").header("authorization", "Bearer 0123456789abcdef"),
    ]
}

/// Changes some bytes: other values, cuts, doubled and inserted parts.
fn mutate(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    for _ in 0..rng.random_range(0..6) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..6) {
            0 => bytes[at] = rng.random(),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..(at + 9).min(bytes.len()))),
            4 => {
                let part = bytes[at..(at + 20).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let words: [&[u8]; 6] = [b"\r\n", b"%00%ff", b"-1", b"\0", b"99999999999999999999", b"&k=2"];
                bytes.splice(at..at, words[rng.random_range(0..words.len())].to_vec());
            }
        }
    }
}

/// Request of a number: of three, one has a mutated body of the announced length, one a mutated head, one both.
fn garbage(sound: &[Request], number: usize) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(number as u64);
    let mut request = sound[number % sound.len()].clone();
    let mut head = request.head();
    if !number.is_multiple_of(3) {
        mutate(&mut head, &mut rng);
    }
    if number % 3 != 1 {
        mutate(&mut request.body, &mut rng);
    }
    if number.is_multiple_of(3) {
        head = request.head();
    }
    [head, request.body].concat()
}

#[test]
fn garbage_is_refused_and_others_are_served() {
    send_garbage(1000);
}

#[test]
#[ignore = "slow: sends 10,000 requests, of which many are cut off and time out"]
fn much_garbage_is_refused_and_others_are_served() {
    send_garbage(10_000);
}

/// Sends as many mutated requests.
fn send_garbage(requests: usize) {
    let server = Server::with(|settings| {
        settings.head_time = Duration::from_millis(400);
        settings.body_time = Duration::from_millis(400);
    });
    let (sound, next, seen) = (sound(&server), AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return;
                    }
                    if let Some(answer) = exchange(server.address, &garbage(&sound, number)) {
                        let said = format!("request {number}: {} {}", answer.status, answer.text());
                        assert!(STATUSES.contains(&answer.status), "{said}");
                        seen.lock().expect("no panic").insert(answer.status);
                    }
                    if number % 100 == 0 {
                        let rows =
                            Request::find("collection=shop", "application/x-npy", npy(&server.rows[5..6]));
                        assert_eq!(server.send(&rows).best(), [5]);
                    }
                }
            });
        }
    });
    let seen = seen.into_inner().expect("no panic");
    assert!(seen.len() >= 6, "the garbage is of too few sorts: {seen:?}");
    assert_eq!(server.send(&Request::find("collection=shop", "image/png", png(6))).best(), [6]);
    let text = server.send(&Request::get("/metrics")).text();
    assert!(!text.contains("status=\"500\""), "{text}");
}
