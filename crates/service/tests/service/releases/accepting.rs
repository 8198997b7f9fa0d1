//! Acceptance: forms, names, fields, keys and bounds.

use std::thread;

use serde_json::json;

use super::{Desk, form, ids, picture, post};
use crate::{client::Request, server::Server};

#[test]
fn a_form_makes_a_release_of_each_picture_with_its_fields() {
    let desk = Desk::start();
    let pictures = [picture(1), picture(2)];
    let pictures = [("a.png", pictures[0].as_slice()), ("photos/b c.png", &pictures[1])];
    let (media_type, body) = form("edge", &pictures, &[("licence", "CC0"), ("title", "tr\u{e8}s beau")]);
    let accepted = desk.accepts(&post("meta=year=2026", &media_type, body));
    assert_eq!(accepted.len(), 2);
    for (id, name) in accepted.iter().zip(["a.png", "b c.png"]) {
        let release = desk.ended(id);
        assert_eq!((&release["state"], &release["name"]), (&json!("done"), &json!(name)), "{release}");
        let entry = desk.shop.entry(release["entry"].as_i64().unwrap()).unwrap().unwrap();
        assert_eq!((entry.name.as_str(), entry.pending), (name, false));
        let fields = json!({"licence": "CC0", "title": "tr\u{e8}s beau", "year": "2026"});
        assert_eq!(serde_json::Value::from(entry.meta), fields);
    }
    assert_eq!(*desk.begun.lock().unwrap(), ["a.png", "b c.png"], "in the order of the form");
    assert_eq!(ids(&desk.list("")), [accepted[1].clone(), accepted[0].clone()], "the newest first");
}

#[test]
fn lists_are_read_page_by_page_and_by_state() {
    let desk = Desk::start();
    let mut accepted: Vec<String> = (0..5).map(|n| desk.accept(n, "a.png")).collect();
    accepted.push(desk.accept(9, "fail.png"));
    accepted.iter().for_each(|id| drop(desk.ended(id)));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = desk.list(&format!("limit=4{cursor}"));
        seen.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    accepted.reverse();
    assert_eq!(seen, accepted);
    assert_eq!(ids(&desk.list("state=failed")), accepted[..1]);
    assert_eq!(ids(&desk.list("state=done&limit=2")), accepted[1..3]);
    assert_eq!(ids(&desk.list("state=running")), [""; 0]);
    for wrong in ["limit=0", "limit=1001", "cursor=x", "state=lost", "other=1"] {
        assert_eq!(desk.send(&Request::get(format!("/v1/releases?{wrong}"))).status, 400, "{wrong}");
    }
}

#[test]
fn the_same_key_with_the_same_content_is_the_same_release() {
    let desk = Desk::start();
    let bytes = picture(1);
    let send = |edge: &str, name: &str, fields: &[(&str, &str)], key: &str| {
        let (media_type, body) = form(edge, &[(name, bytes.as_slice())], fields);
        desk.send(&post("", &media_type, body).header("idempotency-key", key))
    };
    let first = send("one", "a.png", &[("year", "2026")], "k-1");
    assert_eq!(first.status, 202, "{}", first.text());
    let id = ids(&first.json()).remove(0);
    for edge in ["one", "other"] {
        assert_eq!(ids(&send(edge, "a.png", &[("year", "2026")], "k-1").json()), [id.as_str()]);
    }
    desk.ended(&id);
    let again = send("one", "a.png", &[("year", "2026")], "k-1");
    assert_eq!((again.status, &again.json()["releases"][0]["state"]), (202, &json!("done")));
    for (name, fields) in [("b.png", [("year", "2026")]), ("a.png", [("year", "2027")])] {
        let other = send("one", name, &fields, "k-1");
        assert_eq!(
            (other.status, other.detail().contains("another request")),
            (422, true),
            "{}",
            other.text()
        );
    }
    let other = send("one", "a.png", &[("year", "2026")], "k-2");
    let other = ids(&other.json()).remove(0);
    assert_eq!(desk.ended(&other)["state"], "already", "another key, the same picture");
    assert_eq!(desk.delete(&id), 204);
    assert_ne!(
        ids(&send("one", "a.png", &[("year", "2026")], "k-1").json()),
        [id.as_str()],
        "it was deleted"
    );
}

#[test]
fn callers_with_one_key_at_once_make_one_release() {
    let desk = Desk::start();
    desk.door.set_closed(true);
    let answers: Vec<_> = thread::scope(|scope| {
        let send = || desk.send(&post("", "image/png", picture(1)).header("idempotency-key", "k"));
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let accepted: Vec<_> = answers.iter().filter(|answer| answer.status == 202).collect();
    assert!(!accepted.is_empty() && answers.iter().all(|answer| [202, 409].contains(&answer.status)));
    let all = ids(&desk.list(""));
    assert_eq!(all.len(), 1);
    accepted.iter().for_each(|answer| assert_eq!(ids(&answer.json()), all));
}

#[test]
fn releases_beyond_the_bound_are_told_to_come_again() {
    let desk = Desk::with(1, |settings| settings.queued_releases = 3);
    desk.door.set_closed(true);
    let first = desk.accept(0, "first.png");
    desk.wait_until("it is begun", || desk.state(&first) == "running");
    let pictures: Vec<Vec<u8>> = (1..5).map(picture).collect();
    let parts: Vec<(&str, &[u8])> = pictures.iter().map(|bytes| ("a.png", bytes.as_slice())).collect();
    let (media_type, body) = form("edge", &parts, &[]);
    assert_eq!(desk.send(&post("", &media_type, body)).status, 429, "all or none");
    let (media_type, body) = form("edge", &parts[..3], &[]);
    let waiting = desk.accepts(&post("", &media_type, body));
    let refused = desk.send(&post("", "image/png", picture(9)));
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    let text = desk.send(&Request::get("/metrics")).text();
    assert!(text.contains("active_index_queued_releases{collection=\"shop\"} 3"), "{text}");
    desk.door.set_closed(false);
    waiting.iter().for_each(|id| assert_eq!(desk.ended(id)["state"], "done"));
    let last = desk.accept(9, "a.png");
    assert_eq!(desk.ended(&last)["state"], "done");
    let text = desk.send(&Request::get("/metrics")).text();
    for line in [
        "active_index_releases_total{collection=\"shop\",state=\"done\"} 5",
        "active_index_queued_releases{collection=\"shop\"} 0",
        "active_index_kept_releases{collection=\"shop\"} 5",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in:\n{text}");
    }
}

#[test]
fn a_full_folder_accepts_nothing_until_releases_are_deleted() {
    let size = picture(1).len() as u64;
    let desk = Desk::with(1, |settings| settings.release_bytes = 3 * size + size / 2);
    let accepted: Vec<String> = (1..4).map(|n| desk.accept(n, "a.png")).collect();
    accepted.iter().for_each(|id| assert_eq!(desk.ended(id)["state"], "done"));
    let refused = desk.send(&post("", "image/png", picture(4)));
    assert_eq!((refused.status, refused.detail().contains("full")), (507, true), "{}", refused.text());
    assert_eq!(desk.delete(&accepted[1]), 204);
    let id = desk.accept(4, "a.png");
    assert_eq!(desk.ended(&id)["state"], "done");

    let desk = Desk::with(1, |settings| settings.kept_releases = 1);
    let id = desk.accept(1, "a.png");
    assert_eq!(desk.send(&post("", "image/png", picture(2))).status, 507);
    desk.ended(&id);
    assert_eq!(desk.delete(&id), 204);
    desk.accept(2, "a.png");
}

#[test]
fn uploads_are_read_within_the_bounds_of_bodies() {
    let desk = Desk::with(1, |settings| settings.max_upload = 5000);
    assert_eq!(desk.send(&post("", "image/png", vec![7; 5001])).status, 413);
    let id = desk.accept(1, "a.png");
    assert_eq!(desk.ended(&id)["state"], "done");
}

#[test]
fn a_service_without_a_releaser_says_so() {
    let server = Server::start();
    for request in [
        post("collection=shop", "image/png", picture(1)),
        Request::get("/v1/releases?collection=shop"),
        Request::get("/v1/releases/0006451a2b3c4d-00?collection=shop"),
    ] {
        assert_eq!(server.send(&request).status, 501, "{}", request.target);
    }
}
