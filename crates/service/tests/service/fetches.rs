//! Pictures at addresses: nothing is fetched unless the service was started to, and never from this machine.
//!
//! Fetches that succeed are tested in the library, because no setting allows an address of this machine.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Request},
    server::{Server, png},
};

/// Server of this machine that counts who connects.
struct Trap {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let (port, connections) =
            (listener.local_addr().expect("an address").port(), Arc::new(AtomicUsize::new(0)));
        let count = connections.clone();
        thread::spawn(move || {
            listener.incoming().for_each(|_| {
                count.fetch_add(1, Ordering::SeqCst);
            })
        });
        Self { port, connections }
    }

    fn is_untouched(&self) -> bool {
        self.connections.load(Ordering::SeqCst) == 0
    }
}

fn fetching() -> Server {
    Server::with(|settings| settings.allow_fetch = true)
}

fn find(server: &Server, list: &Value) -> Answer {
    server.send(&Request::find("collection=shop", "application/json", list.to_string()))
}

fn reference(server: &Server, query: &str, body: &Value) -> Answer {
    server.send(&Request::new("POST", format!("/c2pa/v1/matches/byReference?{query}")).json(body))
}

#[test]
fn without_the_setting_nothing_is_fetched() {
    let (server, trap) = (Server::start(), Trap::set());
    let url = format!("http://127.0.0.1:{}/a.png", trap.port);
    let answer = find(&server, &json!([{"url": url}, {"image": BASE64_STANDARD.encode(png(7))}]));
    assert_eq!(
        (answer.status, answer.detail().contains("fetches nothing")),
        (400, true),
        "{}",
        answer.text()
    );
    let answer =
        reference(&server, "", &json!({"referenceUrl": url.replace("http:", "https:"), "assetLength": 1000}));
    assert_eq!(
        (answer.status, answer.detail().contains("fetches nothing")),
        (501, true),
        "{}",
        answer.text()
    );
    assert!(trap.is_untouched());
}

#[test]
fn an_address_of_this_machine_is_an_error_of_its_query_and_is_not_connected_to() {
    let (server, trap) = (fetching(), Trap::set());
    let hosts =
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "169.254.169.254"];
    let mut list: Vec<Value> = hosts
        .iter()
        .map(|host| json!({"name": host, "url": format!("http://{host}:{}/a", trap.port)}))
        .collect();
    list.push(json!({"url": "http://there-is-no-such-name.invalid/a.jpg"}));
    list.insert(3, json!({"name": "here", "image": BASE64_STANDARD.encode(png(7))}));
    let answer = find(&server, &list.into());
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.best(), [-1, -1, -1, 7, -1, -1, -1, -1, -1]);
    let json = answer.json();
    let errors: Vec<&Value> =
        json["queries"].as_array().expect("queries").iter().map(|query| &query["error"]).collect();
    let refused = errors[0].as_str().expect("an error");
    assert!(refused.contains("no public address"), "{refused}");
    for (place, error) in errors.iter().enumerate() {
        assert_eq!(error.as_str(), (place != 3).then_some(refused), "all are refused alike");
    }
    assert!(trap.is_untouched());
}

#[test]
fn malformed_addresses_and_too_many_are_refused() {
    let server = fetching();
    for (list, status, reason) in [
        (json!([{"url": "ftp://example.org/a"}]), 400, "http://"),
        (
            json!([{"name": "a", "url": "https://user:secret@example.org/"}]),
            400,
            "url a: the address must hold no user",
        ),
        (json!([{"url": "a.jpg"}]), 400, "url 0"),
        (json!([{"url": "http://a.b/", "image": ""}]), 400, "either"),
        (json!(vec![json!({"url": "http://a.b/"}); 33]), 413, "32 are allowed"),
    ] {
        let answer = find(&server, &list);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.detail().contains(reason) && !answer.detail().contains("secret"), "{}", answer.text());
    }
}

#[test]
fn references_of_c2pa_are_fetched_securely_or_not_at_all() {
    let (server, trap) = (fetching(), Trap::set());
    let own = format!("https://127.0.0.1:{}/a.png", trap.port);
    let with = |change: Value| {
        let mut body = json!({"referenceUrl": own, "assetLength": 1000, "assetType": "image/png"});
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        body
    };
    for (query, body, status, reason) in [
        ("", with(json!({})), 400, "no public address"),
        ("", with(json!({"referenceUrl": own.replace("https:", "http:")})), 400, "https://"),
        ("", with(json!({"referenceUrl": "https://a:b@example.org/"})), 400, "no user"),
        ("", with(json!({"assetType": "video/mp4"})), 415, "video/mp4"),
        ("", with(json!({"region": [{"type": "spatial"}]})), 400, "regions"),
        ("", with(json!({"assetLength": -1})), 400, "the body"),
        ("", json!({"referenceUrl": own}), 400, "assetLength"),
        ("alg=other", with(json!({})), 400, "internal.active-index"),
        ("collection=other", with(json!({})), 404, "shop, press"),
    ] {
        let answer = reference(&server, query, &body);
        assert!(
            answer.status == status && answer.detail().contains(reason),
            "{status} {reason}: {}",
            answer.text()
        );
    }
    assert!(trap.is_untouched());
}
