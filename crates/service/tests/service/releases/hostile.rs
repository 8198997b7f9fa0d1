//! Hostile uploads: nothing of them stays, no path of theirs is used, and others are served.

use std::fs;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use super::{Desk, form, picture, post};
use crate::client::{Request, exchange};

/// Folders in that of the releases.
fn folders(desk: &Desk) -> usize {
    let files = fs::read_dir(desk.released()).expect("lists");
    files.filter(|file| file.as_ref().expect("a file").path().is_dir()).count()
}

#[test]
fn what_is_no_picture_is_refused_before_it_is_accepted() {
    let desk = Desk::start();
    let sound = picture(1);
    let cut = &sound[..sound.len() / 2];
    let many: Vec<(&str, &[u8])> = (0..33).map(|_| ("a.png", sound.as_slice())).collect();
    let large = "x".repeat(70_000);
    let refused = |request: Request, status: u16, reason: &str| {
        let answer = desk.send(&request);
        assert_eq!(answer.status, status, "{reason}: {}", answer.text());
        assert!(answer.detail().contains(reason), "{reason}: {}", answer.detail());
    };
    refused(post("", "image/png", ""), 400, "empty");
    refused(post("", "image/png", "no picture"), 415, "no image");
    refused(post("", "image/png", cut), 422, "cannot be read");
    refused(post("", "application/json", "[]"), 415, "expected image/*");
    refused(post("", "multipart/form-data", "x"), 400, "boundary");
    refused(post("meta=licence", "image/png", sound.clone()), 400, "meta must be");
    refused(post("meta=a=1&meta=a=2", "image/png", sound.clone()), 400, "given twice");
    refused(post("meta==1", "image/png", sound.clone()), 400, "name of printable");
    refused(post("other=1", "image/png", sound.clone()), 400, "parameters");
    refused(post("collection=press", "image/png", sound.clone()), 404, "no collection");
    let parts = |pictures: &[(&str, &[u8])], fields: &[(&str, &str)], status, reason: &str| {
        let (media_type, body) = form("edge", pictures, fields);
        refused(post("", &media_type, body), status, reason);
    };
    parts(&[], &[("licence", "CC0")], 400, "no picture");
    parts(&[("", b"")], &[], 400, "no picture");
    parts(&[("a.png", &sound), ("b.png", b"no picture")], &[], 415, "b.png");
    parts(&[("a.png", &sound), ("c.png", cut)], &[], 422, "c.png cannot be read");
    parts(&many, &[], 413, "33 pictures");
    parts(&[("a.png", &sound)], &[("a", "1"), ("a", "1")], 400, "given twice");
    parts(&[("a.png", &sound)], &[("a", &large)], 422, "65536 are allowed");
    parts(&[("a.png", &sound)], &[("", "1")], 400, "name of printable");
    let no_text = b"--edge\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\xff\xfe\r\n--edge--\r\n";
    refused(post("", "multipart/form-data; boundary=edge", no_text.as_slice()), 400, "no text");
    for key in ["", " ", &"k".repeat(256), "\u{e9}"] {
        refused(post("", "image/png", sound.clone()).header("idempotency-key", key), 400, "idempotency-key");
    }
    assert_eq!(folders(&desk), 0, "nothing stays");
    assert_eq!(desk.list("")["releases"], json!([]));
    assert_eq!(desk.ended(&desk.accept(1, "a.png"))["state"], "done");
}

#[test]
fn a_picture_that_would_take_too_much_is_refused() {
    let desk = Desk::with(1, |settings| settings.reader.limits.max_pixels = 400);
    let answer = desk.send(&post("", "image/png", picture(1)));
    assert_eq!((answer.status, answer.detail().contains("480")), (422, false), "{}", answer.text());
    assert!(answer.detail().contains("400 allowed"), "{}", answer.detail());
    assert_eq!(folders(&desk), 0);
}

#[test]
fn names_of_callers_are_no_paths() {
    let desk = Desk::start();
    for (n, (name, shown)) in [
        ("../../../escaped.png", "escaped.png"),
        ("..\\..\\escaped.png", "escaped.png"),
        ("/etc/passwd", "passwd"),
        ("..", ".."),
        ("a\u{202e}b.png", "a\u{202e}b.png"),
        ("job.json", "job.json"),
        ("report.json", "report.json"),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = picture(n as u8);
        let (media_type, body) = form("edge", &[(name, bytes.as_slice())], &[]);
        let id = desk.accepts(&post("", &media_type, body)).remove(0);
        let release = desk.ended(&id);
        assert_eq!((&release["state"], &release["name"]), (&json!("done"), &json!(shown)));
        let entry = desk.shop.entry(release["entry"].as_i64().unwrap()).unwrap().unwrap();
        let file = fs::canonicalize(entry.file.unwrap()).unwrap();
        assert!(file.starts_with(fs::canonicalize(desk.released()).unwrap()), "{}", file.display());
        assert_eq!(file.file_name().unwrap(), "released.png");
    }
    let long = "n".repeat(2000);
    let bytes = picture(99);
    let (media_type, body) = form("edge", &[(long.as_str(), bytes.as_slice())], &[]);
    let id = desk.accepts(&post("", &media_type, body)).remove(0);
    assert_eq!(desk.ended(&id)["name"].as_str().unwrap().len(), 255);
}

#[test]
fn ids_that_are_no_ids_are_not_found() {
    let desk = Desk::start();
    let done = desk.accept(1, "a.png");
    desk.ended(&done);
    for id in [
        "7",
        "..",
        "%2e%2e",
        "..%2f..%2fcatalogue.sqlite",
        "00000000000000-00",
        &done.to_uppercase().replace('-', "%2d0"),
        &format!("{done}0"),
        &format!("{}-01", &done[..14]),
        "%00",
        &"9".repeat(5000),
    ] {
        for request in [
            Request::get(format!("/v1/releases/{id}")),
            Request::get(format!("/v1/releases/{id}/file")),
            Request::new("DELETE", format!("/v1/releases/{id}")),
        ] {
            assert_eq!(desk.send(&request).status, 404, "{}", request.target);
        }
    }
    assert_eq!(desk.state(&done), "done");
}

/// Callers that leave in the middle of a body, and bodies whose bytes were changed.
#[test]
fn mutated_and_half_uploads_leave_nothing_behind() {
    let desk = Desk::with(1, |settings| settings.body_time = std::time::Duration::from_millis(300));
    let bytes = picture(1);
    let (media_type, body) = form("edge", &[("a.png", bytes.as_slice())], &[("licence", "CC0")]);
    let mut accepted = 0;
    for number in 0..200u64 {
        let mut rng = StdRng::seed_from_u64(number);
        let mut body = body.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..body.len());
            match rng.random_range(0..3) {
                0 => body[at] = rng.random(),
                1 => body.truncate(at.max(1)),
                _ => drop(body.drain(at..(at + 5).min(body.len()))),
            }
        }
        let request = post("", &media_type, body);
        let answer = desk.send(&request);
        assert!([202, 400, 415, 422].contains(&answer.status), "{number}: {}", answer.text());
        accepted += usize::from(answer.status == 202);
        if number % 40 == 0 {
            let head = request.head();
            let half = [head.as_slice(), &request.body[..request.body.len() / 2]].concat();
            assert_eq!(exchange(desk.address, &half).map(|answer| answer.status), Some(408));
        }
    }
    assert!(accepted > 0 && accepted < 200, "{accepted} accepted");
    assert_eq!(folders(&desk), accepted);
    let states = || desk.list("limit=1000")["releases"].as_array().unwrap().clone();
    desk.wait_until("all end", || states().iter().all(|release| release["progress"] == json!(1.0)));
    let is_sound = |state: &serde_json::Value| *state == json!("done") || *state == json!("already");
    assert!(states().iter().all(|release| is_sound(&release["state"])), "{:?}", states());
}
