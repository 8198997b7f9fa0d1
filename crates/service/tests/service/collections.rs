//! Collections: what is served, its state, and what other processes add to it.

use std::time::{Duration, Instant};

use burn::tensor::Device;
use collection::Collection;
use serde_json::json;

use crate::{
    client::Request,
    server::{ENTRIES, Server, directions, entry, npy, tensor},
};

#[test]
fn collections_are_listed_in_their_order() {
    let server = Server::start();
    let json = server.send(&Request::get("/v1/collections")).json();
    let of = |key: &str| {
        json["collections"].as_array().unwrap().iter().map(|c| c[key].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (of("name"), of("entries")),
        (vec![json!("shop"), json!("press")], vec![json!(ENTRIES), json!(20)])
    );
}

#[test]
fn the_state_counts_entries_and_tells_how_fresh_they_are() {
    let server = Server::start();
    server.send(&Request::new("DELETE", "/v1/entries/3?collection=shop"));
    let json = server.send(&Request::get("/v1/collections/shop/status")).json();
    assert_eq!((&json["entries"], &json["withdrawn"]), (&json!(ENTRIES - 1), &json!(1)));
    assert_eq!((&json["segments"], &json["fresh"]), (&json!(0), &json!(ENTRIES)));
    assert_eq!(json["calibration"]["standard"], true);
    let newest = json["freshness"]["newest"].as_i64().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    assert!((now - 600..=now).contains(&newest), "{newest} at {now}");
    assert!(json["freshness"]["seconds_until_searchable"].as_f64().is_some_and(|s| (0.0..1.0).contains(&s)));
    assert_eq!(server.send(&Request::get("/v1/collections/other/status")).status, 404);
}

#[test]
fn entries_of_other_processes_are_found_within_a_second() {
    let server = Server::start();
    let rows = directions(1, 1234);
    let find = || {
        let answer = server.send(&Request::find("collection=shop&k=1", "application/x-npy", npy(&rows)));
        answer.json()["queries"][0]["matches"][0]["name"].clone()
    };
    assert_ne!(find(), "new.jpg");
    let other = Collection::open(&server.shop_folder(), &Device::flex()).unwrap();
    let stored = other.store(&[entry("new.jpg", 0)], tensor(&rows)).unwrap();
    let started = Instant::now();
    assert_eq!(find(), "new.jpg");
    assert!(started.elapsed() < Duration::from_secs(1));
    other.withdraw(&[stored[0].id()]).unwrap();
    assert_ne!(find(), "new.jpg");
}

#[test]
fn a_calibration_of_another_process_is_taken_in() {
    let server = Server::start();
    let other = Collection::open(&server.shop_folder(), &Device::flex()).unwrap();
    let mut text: serde_json::Value = serde_json::from_str(&find::Calibration::standard().to_text()).unwrap();
    text["facts"]["background"] = "pictures".into();
    other.set_calibration(&text.to_string()).unwrap();
    let started = Instant::now();
    loop {
        let json = server.send(&Request::get("/v1/collections/shop/status")).json();
        if json["calibration"]["standard"] == false {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{json}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
