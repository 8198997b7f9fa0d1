//! Addresses of collections: the verbs take folders and URIs alike, and say in one line what they cannot open.

use super::Folder;

/// A line of every verb that takes a collection; `C` stands for its address.
#[cfg(not(feature = "lance"))]
const LINES: [&str; 16] = [
    "collection create C --quantiser quantiser.faiss",
    "collection add rows.npy --collection C",
    "collection list C",
    "collection info C",
    "collection check C",
    "collection compact C",
    "collection index C",
    "collection calibrate C",
    "collection export C --out db.faiss",
    "collection import shop --collection C",
    "collection import C --collection shop",
    "find rows.npy --collection C",
    "withdraw 1 --collection C",
    "restore 1 --collection C",
    "serve --listen 127.0.0.1:0 --collection C",
    "serve --listen 127.0.0.1:0 --collection press=C",
];

#[cfg(not(feature = "lance"))]
#[test]
fn a_program_without_lance_says_what_it_lacks() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..10);
    std::fs::create_dir(folder.path("held.lance")).unwrap();
    std::fs::write(folder.path("held.lance/collection.json"), "{}").unwrap();
    for address in ["s3://bucket/shop.lance", "gs://bucket/shop", "az://container/shop.lance", "held.lance"] {
        for line in LINES {
            let line = line.replace('C', address);
            folder.refused(
                &line,
                &format!("{address}: is a Lance collection, and this program was built without"),
            );
        }
    }
    folder.refused(
        "collection create new.lance --quantiser quantiser.faiss",
        "`--features lance` (needs protoc",
    );
    assert!(!folder.path("new.lance").exists() && !folder.path("db.faiss").exists());
    // Before images are read and a network is loaded.
    for line in ["release rows.npy --out out", "eval find --images . --unrelated ."] {
        let output = folder.run(&format!("{line} --collection s3://bucket/shop"));
        assert_eq!(output.status.code(), Some(2), "{line}");
    }
}

#[test]
fn addresses_are_refused_by_their_schemes() {
    let folder = Folder::with_rows();
    for wrong in ["http://host/shop", "s3://", "file://shop"] {
        for line in ["collection info C", "find rows.npy --collection C", "serve --collection C"] {
            let output = folder.run(&line.replace('C', wrong));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{stderr}");
            assert!(stderr.contains("expected "), "{stderr}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_uri_is_its_folder() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..10);
    let uri = format!("file://{}", folder.path("shop").display());
    assert_eq!(folder.done(&format!("collection add rows.npy --collection {uri}"))["added"], 10);
    assert_eq!(folder.done("collection info shop")["entries"], 10);
    // The collection's own files are never replaced, whatever it is called.
    let own = format!("collection export {uri} --out shop/quantiser.faiss --force");
    folder.refused(&own, "is an input, and would be replaced");
}
