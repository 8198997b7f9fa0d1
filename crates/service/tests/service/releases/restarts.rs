//! Starts after a death: jobs in each state, halves, damage, and two services of one folder.

use std::fs;

use serde_json::json;

use super::{Desk, ids, picture, post};
use crate::client::Request;

#[test]
fn jobs_in_each_state_are_carried_on() {
    let dead = Desk::start();
    let done = dead.accept(1, "done.png");
    dead.ended(&done);
    let failed = dead.accept(2, "fail.png");
    dead.ended(&failed);
    let already = dead.accept(1, "already.png");
    dead.ended(&already);
    let deleted = dead.accept(3, "deleted.png");
    dead.ended(&deleted);
    assert_eq!(dead.delete(&deleted), 204);
    dead.door.set_closed(true);
    let running = dead.accept(4, "running.png");
    dead.wait_until("it is begun", || dead.state(&running) == "running");
    let keyed = post("name=queued.png", "image/png", picture(5)).header("idempotency-key", "k");
    let queued = dead.accepts(&keyed).remove(0);
    let before = [&done, &failed, &already].map(|id| dead.get(id));

    let desk = Desk::of(dead.copy(), 1, |_| ());
    let states = [&done, &failed, &already].map(|id| desk.get(id));
    assert_eq!(states, before, "what ended is as it was");
    assert_eq!(desk.send(&Request::get(format!("/v1/releases/{deleted}"))).status, 404);
    for id in [&running, &queued] {
        assert_eq!(desk.ended(id)["state"], "done");
        assert_eq!(desk.file(id).status, 200);
    }
    assert_eq!(*desk.begun.lock().unwrap(), ["running.png", "queued.png"], "the oldest first");
    assert_eq!(desk.accepts(&keyed), [queued.as_str()], "keys are kept");
    assert_eq!(desk.file(&done).body, dead.file(&done).body);
    let new = desk.accept(6, "new.png");
    assert!(new > queued, "ids rise");
    assert_eq!(desk.findings(), []);
}

/// The entry is committed and the file is at its path, but no report says so.
#[test]
fn a_release_whose_report_is_missing_is_done_and_measured() {
    let dead = Desk::start();
    let id = dead.accept(1, "a.png");
    let done = dead.ended(&id);
    let copy = dead.copy();
    let job = copy.path().join("shop/released").join(id.replace('-', "/"));
    fs::remove_file(job.join("report.json")).unwrap();
    fs::write(job.join("upload"), picture(1)).unwrap();
    let desk = Desk::of(copy, 1, |_| ());
    let again = desk.ended(&id);
    assert_eq!((&again["state"], &again["entry"]), (&json!("done"), &done["entry"]));
    assert_eq!(again["quality"], json!({"width": 24, "height": 20, "ssim": 1.0, "linf": 0}));
    assert_eq!(desk.file(&id).body, dead.file(&id).body);
    assert!(!job.join("upload").exists());
}

#[test]
fn halves_are_removed_and_damage_does_not_keep_the_service_from_starting() {
    let dead = Desk::start();
    dead.door.set_closed(true);
    let bytes = [picture(1), picture(2), picture(3), picture(4)];
    let accepted: Vec<String> = (1..5).map(|n| dead.accept(n, "a.png")).collect();
    let copy = dead.copy();
    let released = copy.path().join("shop/released");
    let request = |id: &str| released.join(id.split('-').next().unwrap());
    // Never acknowledged; damaged; without its upload; with half of a report.
    fs::remove_file(request(&accepted[0]).join("job.json")).unwrap();
    fs::write(request(&accepted[1]).join("job.json"), "{\"schema\": 1, \"pic").unwrap();
    fs::remove_file(request(&accepted[2]).join("00/upload")).unwrap();
    fs::write(request(&accepted[3]).join("00/report.json"), "{").unwrap();
    fs::create_dir(released.join("00000000000000")).unwrap();
    fs::write(released.join("note.txt"), "of the user").unwrap();

    let desk = Desk::of(copy.clone(), 1, |_| ());
    assert_eq!(ids(&desk.list("")), [accepted[3].as_str(), &accepted[2]]);
    assert_eq!(desk.ended(&accepted[3])["state"], "done");
    let missing = desk.get(&accepted[2]);
    assert_eq!((&missing["state"], &missing["error"]), (&json!("failed"), &json!("its upload is missing")));
    assert!(!request(&accepted[0]).exists() && !released.join("00000000000000").exists());
    assert!(request(&accepted[1]).exists() && released.join("note.txt").exists(), "left alone");
    let id = desk.accepts(&post("", "image/png", bytes[0].as_slice())).remove(0);
    assert_eq!(desk.ended(&id)["state"], "done");
}

#[test]
fn a_second_service_of_the_folder_waits_until_the_first_ends() {
    let mut first = Desk::start();
    let id = first.accept(1, "a.png");
    first.ended(&id);
    let second = Desk::of(first.folder.clone(), 1, |_| ());
    let refused = second.send(&post("", "image/png", picture(2)));
    assert_eq!((refused.status, refused.detail().contains("another service")), (503, true));
    assert_eq!(second.send(&Request::get(format!("/v1/releases/{id}"))).status, 503);
    first.end();
    let is_open = || second.send(&Request::get("/v1/releases")).status == 200;
    second.wait_until("it takes over", is_open);
    assert_eq!(second.get(&id)["state"], "done");
    assert_eq!(second.ended(&second.accept(2, "b.png"))["state"], "done");
}
