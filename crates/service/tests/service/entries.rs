//! Entries: lists, fields, withdrawing and restoring.

use serde_json::{Value, json};

use crate::{
    client::{Answer, Request},
    server::{ENTRIES, Server, npy},
};

fn list(server: &Server, query: &str) -> Answer {
    let answer = server.send(&Request::get(format!("/v1/entries?collection=shop{query}")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn ids(answer: &Answer) -> Vec<i64> {
    let json = answer.json();
    let entries = json["entries"].as_array().expect("entries");
    entries.iter().map(|entry| entry["id"].as_i64().expect("an id")).collect()
}

fn entry(method: &'static str, id: i64) -> Request {
    Request::new(method, format!("/v1/entries/{id}?collection=shop"))
}

fn found(server: &Server, id: usize) -> i64 {
    let query = Request::find("collection=shop&k=1", "application/x-npy", npy(&server.rows[id..=id]));
    server.send(&query).best()[0]
}

#[test]
fn pages_show_each_entry_once_in_both_orders() {
    let server = Server::start();
    for (order, first, last) in [("newest", ENTRIES as i64 - 1, 0), ("oldest", 0, ENTRIES as i64 - 1)] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&server, &format!("&order={order}&limit=30{cursor}"));
            seen.extend(ids(&page));
            match page.json()["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!((seen.first(), seen.last(), seen.len()), (Some(&first), Some(&last), ENTRIES));
        seen.dedup();
        assert_eq!(seen.len(), ENTRIES);
    }
}

#[test]
fn filters_select_entries() {
    let server = Server::start();
    assert_eq!(ids(&list(&server, "")).len(), 100, "the limit that is not named");
    assert_eq!(ids(&list(&server, "&order=oldest&limit=3&where=parity=odd")), [1, 3, 5]);
    assert_eq!(ids(&list(&server, "&name=77.JPG&order=oldest")), [77, 177]);
    server.send(&entry("DELETE", 9));
    assert_eq!(ids(&list(&server, "&state=withdrawn")), [9]);
    assert_eq!(ids(&list(&server, "&state=live&order=oldest&limit=10")).last(), Some(&10));
    assert!(ids(&list(&server, "&state=dropped")).is_empty());
}

#[test]
fn malformed_lists_are_refused() {
    let server = Server::start();
    for query in
        ["limit=0", "limit=1001", "limit=x", "cursor=x", "state=gone", "order=random", "where=x", "other=1"]
    {
        let answer = server.send(&Request::get(format!("/v1/entries?collection=shop&{query}")));
        assert_eq!(answer.status, 400, "{query}");
    }
    assert_eq!(server.send(&Request::get("/v1/entries")).status, 400, "which collection");
    assert_eq!(server.send(&Request::get("/v1/entries?collection=other")).status, 404);
}

#[test]
fn an_entry_is_read_with_a_tag_by_which_it_is_known_again() {
    let server = Server::start();
    let answer = server.send(&entry("GET", 7));
    let json = answer.json();
    assert_eq!((answer.status, &json["entry"]["name"]), (200, &json!("7.jpg")));
    assert_eq!(
        (&json["entry"]["state"], &json["entry"]["meta"]),
        (&json!("live"), &json!({"parity": "odd"}))
    );
    let known = entry("GET", 7).header("if-none-match", answer.header("etag"));
    assert_eq!(server.send(&known).status, 304);
    let other = entry("GET", 7).header("if-none-match", "\"other\"");
    assert_eq!(server.send(&other).status, 200);
    assert_eq!(server.send(&entry("GET", 1_000_000)).status, 404);
    assert_eq!(server.send(&Request::get("/v1/entries/seven?collection=shop")).status, 400);
    assert_eq!(server.send(&entry("GET", -1)).status, 404);
}

#[test]
fn fields_are_changed_if_the_entry_is_the_one_that_is_known() {
    let server = Server::start();
    let tag = server.send(&entry("GET", 7)).header("etag").to_owned();
    let patch = |tag: &str, body: Value| server.send(&entry("PATCH", 7).json(&body).header("if-match", tag));
    let changed = patch(&tag, json!({"meta": {"licence": "CC0", "parity": null, "year": 2026}}));
    assert_eq!(
        (changed.status, &changed.json()["entry"]["meta"]),
        (200, &json!({"licence": "CC0", "year": 2026}))
    );
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(
        patch(&tag, json!({"meta": {"year": 2027}})).status,
        412,
        "by someone who has not seen the change"
    );
    assert_eq!(patch("*", json!({"meta": {"year": 2028}})).status, 200);
    let now = server.send(&entry("GET", 7));
    assert_eq!(now.json()["entry"]["meta"]["year"], 2028);
    assert_eq!(ids(&list(&server, "&where=licence=CC0")), [7]);
}

#[test]
fn malformed_changes_are_refused_and_change_nothing() {
    let server = Server::start();
    let before = server.send(&entry("GET", 7)).header("etag").to_owned();
    let send = |media_type: &str, body: &str| server.send(&entry("PATCH", 7).body(media_type, body)).status;
    assert_eq!(send("application/json", "{"), 400);
    assert_eq!(send("application/json", "[]"), 400);
    assert_eq!(send("application/json", r#"{"state": "dropped"}"#), 400);
    assert_eq!(send("application/json", r#"{"name": "x"}"#), 400);
    assert_eq!(send("text/plain", "{}"), 415);
    assert_eq!(send("application/merge-patch+json", "{}"), 200, "no change");
    let large = json!({"state": "withdrawn", "meta": {"text": "x".repeat(512 << 10)}}).to_string();
    assert_eq!(send("application/json", &large), 422, "and it is not withdrawn either");
    let huge = format!(r#"{{"meta": {{"a": [{}0]}}}}"#, "0,".repeat(1 << 20));
    assert_eq!(send("application/json", &huge), 413);
    assert_eq!(server.send(&entry("GET", 7)).header("etag"), before);
    assert_eq!(server.send(&entry("PATCH", 1_000_000).json(&json!({"meta": {"a": 1}}))).status, 404);
}

#[test]
fn a_withdrawn_entry_is_found_again_once_it_is_restored() {
    let server = Server::start();
    assert_eq!(found(&server, 7), 7);
    let withdrawn = server.send(&entry("DELETE", 7));
    assert_eq!((withdrawn.status, &withdrawn.json()["entry"]["state"]), (200, &json!("withdrawn")));
    assert_ne!(found(&server, 7), 7);
    let stale = entry("DELETE", 7).header("if-match", "\"other\"");
    assert_eq!(server.send(&stale).status, 412);
    let restore = Request::new("POST", "/v1/entries/7/restore?collection=shop");
    assert_eq!(server.send(&restore).json()["entry"]["state"], "live");
    assert_eq!(found(&server, 7), 7);
    let patch = |state: &str| server.send(&entry("PATCH", 7).json(&json!({"state": state})));
    assert_eq!((patch("withdrawn").status, patch("withdrawn").status), (200, 200), "twice is once");
    assert_ne!(found(&server, 7), 7);
    assert_eq!((patch("live").status, found(&server, 7)), (200, 7));
}

#[test]
fn a_dropped_entry_cannot_be_restored() {
    let server = Server::start();
    server.send(&entry("DELETE", 7));
    server.shop.compact().unwrap();
    let answer = server.send(&Request::new("POST", "/v1/entries/7/restore?collection=shop"));
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert_eq!(server.send(&entry("GET", 7)).json()["entry"]["state"], "dropped");
    assert_eq!(server.send(&entry("DELETE", 7)).status, 409);
}
