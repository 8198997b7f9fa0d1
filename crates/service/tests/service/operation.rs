//! Probes, metrics, paths that are not there, and the two ways to an end.

use std::{
    io::Write,
    net::TcpStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use active_index_service::{Error, Served, Service, Settings};

use crate::{
    client::{self, Request},
    server::{Door, Server, npy, png},
};

#[test]
fn while_the_network_loads_descriptors_are_looked_up_and_pictures_are_not() {
    let door = Arc::new(Door::default());
    door.set_closed(true);
    let server = Server::holding(door, |_| ());
    assert_eq!(server.send(&Request::get("/healthz")).status, 200);
    let ready = server.send(&Request::get("/readyz"));
    assert_eq!((ready.status, ready.detail().contains("loaded")), (503, true));
    let picture = Request::find("collection=shop", "image/png", png(7));
    assert_eq!(server.send(&picture).status, 503);
    let rows = Request::find("collection=shop", "application/x-npy", npy(&server.rows[7..8]));
    assert_eq!(server.send(&rows).best(), [7]);
    server.door.set_closed(false);
    server.wait_until_ready();
    assert_eq!(server.send(&picture).best(), [7]);
}

#[test]
fn a_network_that_cannot_be_loaded_ends_the_service() {
    let server = Server::start();
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let service = Service::bind(settings, vec![Served::new("shop", server.shop.clone()).unwrap()]).unwrap();
    let ended = service.run(|_| Err("no such weights".into()));
    assert!(
        matches!(&ended, Err(Error::Network(error)) if error.to_string() == "no such weights"),
        "{ended:?}"
    );
}

#[test]
fn metrics_count_what_was_done() {
    let server = Server::start();
    server.send(&Request::find("collection=shop", "image/png", png(7)));
    server.send(&Request::find("collection=shop", "image/png", "none"));
    server.send(&Request::find("collection=shop", "application/x-npy", npy(&server.rows[..3])));
    server.send(&Request::get("/nothing/to/see"));
    let text = server.send(&Request::get("/metrics")).text();
    for line in [
        r#"active_index_queries_total{collection="shop",verdict="match"} 4"#,
        r#"active_index_queries_total{collection="shop",verdict="failed"} 1"#,
        r#"active_index_requests_total{route="/v1/find",method="POST",status="200"} 2"#,
        r#"active_index_requests_total{route="/v1/find",method="POST",status="415"} 1"#,
        r#"active_index_requests_total{route="none",method="GET",status="404"} 1"#,
        r#"active_index_request_duration_seconds_count{route="/v1/find"} 3"#,
        r#"active_index_lookup_duration_seconds_count{collection="shop"} 3"#,
        "active_index_network_batch_views_count 1",
        "active_index_waiting_lookups 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in:\n{text}");
    }
}

#[test]
fn paths_and_methods_that_are_not_there_are_problems() {
    let server = Server::start();
    for target in
        ["/v1", "/v1/", "/v3", "/v1/find/", "/v2/find", "/v1/entries/7/other", "/../etc/passwd", "/%00"]
    {
        assert_eq!(server.send(&Request::get(target)).status, 404, "{target}");
    }
    let answer = server.send(&Request::get("/v1/find"));
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    let head = server.send(&Request::new("HEAD", "/healthz"));
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn requests_keep_the_ids_that_callers_gave_them() {
    let server = Server::start();
    let id = |id: &str| {
        server.send(&Request::get("/healthz").header("x-request-id", id)).header("x-request-id").to_owned()
    };
    assert_eq!(id("desk-7.a"), "desk-7.a");
    assert!(id("two words") != "two words" && id("") != id(""));
}

#[test]
fn what_was_accepted_is_answered_before_the_end() {
    let mut server = Server::with(|settings| settings.workers = 3);
    server.door.set_closed(true);
    let address = server.address;
    let requests: Vec<_> = (0..6)
        .map(|n| thread::spawn(move || Request::find("collection=shop", "image/png", png(n)).send(address)))
        .collect();
    // Half a head that arrives before the end; the rest comes after it.
    let mut late = client::connect(address);
    late.write_all(b"GET /readyz HTTP/1.1\r\nhost: loc").unwrap();
    while server.calls.lock().unwrap().is_empty() || waiting(&server) < 4 {
        thread::sleep(Duration::from_millis(5));
    }
    server.shutdown.begin();
    let started = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(10), "nothing more is accepted");
        thread::sleep(Duration::from_millis(5));
    }
    late.write_all(b"alhost\r\nconnection: close\r\n\r\n").unwrap();
    let ready = client::read_answer(&mut late).expect("an answer");
    assert_eq!((ready.status, ready.detail().contains("shutting down")), (503, true));
    server.door.set_closed(false);
    for (n, request) in requests.into_iter().enumerate() {
        let answer = request.join().unwrap();
        assert_eq!((answer.status, answer.best()), (200, vec![n as i64]), "{}", answer.text());
    }
    assert!(server.end().is_some_and(|ended| ended.is_ok()));
}

/// Lookups that wait for a worker.
fn waiting(server: &Server) -> usize {
    let text = server.send(&Request::get("/metrics")).text();
    let line = text.lines().find_map(|line| line.strip_prefix("active_index_waiting_lookups "));
    line.and_then(|number| number.parse().ok()).expect("a number")
}
