//! Manifests of C2PA: from fields that a table gives, over a copy and its descriptor, to the identifiers.

use std::{fs, process::Stdio};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use half::f16;
use index::npy;
use serde_json::{Value, json};

use super::{Folder, serving::Running};

/// Identifier of the manifest of photograph `n`.
fn manifest(n: usize) -> String {
    format!("urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-{n:012X}")
}

/// Identifiers that an answer of C2PA's API names.
fn named(c2pa: &Value) -> Vec<&str> {
    let matches = c2pa["matches"].as_array().expect("matches");
    matches.iter().map(|found| found["manifestId"].as_str().expect("an identifier")).collect()
}

/// Identifiers of the matches in an answer to `POST /v1/find`, which also shows what is no match.
fn expected(find: &Value) -> Vec<&str> {
    let matches = find["queries"][0]["matches"].as_array().expect("matches").iter();
    let matches = matches.filter(|found| found["verdict"] == "match");
    matches.map(|found| found["meta"]["manifest"].as_str().expect("a field")).collect()
}

#[test]
fn a_copy_and_its_descriptor_lead_to_the_manifest_that_a_table_names() {
    let folder = Folder::with_photos(8);
    let lines: String =
        (0..8).map(|n| format!("{n}.png,{},https://manifests.example.org/v1\n", manifest(n))).collect();
    fs::write(folder.path("manifests.csv"), format!("name,manifest,manifest_endpoint\n{lines}")).unwrap();
    folder.done("collection add photos --collection shop --meta manifests.csv");
    folder.put_edited("photos/3.png", "copy.jpg");
    folder.done("describe copy.jpg --out copy.npy");
    let service = Running::logging_to(Stdio::null(), &folder, "serve --collection shop --listen 127.0.0.1:0");
    service.wait_until_ready();
    let send = |head: &str, body: &[u8]| -> Value {
        let (status, answer) = service.send(head, body);
        assert_eq!(status, 200, "{head}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap()
    };
    let copy = fs::read(folder.path("copy.jpg")).unwrap();
    let found = send("POST /c2pa/v1/matches/byContent", &copy);
    assert_eq!(named(&found), expected(&send("POST /v1/find", &copy)));
    assert_eq!(named(&found)[0], manifest(3), "{found}");
    assert_eq!(found["matches"][0]["endpoint"], "https://manifests.example.org/v1");

    let algorithms = send("GET /c2pa/v1/services/supportedAlgorithms", b"");
    let alg = algorithms["fingerprints"][0]["alg"].as_str().expect("a name");
    assert!(alg.starts_with("internal.active-index.descriptor-1."), "the extractor is recorded: {alg}");
    let row = npy::read(&folder.path("copy.npy")).unwrap().values;
    let bytes: Vec<u8> = row.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
    let value = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let found = send(&format!("GET /c2pa/v1/matches/byBinding?alg={alg}&value={value}"), b"");
    let query = json!([{"descriptor": row}]).to_string();
    assert_eq!(named(&found), expected(&send("POST /v1/find", query.as_bytes())));
}
