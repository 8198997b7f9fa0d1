//! Ends of releases: files, what was known, failures, deletions, and the end of the service.

use std::fs;

use collection::State;
use serde_json::json;

use super::{Desk, form, picture, post};
use crate::client::Request;

#[test]
fn a_release_is_followed_to_its_file() {
    let desk = Desk::start();
    desk.door.set_closed(true);
    let first = desk.accept(1, "a.jpg");
    let second = desk.accept(2, "b.jpg");
    desk.wait_until("half of the steps are made", || desk.get(&first)["progress"] == json!(0.5));
    assert_eq!(desk.get(&first)["state"], "running");
    let waiting = desk.get(&second);
    assert_eq!((&waiting["state"], &waiting["progress"]), (&json!("queued"), &json!(0.0)));
    assert_eq!((desk.file(&first).status, desk.file(&second).status), (409, 409));
    assert_eq!(desk.delete(&first), 409, "it runs");
    desk.door.set_closed(false);

    let release = desk.ended(&first);
    assert_eq!((&release["state"], &release["progress"]), (&json!("done"), &json!(1.0)));
    let quality = json!({"width": 24, "height": 20, "psnr": 43.5, "ssim": 0.99, "linf": 4, "iterations": 10,
        "seconds": 0.5, "kept": 0.95, "cosine_before": 0.5, "cosine_after": 0.75});
    assert_eq!((&release["quality"], &release["media_type"]), (&quality, &json!("image/png")));
    assert!(release["finished"].as_i64() >= release["accepted"].as_i64() && release["error"].is_null());

    let file = desk.file(&first);
    assert_eq!((file.status, file.header("content-type")), (200, "image/png"));
    assert_eq!(release["bytes"].as_u64(), Some(file.body.len() as u64));
    assert_eq!(file.header("content-length"), file.body.len().to_string());
    assert_eq!(image::load_from_memory(&file.body).unwrap().into_rgb8().get_pixel(3, 0).0, [1, 27, 0]);
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"a.png\"; filename*=UTF-8''a.png");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let tag = file.header("etag").to_owned();
    let again = Request::get(format!("/v1/releases/{first}/file")).header("if-none-match", tag.as_str());
    assert_eq!(desk.send(&again).status, 304);
    let other = Request::get(format!("/v1/releases/{first}/file")).header("if-none-match", "\"other\"");
    assert_eq!(desk.send(&other).status, 200);
    let head = desk.send(&Request::new("HEAD", format!("/v1/releases/{first}/file")));
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, tag.as_str()));
    let entry = desk.shop.entry(release["entry"].as_i64().unwrap()).unwrap().unwrap();
    assert!(!entry.pending && fs::read(entry.file.unwrap()).unwrap() == file.body);
    assert_eq!(desk.findings(), [], "the folder is inside the collection's, and no damage");
}

#[test]
fn a_picture_that_is_known_leads_to_the_file_of_its_entry() {
    let desk = Desk::start();
    let first = desk.accept(1, "a.png");
    let done = desk.ended(&first);
    let second = desk.accept(1, "other name.png".replace(' ', "%20").as_str());
    let known = desk.ended(&second);
    assert_eq!((&known["state"], &known["entry"]), (&json!("already"), &done["entry"]));
    assert!(known["bytes"].is_null() && known["quality"].is_null());
    assert_eq!(desk.file(&second).body, desk.file(&first).body);
    assert_eq!(desk.delete(&first), 204);
    assert_eq!(desk.file(&second).status, 404, "the file is gone");
    assert_eq!(desk.ended(&desk.accept(1, "a.png"))["state"], "already", "the entry stays");
}

#[test]
fn fields_of_a_known_picture_are_said_not_to_be_kept() {
    let desk = Desk::start();
    let send = |query: &str| desk.ended(&desk.accepts(&post(query, "image/png", picture(1))).remove(0));
    let done = send("name=a.png&meta=year=2026");
    let entry = done["entry"].as_i64().unwrap();
    assert!(send("name=a.png")["notes"].is_null(), "no fields, nothing to say");
    let notes = send("name=a.png&meta=year=2027")["notes"].clone();
    assert!(notes[0].as_str().unwrap().contains(&format!("PATCH /v1/entries/{entry}")), "{notes}");
    assert_eq!(desk.shop.entry(entry).unwrap().unwrap().meta["year"], "2026");
}

#[test]
fn failures_are_told_in_a_line_without_paths_of_the_server() {
    for together in [1, 8] {
        let desk = Desk::with(together, |_| ());
        desk.door.set_closed(true);
        let hold = desk.accept(0, "hold.png");
        desk.wait_until("it is begun", || desk.state(&hold) == "running");
        let failing = desk.accept(1, "fail.png");
        let after = desk.accept(2, "a.png");
        desk.door.set_closed(false);
        let failed = desk.ended(&failing);
        let reason = failed["error"].as_str().unwrap();
        assert_eq!(failed["state"], "failed");
        assert!(
            reason.contains("no space") && !reason.contains(desk.folder.path().to_str().unwrap()),
            "{reason}"
        );
        assert_eq!(desk.file(&failing).status, 404);
        assert_eq!(desk.ended(&after)["state"], "done", "others go on");
        for (n, name, reason) in [(3, "error.png", "the device is gone"), (4, "panic.png", "panicked")] {
            let failed = desk.ended(&desk.accept(n, name));
            let error = failed["error"].as_str().unwrap();
            assert!(failed["state"] == "failed" && error.contains(reason), "{failed}");
            assert!(!error.contains(desk.folder.path().to_str().unwrap()), "{error}");
        }
        assert_eq!(desk.ended(&desk.accept(5, "b.png"))["state"], "done");
    }
}

#[test]
fn failed_releases_are_tried_again_even_after_a_restart() {
    let mut desk = Desk::start();
    let id = desk.accept(1, "once.png");
    assert_eq!(desk.ended(&id)["state"], "failed");
    let other = desk.accept(2, "fail.png");
    assert_eq!(desk.ended(&other)["state"], "failed");
    let again = desk.retry(&id);
    assert_eq!(again.status, 202, "{}", again.text());
    assert!(again.json()["release"]["error"].is_null());
    assert_eq!(desk.ended(&id)["state"], "done");
    assert_eq!(desk.file(&id).status, 200);
    assert_eq!((desk.retry(&id).status, desk.retry("0006451a2b3c4d-00").status), (409, 404));
    desk.end();
    let desk = Desk::of(desk.copy(), 1, |_| ());
    assert_eq!(desk.state(&other), "failed");
    assert_eq!(desk.retry(&other).status, 202);
    assert_eq!(desk.ended(&other)["state"], "failed", "it fails each time, and is tried each time");
    fs::remove_file(desk.released().join(other.replace('-', "/")).join("upload")).unwrap();
    assert_eq!(desk.retry(&other).status, 409, "its upload is gone");
    assert_eq!(desk.delete(&other), 204);
}

#[test]
fn pictures_are_released_together_and_the_same_twice_once() {
    let desk = Desk::with(8, |_| ());
    desk.door.set_closed(true);
    let hold = desk.accept(0, "hold.png");
    desk.wait_until("it is begun", || desk.state(&hold) == "running");
    let bytes = [picture(1), picture(2), picture(1)];
    let parts: Vec<(&str, &[u8])> = bytes.iter().map(|bytes| ("a.png", bytes.as_slice())).collect();
    let (media_type, body) = form("edge", &parts, &[]);
    let together = desk.accepts(&post("", &media_type, body));
    desk.door.set_closed(false);
    let states: Vec<String> =
        together.iter().map(|id| desk.ended(id)["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["done", "done", "already"]);
}

#[test]
fn deleted_releases_are_not_begun_and_their_space_is_free() {
    let desk = Desk::start();
    let done = desk.accept(1, "a.png");
    let entry = desk.ended(&done)["entry"].as_i64().unwrap();
    desk.door.set_closed(true);
    let hold = desk.accept(2, "hold.png");
    desk.wait_until("it is begun", || desk.state(&hold) == "running");
    let waiting = desk.accept(3, "never.png");
    assert_eq!((desk.delete(&waiting), desk.delete(&done)), (204, 204));
    for id in [&waiting, &done] {
        assert_eq!((desk.delete(id), desk.file(id).status), (404, 404));
        assert_eq!(desk.send(&Request::get(format!("/v1/releases/{id}"))).status, 404);
    }
    desk.door.set_closed(false);
    desk.ended(&hold);
    desk.ended(&desk.accept(4, "last.png"));
    assert_eq!(*desk.begun.lock().unwrap(), ["a.png", "hold.png", "last.png"]);
    let folders = fs::read_dir(desk.released()).unwrap();
    let folders = folders.filter(|file| file.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(folders, 2, "one a request that is kept");
    assert_eq!(desk.shop.entry(entry).unwrap().map(|entry| entry.state), Some(State::Live));
}

#[test]
fn the_end_finishes_what_was_begun_and_keeps_what_waits() {
    let mut desk = Desk::with(2, |_| ());
    desk.door.set_closed(true);
    let first = desk.accept(1, "a.png");
    desk.wait_until("it is begun", || desk.state(&first) == "running");
    let bytes = [picture(2), picture(3)];
    let parts: Vec<(&str, &[u8])> = bytes.iter().map(|bytes| ("b.png", bytes.as_slice())).collect();
    let (media_type, body) = form("edge", &parts, &[]);
    let waiting = desk.accepts(&post("", &media_type, body));
    let (folder, begun) = (desk.folder.clone(), desk.begun.clone());
    desk.end();
    assert_eq!(*begun.lock().unwrap(), ["a.png"]);
    let desk = Desk::of(folder, 2, |_| ());
    assert_eq!(desk.get(&first)["state"], "done");
    waiting.iter().for_each(|id| assert_eq!(desk.ended(id)["state"], "done"));
    assert_eq!(*desk.begun.lock().unwrap(), ["b.png", "b.png"]);
}
