//! Tests of the server: what clients of object stores rest on.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use s3_server::{Faults, Kind, Server};
use ureq::{Agent, Body, http};

type Response = http::Response<Body>;

/// Server with the bucket `shop` in a folder.
fn server(folder: &Path) -> Server {
    let server = Server::start(folder).expect("starts");
    server.create_bucket("shop").expect("creates");
    server
}

/// Client of a server.
struct Client {
    agent: Agent,
    endpoint: String,
}

impl Client {
    fn of(server: &Server) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).build();
        Self { agent: config.into(), endpoint: server.endpoint() }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.endpoint));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.agent.run(request.body(body).expect("a request")).expect("an answer")
    }

    fn put(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.send("PUT", path, headers, body)
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send("GET", path, headers, b"")
    }
}

fn text(mut response: Response) -> String {
    response.body_mut().read_to_string().expect("text")
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().expect("text").to_owned()
}

/// Contents of the elements of a name.
fn elements(document: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = document.split(&open).skip(1);
    parts.map(|part| part.split(&close).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn of_many_that_create_an_object_one_does() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    for round in 0..40 {
        let create = |writer: usize| {
            let body = format!("of writer {writer}").repeat(1 + writer * 900);
            let path = format!("/shop/commits/{round}.manifest");
            let answer = Client::of(&server).put(&path, &[("if-none-match", "*")], body.as_bytes());
            (answer.status().as_u16(), body)
        };
        let answers: Vec<(u16, String)> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|writer| scope.spawn(move || create(writer))).collect();
            threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
        assert!(won.len() == 1 && lost.iter().all(|(status, _)| *status == 412), "round {round}");
        let found = text(Client::of(&server).get(&format!("/shop/commits/{round}.manifest"), &[]));
        assert_eq!(found, won[0].1, "round {round}");
    }
}

#[test]
fn a_number_that_many_add_to_under_its_tag_is_their_sum() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    Client::of(&server).put("/shop/number", &[], b"0");
    let retries = AtomicUsize::new(0);
    let add = || {
        let (client, mut added) = (Client::of(&server), 0);
        while added < 25 {
            let found = client.get("/shop/number", &[]);
            let tag = header(&found, "etag");
            let number: u64 = text(found).parse().expect("a number");
            let next = (number + 1).to_string();
            match client.put("/shop/number", &[("if-match", &tag)], next.as_bytes()).status().as_u16() {
                200 => added += 1,
                412 => drop(retries.fetch_add(1, Ordering::Relaxed)),
                other => panic!("{other}"),
            }
        }
    };
    thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(add))));
    assert_eq!(text(Client::of(&server).get("/shop/number", &[])), "150");
    let missing = Client::of(&server).put("/shop/nothing", &[("if-match", "\"00\"")], b"1");
    assert_eq!(missing.status(), 404);
}

/// Keys, and for a delimiter the beginnings, of all pages of a list.
fn walked(client: &Client, query: &str, limit: usize) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let answer = client.get(&format!("/shop?list-type=2&max-keys={limit}{query}{token}"), &[]);
        assert_eq!(answer.status(), 200);
        let page = text(answer);
        assert!(elements(&page, "Key").len() + elements(&page, "CommonPrefixes").len() <= limit);
        keys.extend(elements(&page, "Key"));
        prefixes
            .extend(elements(&page, "CommonPrefixes").iter().map(|part| elements(part, "Prefix").remove(0)));
        match elements(&page, "NextContinuationToken").first() {
            Some(next) => token = format!("&continuation-token={next}"),
            None => return (keys, prefixes),
        }
    }
}

#[test]
fn lists_are_those_of_a_simple_model() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    let client = Client::of(&server);
    let mut keys = BTreeSet::new();
    for folder in ["", "a/", "a/b/", "a-b/", "a/b0/", "z/"] {
        for number in 0..7 {
            let key = format!("{folder}{}{number}", if number % 2 == 0 { "x" } else { "-" });
            assert_eq!(client.put(&format!("/shop/{key}"), &[], b"").status(), 200);
            keys.insert(key);
        }
    }
    for prefix in ["", "a", "a/", "a/b", "a/b/", "nothing", "z/x"] {
        for after in ["", "a/", "a/b/-1", "a-b/x4", "zz"] {
            for (delimiter, limit) in [("", 1000), ("", 3), ("/", 1000), ("/", 1), ("/", 2)] {
                let of_prefix = keys.iter().filter(|key| key.starts_with(prefix) && key.as_str() > after);
                let (mut own, mut common) = (Vec::new(), BTreeSet::new());
                for key in of_prefix {
                    match key[prefix.len()..].find('/') {
                        Some(place) if delimiter == "/" => {
                            common.insert(key[..=prefix.len() + place].to_owned());
                        }
                        _ => own.push(key.clone()),
                    }
                }
                let query = format!("&prefix={prefix}&start-after={after}&delimiter={delimiter}");
                let expected = (own, common.into_iter().collect());
                assert_eq!(walked(&client, &query, limit), expected, "{query}, {limit} a page");
            }
        }
    }
    assert_eq!(client.get("/other?list-type=2", &[]).status(), 404, "no such bucket");
}

#[test]
fn ranges_are_slices_and_conditions_of_reads_hold() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    let (client, body) = (Client::of(&server), "0123456789");
    let tag = header(&client.put("/shop/a%20b/%C3%BC", &[], body.as_bytes()), "etag");
    let path = "/shop/a%20b/%C3%BC";
    for (range, expected) in [
        ("bytes=0-3", "0123"),
        ("bytes=4-", "456789"),
        ("bytes=-3", "789"),
        ("bytes=-30", body),
        ("bytes=8-100", "89"),
    ] {
        let answer = client.get(path, &[("range", range)]);
        assert_eq!(answer.status(), 206);
        assert!(header(&answer, "content-range").ends_with("/10"));
        assert_eq!(text(answer), expected, "{range}");
    }
    for range in ["bytes=10-", "bytes=-0", "bytes=7-3", "bytes=a-b", "lines=1-2"] {
        assert_eq!(client.get(path, &[("range", range)]).status(), 416, "{range}");
    }
    assert_eq!(client.get(path, &[("if-match", &tag)]).status(), 200);
    assert_eq!(client.get(path, &[("if-match", "\"other\"")]).status(), 412);
    assert_eq!(client.get(path, &[("if-none-match", &tag)]).status(), 304);
    let head = client.send("HEAD", path, &[], b"");
    assert_eq!((header(&head, "content-length"), header(&head, "etag")), ("10".to_owned(), tag));
    assert_eq!(client.get("/shop/a%20b", &[]).status(), 404, "a folder is no object");
    for hostile in ["/shop/../other/x", "/shop/%2e%2e/x", "/shop//x", "/../x", "/shop/a/%2E/b", "/shop/%00"] {
        assert_eq!(client.put(hostile, &[], b"").status(), 400, "{hostile}");
    }
}

/// Begins an upload and returns its id.
fn begin(client: &Client, path: &str) -> String {
    elements(&text(client.send("POST", &format!("{path}?uploads="), &[], b"")), "UploadId").remove(0)
}

/// Document that lists parts by their tags.
fn parts(tags: &[String]) -> String {
    let part = |(tag, number): (&String, usize)| {
        let tag = tag.replace('"', "&quot;");
        format!("<Part><ETag>{tag}</ETag><PartNumber>{number}</PartNumber></Part>")
    };
    let parts: String = tags.iter().zip(1..).map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

#[test]
fn parts_become_an_object_in_one_step_and_in_their_order() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    let (client, path) = (Client::of(&server), "/shop/large");
    client.put("/shop/other", &[], b"copied");
    let id = begin(&client, path);
    let mut tags = vec![String::new(); 3];
    for number in [2, 1] {
        let to = format!("{path}?partNumber={number}&uploadId={id}");
        tags[number - 1] = header(&client.put(&to, &[], format!("part {number};").as_bytes()), "etag");
    }
    let to = format!("{path}?partNumber=3&uploadId={id}");
    tags[2] = header(&client.put(&to, &[("x-amz-copy-source", "shop/other")], b""), "etag");
    assert_eq!(client.get(path, &[]).status(), 404, "not before it is complete");

    let complete = |headers: &[(&str, &str)], tags: &[String]| {
        client.send("POST", &format!("{path}?uploadId={id}"), headers, parts(tags).as_bytes()).status()
    };
    assert_eq!(complete(&[], &["\"wrong\"".to_owned()]), 400);
    client.put(path, &[], b"was first");
    assert_eq!(complete(&[("if-none-match", "*")], &tags), 412);
    assert_eq!(text(client.get(path, &[])), "was first");
    assert_eq!(client.send("DELETE", path, &[], b"").status(), 204);
    assert_eq!(complete(&[("if-none-match", "*")], &tags), 200);
    assert_eq!(text(client.get(path, &[])), "part 1;part 2;copied");
    assert_eq!(complete(&[], &tags), 404, "it has ended");

    let id = begin(&client, path);
    let aborted = client.send("DELETE", &format!("{path}?uploadId={id}"), &[], b"");
    assert_eq!(aborted.status(), 204);
    let late = client.put(&format!("{path}?partNumber=1&uploadId={id}"), &[], b"late");
    assert_eq!(late.status(), 404);
    let kept = std::fs::read_dir(folder.path().join(".staged")).expect("lists").count();
    assert_eq!(kept, 0, "nothing is left aside");
}

#[test]
fn a_reader_beside_writers_sees_whole_objects() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    let body = |letter: u8| vec![letter; 100_000 + usize::from(letter)];
    Client::of(&server).put("/shop/object", &[], &body(b'a'));
    thread::scope(|scope| {
        let write = |letter: u8| {
            let client = Client::of(&server);
            (0..30).for_each(|_| drop(client.put("/shop/object", &[], &body(letter))));
        };
        let writers: Vec<_> = (b'b'..b'e').map(|letter| scope.spawn(move || write(letter))).collect();
        let client = Client::of(&server);
        while writers.iter().any(|writer| !writer.is_finished()) {
            let found = text(client.get("/shop/object", &[]));
            assert_eq!(found.as_bytes(), body(found.as_bytes()[0]));
        }
    });
}

#[test]
fn copies_and_deletions_of_many_do_what_they_say() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    let client = Client::of(&server);
    for key in ["a", "b", "deep/in/folders"] {
        client.put(&format!("/shop/{key}"), &[], key.as_bytes());
    }
    let copied = client.put("/shop/copy", &[("x-amz-copy-source", "/shop/deep/in/folders")], b"");
    assert!(text(copied).contains("<ETag>"));
    let again = client.put("/shop/copy", &[("x-amz-copy-source", "/shop/a"), ("if-none-match", "*")], b"");
    assert_eq!(again.status(), 412);
    let objects =
        ["a", "deep/in/folders", "not there"].map(|key| format!("<Object><Key>{key}</Key></Object>"));
    let document = format!("<Delete>{}</Delete>", objects.concat());
    let deleted = text(client.send("POST", "/shop?delete", &[], document.as_bytes()));
    assert_eq!(elements(&deleted, "Key").len(), 3);
    assert_eq!(walked(&client, "", 10).0, ["b", "copy"]);
    assert_eq!(client.put("/shop/deep", &[], b"its name is free").status(), 200);
}

#[test]
fn faults_are_those_that_are_set_and_everything_is_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server(folder.path());
    let client = Client::of(&server);
    server.set_faults(Faults { refused_of: 2, ..Faults::default() });
    assert_eq!(client.put("/shop/a", &[], b"12345").status(), 200);
    assert_eq!(client.put("/shop/b", &[], b"1").status(), 503);
    server.set_faults(Faults { lost_of: 3, ..Faults::default() });
    assert_eq!(client.put("/shop/c", &[], b"1").status(), 500);
    server.set_faults(Faults::default());
    assert_eq!(client.get("/shop/b", &[]).status(), 404, "nothing was done");
    assert_eq!(client.get("/shop/c", &[]).status(), 200, "it was done");
    assert_eq!(text(client.get("/shop/a", &[("range", "bytes=1-3")])), "234");

    let (puts, gets) = (server.counts().of(Kind::Put), server.counts().of(Kind::Get));
    assert_eq!((puts.requests, puts.refused, puts.received), (3, 1, 7));
    assert_eq!((gets.requests, gets.refused), (3, 1));
    assert!(gets.sent > 4);
    let told = text(client.get("/-/counts", &[]));
    assert!(told.contains("\"put\":{\"received\":7,\"refused\":1,\"requests\":3"), "{told}");
    client.send("DELETE", "/-/counts", &[], b"");
    assert_eq!(server.counts().total(), s3_server::Count::default());
}

#[test]
fn a_server_that_starts_again_has_the_objects_it_had() {
    let folder = tempfile::tempdir().expect("folder");
    let first = server(folder.path());
    let tag = header(&Client::of(&first).put("/shop/deep/in/a", &[], b"content"), "etag");
    drop(first);
    std::fs::write(folder.path().join("shop/by hand"), b"x").expect("writes");
    let second = Server::start(folder.path()).expect("starts");
    let client = Client::of(&second);
    let kept = client.put("/shop/deep/in/a", &[("if-match", &tag)], b"changed");
    assert_eq!(kept.status(), 200, "under the tag of before");
    assert_eq!(walked(&client, "", 10).0, ["by hand", "deep/in/a"]);
}
