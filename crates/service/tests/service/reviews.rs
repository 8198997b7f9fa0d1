//! Reviews: possible matches wait for people, decisions are kept and taken back, and false matches are counted.

use serde_json::{Value, json};

use crate::{
    client::{Answer, Request},
    server::{Server, npy, png},
};

/// Looks up a picture of no entry, which some entries resemble by chance, and returns its reviews.
fn ask(server: &Server, n: u8) -> Vec<Value> {
    let answer =
        server.send(&Request::find("collection=shop&review=true&review_e=1&k=3", "image/png", png(n)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    assert!(json["reviews_error"].is_null(), "{json}");
    json["reviews"].as_array().expect("reviews").clone()
}

fn id(review: &Value) -> i64 {
    review["review"].as_i64().expect("an id")
}

fn get(server: &Server, target: &str) -> Value {
    let answer = server.send(&Request::get(target));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn patch(server: &Server, id: i64, body: &Value) -> Answer {
    server.send(&Request::new("PATCH", format!("/v1/reviews/{id}?collection=shop")).json(body))
}

fn decide(server: &Server, id: i64, decision: &str) -> Value {
    let answer = patch(server, id, &json!({"decision": decision, "by": "Ada"}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn ids(list: &Value) -> Vec<i64> {
    let reviews = list["reviews"].as_array().expect("reviews");
    reviews.iter().map(|review| review["id"].as_i64().expect("an id")).collect()
}

#[test]
fn possible_matches_of_pictures_wait_and_others_do_not() {
    let server = Server::start();
    let plain = server.send(&Request::find("collection=shop&k=3", "image/png", png(250))).json();
    assert!(plain["reviews"].is_null(), "without the parameter nothing is kept: {plain}");
    assert!(plain["queries"][0]["matches"].as_array().is_some_and(|found| !found.is_empty()));
    let waiting = ask(&server, 250);
    let possible: Vec<&Value> = plain["queries"][0]["matches"].as_array().unwrap().iter().collect();
    assert!(possible.iter().all(|found| found["verdict"] == "possible"), "{plain}");
    assert_eq!(waiting.len(), possible.len());
    for (review, found) in waiting.iter().zip(possible) {
        assert_eq!((&review["entry"], &review["known"]), (&found["id"], &json!(false)));
        let kept = get(&server, &format!("/v1/reviews/{}?collection=shop", id(review)));
        let kept = &kept["review"];
        assert_eq!((&kept["name"], &kept["decision"]), (&json!("upload"), &json!("undecided")));
        for key in ["e_value", "cosine", "look", "name"] {
            assert_eq!(kept["answer"][key], found[key], "{key}");
        }
    }
    let bounded = |bound: &str| {
        let query = format!("collection=shop&review=true&k=3{bound}");
        let json = server.send(&Request::find(&query, "image/png", png(250))).json();
        json["reviews"].as_array().expect("reviews").len()
    };
    let up_to = |bound: f64| {
        let found = plain["queries"][0]["matches"].as_array().unwrap().iter();
        found.filter(|found| found["e_value"].as_f64().unwrap() <= bound).count()
    };
    assert_eq!(
        (bounded(""), bounded("&review_e=0.00004"), bounded("&review_e=0")),
        (up_to(0.1), up_to(0.00004), 0)
    );
    assert_eq!(up_to(0.00004), 1, "{plain}");
    let again = ask(&server, 250);
    assert!(again.iter().all(|review| review["known"] == true), "{again:?}");
    assert_eq!(again.iter().map(id).collect::<Vec<_>>(), waiting.iter().map(id).collect::<Vec<_>>());
    let matches = ask(&server, 7);
    assert!(matches.iter().all(|review| review["entry"] != 7), "a match is no possible one: {matches:?}");
    let rows = crate::server::directions(1, 99);
    let described = Request::find("collection=shop&review=true", "application/x-npy", npy(&rows));
    assert_eq!(server.send(&described).json()["reviews"], json!([]), "there is nothing to look at");
}

#[test]
fn decisions_are_counted_and_taken_back() {
    let server = Server::start();
    assert_eq!(get(&server, "/v1/reviews/counts?collection=shop")["total"]["undecided"], 0);
    let waiting: Vec<i64> = (220..223).flat_map(|n| ask(&server, n)).map(|review| id(&review)).collect();
    let n = waiting.len();
    assert!(n >= 3, "{waiting:?}");
    let counts = || get(&server, "/v1/reviews/counts?collection=shop")["by_verdict"]["possible"].clone();
    assert_eq!(counts(), json!({"undecided": n, "confirmed": 0, "rejected": 0}));
    let decided = decide(&server, waiting[0], "confirmed");
    assert_eq!((&decided["before"], &decided["review"]["by"]), (&json!("undecided"), &json!("Ada")));
    assert!(decided["review"]["decided"].is_i64());
    // Nobody is false of one: the upper bound is the share at which one is true with a probability of 2.5 %.
    let rate = counts()["false_rate"].clone();
    assert_eq!((&rate["share"], &rate["low"]), (&json!(0.0), &json!(0.0)));
    assert!((rate["high"].as_f64().unwrap() - 0.975).abs() < 1e-9, "{rate}");
    waiting[1..].iter().for_each(|id| drop(decide(&server, *id, "rejected")));
    let rate = counts()["false_rate"].clone();
    assert_eq!(rate["share"].as_f64().unwrap(), (n - 1) as f64 / n as f64);
    assert!(rate["low"].as_f64() < rate["share"].as_f64() && rate["share"].as_f64() < rate["high"].as_f64());
    let undone = decide(&server, waiting[1], "undecided");
    assert_eq!((&undone["before"], &undone["review"]["decided"]), (&json!("rejected"), &Value::Null));
    assert_eq!(counts()["undecided"], 1);
    let of = |decision: &str| ids(&get(&server, &format!("/v1/reviews?collection=shop&decision={decision}")));
    assert_eq!((of("undecided"), of("confirmed")), (vec![waiting[1]], vec![waiting[0]]));
    assert_eq!(of("rejected").len(), n - 2);
}

#[test]
fn pages_show_each_review_once_and_those_that_wait_first() {
    let server = Server::start();
    let waiting: Vec<i64> = (220..225).flat_map(|n| ask(&server, n)).map(|review| id(&review)).collect();
    decide(&server, waiting[waiting.len() - 1], "rejected");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&server, &format!("/v1/reviews?collection=shop&limit=2{cursor}"));
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut expected: Vec<i64> = waiting[..waiting.len() - 1].iter().rev().copied().collect();
    expected.push(waiting[waiting.len() - 1]);
    assert_eq!(seen, expected);
}

#[test]
fn a_picture_of_the_query_is_kept() {
    let server = Server::start();
    let target = format!("/v1/reviews/{}/picture?collection=shop", id(&ask(&server, 250)[0]));
    let picture = server.send(&Request::get(target.as_str()));
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/jpeg"));
    assert!(picture.body.len() <= 64 << 10 && !picture.header("etag").is_empty());
    let read = image::load_from_memory(&picture.body).expect("a JPEG");
    assert_eq!((read.width(), read.height()), (48, 40));
    let known = server.send(&Request::get(target).header("if-none-match", picture.header("etag")));
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[test]
fn a_lookup_of_several_pictures_names_each() {
    let server = Server::start();
    let mut body = Vec::new();
    for (name, n) in [("a.png", 250), ("b.png", 249), ("c.png", 5)] {
        let head =
            format!("--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), &png(n), b"\r\n"].concat());
    }
    body.extend(b"--edge--\r\n");
    let find = Request::find(
        "collection=shop&review=true&review_e=1&k=1",
        "multipart/form-data; boundary=edge",
        body,
    );
    let json = server.send(&find).json();
    let names: Vec<&Value> =
        json["reviews"].as_array().unwrap().iter().map(|review| &review["query"]).collect();
    assert_eq!(names, ["a.png", "b.png"], "{json}");
}

#[test]
fn what_is_wrong_is_refused() {
    let server = Server::start();
    let review = id(&ask(&server, 250)[0]);
    for (body, status) in [
        (json!({"decision": "maybe"}), 400),
        (json!({"by": "Ada"}), 400),
        (json!(["confirmed", "Ada"]), 400),
        (json!({"decision": "confirmed", "note": 1}), 400),
        (json!({"decision": "confirmed", "by": "x".repeat(257)}), 422),
    ] {
        assert_eq!(patch(&server, review, &body).status, status, "{body}");
    }
    let form = Request::new("PATCH", format!("/v1/reviews/{review}?collection=shop")).body("text/plain", "x");
    assert_eq!(server.send(&form).status, 415);
    assert_eq!(patch(&server, review + 1000, &json!({"decision": "confirmed"})).status, 404);
    for (target, status) in [
        ("/v1/reviews?collection=shop&limit=0", 400),
        ("/v1/reviews?collection=shop&limit=501", 400),
        ("/v1/reviews?collection=shop&cursor=x7", 400),
        ("/v1/reviews?collection=shop&decision=maybe", 400),
        ("/v1/reviews?collection=other", 404),
        ("/v1/reviews", 400),
        ("/v1/reviews/99999?collection=shop", 404),
        ("/v1/reviews/99999/picture?collection=shop", 404),
        ("/v1/reviews/x?collection=shop", 400),
        ("/v1/reviews/counts", 400),
    ] {
        assert_eq!(server.send(&Request::get(target)).status, status, "{target}");
    }
    assert_eq!(
        get(&server, &format!("/v1/reviews/{review}?collection=shop"))["review"]["decision"],
        "undecided"
    );
}
