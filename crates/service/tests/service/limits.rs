//! Bounds: bodies, times, connections and waiting lookups. Others are answered meanwhile.

use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};

use crate::{
    client::{Request, connect, read_answer},
    server::{Server, npy, png},
};

fn lookup(server: &Server) -> Request {
    Request::find("collection=shop", "application/x-npy", npy(&server.rows[7..8]))
}

fn is_served(server: &Server) {
    assert_eq!(server.send(&lookup(server)).best(), [7]);
    assert_eq!(server.send(&Request::find("collection=shop", "image/png", png(9))).best(), [9]);
}

#[test]
fn bodies_beyond_the_bound_are_refused_and_their_senders_read_why() {
    let server = Server::with(|settings| settings.max_upload = 10_000);
    let announced = Request::find("collection=shop", "image/png", vec![7; 10_001]);
    assert_eq!(server.send(&announced).status, 413);
    assert_eq!(server.send(&Request::find("collection=shop", "image/png", vec![7; 5_000_000])).status, 413);
    let mut chunks = format!("{:x}\r\n", 6000).into_bytes();
    chunks.extend(vec![7; 6000]);
    let body = [chunks.as_slice(), b"\r\n", &chunks, b"\r\n0\r\n\r\n"].concat();
    let chunked = Request::find("collection=shop", "image/png", body).header("transfer-encoding", "chunked");
    let answer = server.send(&chunked);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let patch =
        Request::new("PATCH", "/v1/entries/7?collection=shop").body("application/json", vec![b' '; 20_000]);
    assert_eq!(server.send(&patch).status, 413);
    is_served(&server);
}

#[test]
fn chunked_bodies_are_read() {
    let server = Server::start();
    let picture = png(33);
    let (first, rest) = picture.split_at(100);
    let mut body = Vec::new();
    for part in [first, rest] {
        body.extend(format!("{:x}\r\n", part.len()).as_bytes());
        body.extend(part);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    let chunked = Request::find("collection=shop", "image/png", body).header("transfer-encoding", "chunked");
    assert_eq!(server.send(&chunked).best(), [33]);
}

#[test]
fn bodies_together_take_no_more_memory_than_is_allowed() {
    let server = Server::with(|settings| (settings.max_upload, settings.max_uploads) = (1 << 20, 1 << 20));
    let large = Request::find("collection=shop", "image/png", vec![7; 900_000]);
    let mut half = connect(server.address);
    half.write_all(&large.head()).unwrap();
    half.write_all(&large.body[..800_000]).unwrap();
    thread::sleep(Duration::from_millis(300));
    let answer = server.send(&large);
    assert_eq!(answer.status, 429, "{}", answer.text());
    is_served(&server);
    half.write_all(&large.body[800_000..]).unwrap();
    assert_eq!(read_answer(&mut half).map(|answer| answer.status), Some(415), "no picture, but read");
    assert_eq!(server.send(&large).status, 415, "the memory is free again");
}

#[test]
fn slow_and_half_bodies_hold_no_worker() {
    let server = Server::with(|settings| {
        settings.workers = 1;
        settings.body_time = Duration::from_millis(800);
    });
    let picture = Request::find("collection=shop", "image/png", png(7));
    let mut slow: Vec<_> = (0..30).map(|_| connect(server.address)).collect();
    for stream in &mut slow {
        stream.write_all(&picture.head()).unwrap();
        stream.write_all(&picture.body[..50]).unwrap();
    }
    let gone = slow.split_off(15);
    drop(gone);
    is_served(&server);
    for stream in &mut slow {
        let answer = read_answer(stream).expect("an answer");
        assert_eq!(
            (answer.status, answer.detail().contains("did not arrive")),
            (408, true),
            "{}",
            answer.text()
        );
    }
    is_served(&server);
}

/// Allows this process the sockets of a thousand connections, of which both ends are in it.
fn many_files() {
    #[cfg(unix)]
    {
        let allowed = rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
        assert!(allowed > 2500, "the system allows {allowed} open files, and this test needs more");
    }
}

#[test]
fn connections_that_send_nothing_are_closed_and_others_are_served_meanwhile() {
    let server = Server::with(|settings| settings.head_time = Duration::from_secs(2));
    many_files();
    let mut idle: Vec<_> = (0..1000).map(|_| connect(server.address)).collect();
    for stream in idle.iter_mut().skip(500) {
        stream.write_all(b"POST /v1/find HTTP/1.1\r\nhost: loc").unwrap();
    }
    is_served(&server);
    let started = Instant::now();
    for stream in &mut idle {
        let mut bytes = Vec::new();
        // An end, whether it is a clean one or not.
        let _ = stream.read_to_end(&mut bytes);
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    is_served(&server);
}

#[test]
fn callers_that_take_no_answer_are_cut_off_and_others_are_served() {
    let server = Server::with(|settings| {
        settings.connections = 1;
        settings.answer_time = Duration::from_millis(500);
    });
    let mut stalled = connect(server.address);
    // Their answers are tens of megabytes, far more than sockets hold.
    let request = b"GET /assets/style.css HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(20_000);
    stalled.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let _ = stalled.write_all(&request);
    is_served(&server);
}

#[test]
fn queries_and_matches_are_bounded_before_they_are_looked_up() {
    let server = Server::start();
    let list = format!("[{}{{}}]", "{},".repeat(1 << 20));
    let many = server.send(&Request::find("collection=shop", "application/json", list.into_bytes()));
    assert_eq!(many.status, 413, "{}", many.text());
    let rows: Vec<Vec<f32>> = server.rows.iter().cycle().take(1000).cloned().collect();
    let wide = server.send(&Request::find("collection=shop&k=1000", "application/x-npy", npy(&rows)));
    assert_eq!(wide.status, 413, "{}", wide.text());
    let narrow = server.send(&Request::find("collection=shop&k=100", "application/x-npy", npy(&rows)));
    assert_eq!(narrow.status, 200);
}

#[test]
fn connections_beyond_the_bound_wait_until_others_end() {
    let server = Server::with(|settings| {
        settings.connections = 4;
        settings.head_time = Duration::from_secs(1);
    });
    let idle: Vec<_> = (0..4).map(|_| connect(server.address)).collect();
    let started = Instant::now();
    is_served(&server);
    assert!(started.elapsed() > Duration::from_millis(300), "it waited");
    drop(idle);
}

#[test]
fn lookups_beyond_the_bound_are_told_to_come_again() {
    let server = Server::with(|settings| (settings.workers, settings.waiting) = (2, 3));
    server.door.set_closed(true);
    thread::scope(|scope| {
        let server = &server;
        let call =
            |n| scope.spawn(move || server.send(&Request::find("collection=shop", "image/png", png(n))));
        let mut callers = vec![call(0)];
        while server.calls.lock().unwrap().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        callers.extend((1..12).map(call));
        let refused = || callers.iter().filter(|caller| caller.is_finished()).count();
        let started = Instant::now();
        while refused() < 8 {
            assert!(started.elapsed() < Duration::from_secs(20), "{} were refused", refused());
            thread::sleep(Duration::from_millis(5));
        }
        server.door.set_closed(false);
        let mut statuses: Vec<u16> = Vec::new();
        for (n, caller) in callers.into_iter().enumerate() {
            let answer = caller.join().unwrap();
            statuses.push(answer.status);
            match answer.status {
                200 => assert_eq!(answer.best(), [n as i64]),
                status => assert_eq!((status, answer.header("retry-after")), (429, "1")),
            }
        }
        let answered = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(answered, 4, "one in the network and three that waited: {statuses:?}");
    });
    is_served(&server);
}
