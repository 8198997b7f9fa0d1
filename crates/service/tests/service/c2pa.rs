//! C2PA's Soft Binding Resolution API: a picture that lost its manifest leads to it again, and nothing else does.

use std::collections::BTreeSet;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use half::f16;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Request},
    server::{D, ENTRIES, Server, directions, npy, png},
};

/// Name of the algorithm of a collection without a recorded extractor.
const ALG: &str = "internal.active-index.descriptor-1";
/// Address of an API elsewhere.
const ELSEWHERE: &str = "https://manifests.example.org/v1";

/// Identifier of the manifest of entry `n`.
fn manifest(n: usize) -> String {
    format!("urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-{n:012X}")
}

fn set_fields(server: &Server, collection: &str, n: usize, fields: Value) {
    let patch = Request::new("PATCH", format!("/v1/entries/{n}?collection={collection}"));
    let answer = server.send(&patch.json(&json!({"meta": fields})));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Value of a soft binding in base64 of the standard alphabet.
fn value(row: &[f32]) -> String {
    BASE64_STANDARD.encode(bytes(row))
}

fn bytes(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
}

fn by_content(query: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", format!("/c2pa/v1/matches/byContent?{query}")).body(media_type, body)
}

fn by_binding(query: &str, body: &Value) -> Request {
    Request::new("POST", format!("/c2pa/v1/matches/byBinding?{query}")).json(body)
}

fn matches(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json.as_object().expect("an object").len(), 1, "matches alone");
    json["matches"].as_array().expect("a list").clone()
}

/// Identifiers of the manifests in an answer.
fn identifiers(answer: &Answer) -> Vec<String> {
    matches(answer)
        .iter()
        .map(|found| found["manifestId"].as_str().expect("an identifier").to_owned())
        .collect()
}

#[test]
fn a_picture_without_its_manifest_leads_to_it() {
    let server = Server::start();
    set_fields(
        &server,
        "shop",
        7,
        json!({"manifest": manifest(7), "manifest_endpoint": format!("{ELSEWHERE}/")}),
    );
    set_fields(&server, "shop", 8, json!({"manifest": manifest(8)}));
    set_fields(&server, "shop", 9, json!({"manifest": "/etc/passwd", "manifest_endpoint": "file:///etc"}));
    let find = |n| matches(&server.send(&by_content("", "image/png", png(n))));
    let found = json!({"manifestId": manifest(7), "endpoint": ELSEWHERE, "similarityScore": 100});
    assert_eq!(find(7), [found]);
    assert_eq!(find(8), [json!({"manifestId": manifest(8), "similarityScore": 100})]);
    for n in [9, 10, 250] {
        assert_eq!(find(n), [Value::Null; 0], "{n}: no identifier, no field, no entry");
    }
    for media_type in ["", "application/octet-stream", "IMAGE/anything; a=b"] {
        assert_eq!(identifiers(&server.send(&by_content("", media_type, png(8)))), [manifest(8)]);
    }
    let hints = format!("alg={ALG}&maxResults=1&hintAlg=com.example.watermark&hintValue=AAAA&later=1");
    assert_eq!(identifiers(&server.send(&by_content(&hints, "image/png", png(8)))), [manifest(8)]);
    let withdrawn = server.send(&Request::new("DELETE", "/v1/entries/8?collection=shop"));
    assert_eq!((withdrawn.status, find(8)), (200, Vec::new()));
}

#[test]
fn a_value_is_answered_as_the_picture_that_it_is_of() {
    let server = Server::start();
    for n in [7, 8] {
        set_fields(&server, "shop", n, json!({"manifest": manifest(n)}));
    }
    for n in [7, 8] {
        let row = &server.rows[n];
        let of_picture = matches(&server.send(&by_content("", "image/png", png(n as u8))));
        let posted = server.send(&by_binding("", &json!({"alg": ALG, "value": value(row)})));
        assert_eq!(matches(&posted), of_picture);
        let url = BASE64_URL_SAFE_NO_PAD.encode(bytes(row));
        let escaped = value(row).replace('+', "%2B").replace('=', "%3D");
        for value in [url, escaped, value(row)] {
            let got =
                server.send(&Request::get(format!("/c2pa/v1/matches/byBinding?alg={ALG}&value={value}")));
            assert_eq!(matches(&got), of_picture, "{value}");
        }
        // The length of a descriptor says nothing.
        let longer: Vec<f32> = row.iter().map(|value| 100.0 * value).collect();
        let posted = server.send(&by_binding("", &json!({"alg": ALG, "value": value(&longer)})));
        assert_eq!(matches(&posted), of_picture);
    }
    let other = json!({"alg": ALG, "value": value(&directions(1, 77)[0])});
    assert_eq!(identifiers(&server.send(&by_binding("", &other))), [""; 0]);
}

/// Descriptors between two entries, nearer to one of them by and by.
fn between(server: &Server) -> Vec<Vec<f32>> {
    let mix = |share: f32| (0..D).map(move |k| (k, share));
    let row = |(first, second, share): (usize, usize, f32)| -> Vec<f32> {
        mix(share)
            .map(|(k, share)| share * server.rows[first][k] + (1.0 - share) * server.rows[second][k])
            .collect()
    };
    (0..40).map(|n| row((n, n + 40, 0.5 + 0.0125 * n as f32))).collect()
}

#[test]
fn manifests_are_those_of_matches_and_of_nothing_less() {
    let server = Server::start();
    for n in 0..ENTRIES {
        let fields = json!({"manifest": manifest(n)});
        server.shop.set_meta(n as i64, fields.as_object().expect("an object")).expect("sets");
    }
    let rows: Vec<Vec<f32>> = between(&server)
        .iter()
        .map(|row| row.iter().map(|value| f16::from_f32(*value).to_f32()).collect())
        .collect();
    let found = server.send(&Request::find("collection=shop", "application/x-npy", npy(&rows))).json();
    let (mut with, mut without) = (0, 0);
    for (row, query) in rows.iter().zip(found["queries"].as_array().expect("queries")) {
        let of_query = query["matches"].as_array().expect("matches");
        let verdict =
            |word: &str| of_query.iter().filter(|found| found["verdict"] == word).collect::<Vec<_>>();
        let expected: BTreeSet<String> = verdict("match")
            .iter()
            .map(|found| manifest(found["id"].as_u64().expect("an id") as usize))
            .collect();
        let answer = server
            .send(&by_binding("collection=shop&maxResults=100", &json!({"alg": ALG, "value": value(row)})));
        assert_eq!(identifiers(&answer).into_iter().collect::<BTreeSet<_>>(), expected);
        let scores: Vec<f64> = matches(&answer)
            .iter()
            .map(|found| found["similarityScore"].as_f64().expect("a score"))
            .collect();
        let cosines =
            verdict("match").into_iter().map(|found| 100.0 * found["cosine"].as_f64().expect("a cosine"));
        for (score, cosine) in scores.iter().zip(cosines) {
            assert!((score - cosine).abs() <= 1.0, "{score} for a cosine of {cosine} %");
        }
        with += expected.len();
        without += verdict("possible").len();
    }
    assert!(
        with > 5 && without > 5,
        "{with} matches and {without} possible ones: the queries tell them apart"
    );
}

#[test]
fn all_collections_are_looked_in_and_each_manifest_is_named_once() {
    let server = Server::start();
    set_fields(&server, "shop", 3, json!({"manifest": manifest(3)}));
    set_fields(&server, "press", 3, json!({"manifest": manifest(3)}));
    set_fields(&server, "press", 4, json!({"manifest": manifest(4)}));
    let find = |query: &str, n| identifiers(&server.send(&by_content(query, "image/png", png(n))));
    assert_eq!((find("", 3), find("", 4)), (vec![manifest(3)], vec![manifest(4)]));
    assert_eq!((find("collection=shop", 4), find("collection=press", 4)), (Vec::new(), vec![manifest(4)]));
    set_fields(&server, "press", 3, json!({"manifest": manifest(33)}));
    assert_eq!(find("", 3).len(), 2);
    assert_eq!(find("maxResults=1", 3).len(), 1);
    assert_eq!(server.send(&by_content("collection=other", "image/png", png(3))).status, 404);
}

#[test]
fn algorithms_are_named_after_the_extractors_of_the_collections() {
    let server = Server::start();
    let names = || {
        let answer = server.send(&Request::get("/c2pa/v1/services/supportedAlgorithms"));
        let list = answer.json()["fingerprints"].as_array().expect("a list").clone();
        list.iter().map(|one| one["alg"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), [ALG], "both have the same");
    server.shop.extractor("{\"weights\":\"a\"}").expect("records");
    let [plain, own] = <[String; 2]>::try_from(names()).expect("two names");
    assert!(plain == ALG && own.starts_with(&format!("{ALG}.")) && own.len() == ALG.len() + 17, "{own}");
    for collection in ["shop", "press"] {
        set_fields(
            &server,
            collection,
            5,
            json!({"manifest": manifest(if collection == "shop" { 5 } else { 55 })}),
        );
    }
    for (alg, n) in [(&own, 5), (&plain, 55)] {
        let body = json!({"alg": alg, "value": value(&server.rows[5])});
        assert_eq!(identifiers(&server.send(&by_binding("", &body))), [manifest(n)], "{alg}");
        assert_eq!(
            identifiers(&server.send(&by_content(&format!("alg={alg}"), "image/png", png(5)))),
            [manifest(n)]
        );
    }
    let answer = server.send(&by_content(&format!("alg={plain}&collection=shop"), "image/png", png(5)));
    assert_eq!((answer.status, answer.detail().contains(&own)), (400, true), "{}", answer.text());
}

/// Manifest store of C2PA, as far as its first boxes tell.
fn store(content: &[u8]) -> Vec<u8> {
    let mut store = ((34 + content.len()) as u32).to_be_bytes().to_vec();
    store.extend(b"jumb\0\0\0\x1ajumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03\0");
    store.extend(content);
    store
}

#[test]
fn manifest_stores_are_handed_out_or_the_answer_leads_to_them() {
    let server = Server::start();
    let get = |target: String| server.send(&Request::get(format!("/c2pa/v1/manifests/{target}")));
    let own = store(b"content");
    set_fields(
        &server,
        "shop",
        1,
        json!({"manifest": manifest(1), "manifest_store": BASE64_STANDARD.encode(&own)}),
    );
    set_fields(&server, "shop", 2, json!({"manifest": manifest(2), "manifest_endpoint": ELSEWHERE}));
    set_fields(&server, "shop", 3, json!({"manifest": manifest(3)}));
    for (n, wrong) in
        [(4, json!("/etc/passwd")), (5, json!(BASE64_STANDARD.encode(b"no store"))), (6, json!(7))]
    {
        set_fields(&server, "shop", n, json!({"manifest": manifest(n), "manifest_store": wrong}));
    }
    let cut = BASE64_STANDARD.encode(&own[..own.len() - 1]);
    set_fields(&server, "shop", 7, json!({"manifest": manifest(7), "manifest_store": cut}));
    let answer = get(manifest(1));
    assert_eq!((answer.status, answer.header("content-type"), &answer.body), (200, "application/c2pa", &own));
    assert_eq!(get(format!("{}?collection=shop", manifest(1).replace(':', "%3A"))).body, own);
    assert_eq!(get(format!("{}?returnActiveManifest=true", manifest(1))).status, 400);
    assert_eq!(get(format!("{}?collection=press", manifest(1))).status, 404);
    for query in ["", "?returnActiveManifest=true"] {
        let answer = get(format!("{}{query}", manifest(2)));
        let location = format!("{ELSEWHERE}/manifests/{}{query}", manifest(2));
        assert_eq!((answer.status, answer.header("location")), (307, location.as_str()));
    }
    for n in 3..8 {
        let answer = get(manifest(n));
        assert_eq!(
            (answer.status, answer.detail().contains("does not tell")),
            (404, true),
            "{}",
            answer.text()
        );
    }
    let unknown = get(manifest(77));
    assert_eq!((unknown.status, unknown.detail().contains("no entry")), (404, true), "{}", unknown.text());
    server.send(&Request::new("DELETE", "/v1/entries/1?collection=shop"));
    assert_eq!(get(manifest(1)).status, 404, "a withdrawn entry");
    for wrong in [
        "x",
        "urn:c2pa:1",
        "..%2F..%2Fetc%2Fpasswd",
        "%00",
        &format!("{}?returnActiveManifest=x", manifest(1)),
    ] {
        assert_eq!(get(wrong.to_owned()).status, 400, "{wrong}");
    }
}

#[test]
fn requests_of_another_form_are_refused_with_their_reason() {
    let server = Server::start();
    let own = value(&server.rows[7]);
    let binding = |body: Value| by_binding("", &body);
    for (request, status, reason) in [
        (by_content("", "image/png", b"".to_vec()), 400, "empty"),
        (by_content("", "image/png", b"no picture".to_vec()), 415, "no image of a known format"),
        (by_content("", "image/png", png(7)[..60].to_vec()), 400, "cannot be read"),
        (by_content("", "video/mp4", png(7)), 415, "video/mp4"),
        (by_content("", "application/json", b"{}".to_vec()), 415, "image/*"),
        (by_content("maxResults=0", "image/png", png(7)), 400, "parameters"),
        (by_content("alg=com.adobe.trustmark.P", "image/png", png(7)), 400, ALG),
        (binding(json!({"alg": "io.iscc.v0", "value": own})), 400, ALG),
        (binding(json!({"alg": ALG, "value": "AAAA"})), 400, "64 float16"),
        (binding(json!({"alg": ALG, "value": value(&[0.0; D])})), 400, "direction"),
        (binding(json!({"alg": ALG})), 400, "value"),
        (binding(json!([ALG, own])), 400, "the body"),
        (by_binding("maxResults=x", &json!({"alg": ALG, "value": own})), 400, "parameters"),
        (Request::new("POST", "/c2pa/v1/matches/byBinding").body("text/plain", "x"), 415, "application/json"),
        (Request::get("/c2pa/v1/matches/byBinding"), 400, "alg"),
        (Request::get(format!("/c2pa/v1/matches/byBinding?alg={ALG}&value=%FF")), 400, "float16"),
    ] {
        let answer = server.send(&request);
        let said = format!("{} {}", request.target, answer.text());
        assert!(answer.status == status && answer.detail().contains(reason), "{status} {reason}: {said}");
    }
}
