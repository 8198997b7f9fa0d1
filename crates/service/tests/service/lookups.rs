//! Lookups: pictures, forms, descriptors and lists give the answers of the finder, and other bodies are refused.

use base64::{Engine, prelude::BASE64_STANDARD};
use find::{Effort, Finder, Settings};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Request},
    server::{D, ENTRIES, Server, directions, npy, png},
};

/// Form of named parts.
fn form(parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head =
            format!("--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(head.as_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), body)
}

fn refused(server: &Server, request: &Request, status: u16, reason: &str) {
    let answer = server.send(request);
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.detail().contains(reason), "{reason}: {}", answer.detail());
}

#[test]
fn a_picture_is_found_whatever_its_media_type_is_called() {
    let server = Server::start();
    for media_type in ["image/png", "image/jpeg", "application/octet-stream", ""] {
        let answer = server.send(&Request::find("collection=shop", media_type, png(7)));
        assert_eq!((answer.status, answer.best()), (200, vec![7]), "{}", answer.text());
        let json = answer.json();
        let found = &json["queries"][0]["matches"][0];
        assert_eq!((&found["name"], &found["verdict"]), (&json!("7.jpg"), &json!("match")));
        assert_eq!((&json["schema"], &json["collection"]), (&json!(1), &json!("shop")));
        assert_eq!((&json["entries"], &found["meta"]["parity"]), (&json!(ENTRIES), &json!("odd")));
    }
}

#[test]
fn a_picture_has_the_name_that_its_caller_gives() {
    let server = Server::start();
    let named = |query: &str| {
        let answer = server.send(&Request::find(&format!("collection=shop{query}"), "image/png", png(3)));
        answer.json()["queries"][0]["query"].as_str().unwrap().to_owned()
    };
    assert_eq!((named(""), named("&name=desk/a.png")), ("upload".to_owned(), "desk/a.png".to_owned()));
    let body = "--edge\r\ncontent-disposition: form-data; name=\"k\"\r\n\r\n3\r\n--edge--\r\n";
    let field = Request::find("collection=shop", "multipart/form-data; boundary=edge", body);
    let answer = server.send(&field);
    assert_eq!((answer.status, answer.detail().contains("part k of the form is no file")), (400, true));
}

#[test]
fn a_form_of_pictures_is_answered_in_its_order_and_tells_which_are_none() {
    let server = Server::start();
    let (media_type, body) =
        form(&[("a.png", &png(3)), ("no.txt", b"no picture"), ("b.png", &png(250)), ("a.png", &png(5))]);
    let answer = server.send(&Request::find("collection=shop&k=1", &media_type, body));
    assert_eq!((answer.status, answer.best()), (200, vec![3, -1, -1, 5]), "{}", answer.text());
    let json = answer.json();
    let text = |key: &str| {
        json["queries"].as_array().unwrap().iter().map(|query| query[key].clone()).collect::<Vec<_>>()
    };
    assert_eq!(text("query"), ["a.png", "no.txt", "b.png", "a.png"].map(Value::from));
    assert!(
        text("error")[1].as_str().is_some_and(|reason| reason.contains("no image")),
        "{:?}",
        text("error")
    );
    assert!(text("error")[2].is_null(), "a picture of no entry is no error");
}

#[test]
fn descriptors_are_answered_as_the_finder_answers_them() {
    let server = Server::start();
    let mut rows: Vec<Vec<f32>> = [5usize, 0, 199].map(|id| server.rows[id].clone()).to_vec();
    rows.extend(directions(4, 77));
    for (query, settings) in [
        ("", Settings { explain: true, ..Effort::Normal.settings() }),
        ("&effort=low&k=3", Settings { k: 3, ..Effort::Low.settings() }),
        (
            "&all=true&k=4&nprobe=2",
            Settings {
                k: 4,
                nprobe: 2,
                least_entries: 0,
                exhaustive: true,
                explain: true,
                possible_e: f64::INFINITY,
                ..Effort::Normal.settings()
            },
        ),
    ] {
        let answer =
            server.send(&Request::find(&format!("collection=shop{query}"), "application/x-npy", npy(&rows)));
        let finder = Finder::new(&*server.shop, settings).unwrap();
        let expected = finder.find_descriptors(rows.clone()).unwrap();
        let ids = |answer: &find::Answer| answer.matches.iter().map(|found| found.id).collect::<Vec<_>>();
        assert_eq!(answer.ids(), expected.iter().map(ids).collect::<Vec<_>>(), "{query}");
        let json = answer.json();
        for (query, expected) in json["queries"].as_array().unwrap().iter().zip(&expected) {
            assert_eq!(query["looks"], 1);
            for (found, expected) in query["matches"].as_array().unwrap().iter().zip(&expected.matches) {
                // As JSON is read, the last digit may differ.
                let ratio = found["e_value"].as_f64().unwrap() / expected.e_value;
                assert!((ratio - 1.0).abs() < 1e-12, "{ratio}");
                assert_eq!(found["cosine"].as_f64().unwrap() as f32, expected.cosine);
                assert_eq!(found["verdict"], expected.verdict.to_string());
            }
        }
    }
}

#[test]
fn a_list_holds_pictures_and_descriptors() {
    let server = Server::start();
    let list = json!([
        {"name": "row", "descriptor": server.rows[11]},
        {"image": BASE64_STANDARD.encode(png(12))},
        {"name": "text", "image": BASE64_STANDARD.encode("text")},
    ]);
    let answer = server.send(&Request::find("collection=shop", "application/json", list.to_string()));
    assert_eq!((answer.status, answer.best()), (200, vec![11, 12, -1]), "{}", answer.text());
    assert_eq!(answer.json()["queries"][1]["query"], "1", "its place");
}

#[test]
fn conditions_leave_entries_out() {
    let server = Server::start();
    let find = |query: &str| {
        let query = format!("collection=shop&all=true&k=5{query}");
        server.send(&Request::find(&query, "application/x-npy", npy(&server.rows[8..9])))
    };
    assert_eq!(find("").best(), [8]);
    assert_eq!(find("&where=parity=even").best(), [8]);
    let odd = find("&where=parity%3Dodd").ids().remove(0);
    assert!(odd.len() == 5 && odd.iter().all(|id| id % 2 == 1), "{odd:?}");
    assert_eq!(find("&where=parity=even&where=parity=odd").best(), [-1]);
}

#[test]
fn collections_are_told_apart_by_their_names() {
    let server = Server::start();
    let find = |query: &str| server.send(&Request::find(query, "image/png", png(30)));
    assert_eq!((find("collection=shop").best(), find("collection=press").best()), (vec![30], vec![-1]));
    let none: Answer = find("");
    assert_eq!((none.status, none.detail().contains("shop, press")), (400, true), "{}", none.text());
    assert_eq!(find("collection=other").status, 404);
}

#[test]
fn bodies_that_cannot_be_looked_up_are_refused_with_their_reason() {
    let server = Server::start();
    let find = |media_type: &str, body: &[u8]| Request::find("collection=shop", media_type, body);
    let json = |body: Value| find("application/json", body.to_string().as_bytes());
    refused(&server, &find("", b""), 400, "empty");
    refused(&server, &find("image/png", b"no picture"), 415, "no image of a known format");
    refused(&server, &find("image/png", &png(7)[..60]), 422, "cannot be read");
    refused(&server, &find("text/plain", b"x"), 415, "text/plain");
    refused(
        &server,
        &find("application/x-www-form-urlencoded", &png(7)),
        415,
        "-H 'content-type: image/jpeg'",
    );
    refused(&server, &find("application/x-npy", b"no descriptors"), 400, "npy magic");
    refused(&server, &find("application/x-npy", &npy(&server.rows[..2])[..100]), 400, "npy");
    refused(
        &server,
        &find("application/x-npy", &npy(&[vec![1.0; 3]])),
        422,
        "dimension 64, found dimension 3",
    );
    refused(&server, &find("application/x-npy", &npy(&[vec![f32::NAN; D]])), 422, "not finite");
    refused(&server, &find("application/x-npy", &npy(&[])), 400, "no query");
    refused(&server, &find("application/x-npy", &npy(&vec![vec![0.5; D]; 4097])), 413, "4096 are allowed");
    refused(&server, &find("application/json", b"[{"), 400, "the body");
    refused(&server, &json(json!([])), 400, "no query");
    refused(&server, &json(json!([{"descriptor": [1.0], "image": ""}])), 400, "either");
    refused(&server, &json(json!([{"descriptor": [1.0]}])), 422, "dimension");
    refused(&server, &json(json!([{"descriptor": vec![1e39; D]}])), 422, "not finite");
    refused(&server, &json(json!([{"image": "???"}])), 400, "image 0");
    refused(&server, &json(json!([{"url": "http://localhost/"}])), 400, "url");
    refused(&server, &json(vec![json!({"image": "", "name": "x"}); 33].into()), 413, "32 are allowed");
    refused(&server, &find("multipart/form-data", b""), 400, "boundary");
    refused(&server, &find("multipart/form-data; boundary=edge", b"--edge\r\n"), 400, "the form");
    refused(&server, &Request::find("collection=shop&k=0", "image/png", png(7)), 400, "parameters");
    refused(&server, &Request::find("collection=shop&kk=1", "image/png", png(7)), 400, "kk");
}

#[test]
fn pictures_that_announce_more_than_is_allowed_are_refused_before_they_are_decoded() {
    let server = Server::start();
    let mut bomb = png(7);
    // Width and height, and the checksum of their chunk.
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let sum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    refused(
        &server,
        &Request::find("collection=shop", "image/png", bomb),
        422,
        "more than the 50000000 allowed",
    );
}

/// CRC-32 of PNG chunks (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    let step =
        |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |c, _| c >> 1 ^ (0xedb8_8320 * (c & 1)));
    !bytes.iter().fold(!0, step)
}
