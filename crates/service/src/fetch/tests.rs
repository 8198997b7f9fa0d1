//! Fetches from servers of this machine, which a rule of the tests allows, and refusals of them by the rule that holds.

use std::{
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use ureq::{
    config::Config, http::Uri, unversioned::resolver::ResolvedSocketAddrs,
    unversioned::transport::NextTimeout,
};

use super::*;

/// Longest time of a fetch in these tests.
const SHORT: Duration = Duration::from_millis(1500);

/// Server of answers by their paths; each answer ends its connection.
struct Server {
    address: SocketAddr,
    /// Request lines, as they came.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, seen, answer) = (stream.unwrap(), seen.clone(), answer.clone());
                thread::spawn(move || {
                    let line = head(&stream);
                    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                    seen.lock().unwrap().push(line);
                    answer(&path, &mut stream);
                });
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> WebAddress {
        WebAddress::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// First line of a request, which is read to the end of its head.
fn head(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    first
}

fn say(stream: &mut TcpStream, text: &str) {
    // The fetcher may be gone.
    let _ = stream.write_all(text.as_bytes());
}

fn redirect(stream: &mut TcpStream, to: &str) {
    say(
        stream,
        &format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
    );
}

fn content(stream: &mut TcpStream, bytes: &str) {
    say(
        stream,
        &format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{bytes}", bytes.len()),
    );
}

fn loopback(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn fetcher(turns: usize) -> (Fetcher, Memory) {
    let (bounds, memory) = (Bounds { most_bytes: 100_000, turns, time: SHORT }, Memory::new(1 << 20));
    (Fetcher::with(bounds, memory.clone(), loopback, DefaultResolver::default), memory)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn refusal(fetcher: &Fetcher, url: &WebAddress) -> (u16, String) {
    let problem = run(fetcher.fetch(url)).expect_err("it is refused");
    (problem.status, problem.detail)
}

#[test]
fn what_is_at_an_address_is_fetched_whole() {
    let server = Server::start(|path, stream| match path {
        "/chunks" => say(
            stream,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        ),
        "/end" => say(stream, "HTTP/1.0 200 OK\r\n\r\nabcde"),
        _ => content(stream, "abcde"),
    });
    let (fetcher, memory) = fetcher(4);
    for path in ["/length", "/chunks", "/end"] {
        let fetched =
            run(fetcher.fetch(&server.url(path))).unwrap_or_else(|problem| panic!("{}", problem.detail));
        assert_eq!(&fetched[..], b"abcde", "{path}");
        assert!(
            Share::default().cover(&memory, 1 << 20).is_err(),
            "the bytes have their share of the memory"
        );
        drop(fetched);
        Share::default().cover(&memory, 1 << 20).expect("it is given back");
    }
    assert_eq!(server.requests(), 3, "each fetch connects anew");
}

#[test]
fn this_machine_is_never_reached_whatever_it_is_called() {
    let server = Server::start(|_, stream| content(stream, "secret"));
    let own = Fetcher::new(100_000, Memory::new(1 << 20));
    let port = server.address.port();
    let unknown = refusal(&own, &WebAddress::parse("http://there-is-no-such-name.invalid/").unwrap());
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "[::]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
    ] {
        for url in [format!("http://{host}:{port}/a.jpg"), format!("https://{host}:{port}/a.jpg")] {
            let refusal = refusal(&own, &WebAddress::parse(&url).unwrap());
            assert_eq!(refusal, unknown, "{url}: the answer tells nothing of what is not public");
        }
    }
    assert_eq!(server.requests(), 0);
    assert!(own.agent.config().proxy().is_none() && own.secure.config().proxy().is_none());
}

#[test]
fn redirects_are_few_and_each_is_checked() {
    let hidden = Server::start(|_, stream| content(stream, "secret"));
    let port = hidden.address.port();
    let server = Server::start(move |path, stream| match path {
        "/1" => redirect(stream, "/2"),
        "/2" => redirect(stream, "three"),
        "/three" => content(stream, "end"),
        "/loop" => redirect(stream, "/loop"),
        "/private" => redirect(stream, &format!("http://127.0.0.2:{port}/")),
        "/mapped" => redirect(stream, &format!("http://[::ffff:127.0.0.1]:{port}/")),
        "/file" => redirect(stream, "file:///etc/passwd"),
        "/credentials" => redirect(stream, &format!("http://a:b@127.0.0.1:{port}/")),
        "/empty" => say(stream, "HTTP/1.1 302 Found\r\nconnection: close\r\n\r\n"),
        _ => say(stream, "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\nconnection: close\r\n\r\nno!"),
    });
    let (fetcher, _) = fetcher(4);
    assert_eq!(&run(fetcher.fetch(&server.url("/1"))).expect("is fetched")[..], b"end");
    for (path, expected) in [
        ("/loop", "more than 3 times"),
        ("/private", "no public address"),
        ("/mapped", "no public address"),
        ("/file", "not"),
        ("/credentials", "not allowed"),
        ("/empty", "not"),
        ("/none", "status 404"),
    ] {
        let (status, detail) = refusal(&fetcher, &server.url(path));
        assert!(status == 422 && detail.contains(expected), "{path}: {status} {detail}");
        assert!(!detail.contains("secret") && !detail.contains("passwd"), "{detail}");
    }
    assert_eq!(hidden.requests(), 0);
}

#[test]
fn the_secure_agent_speaks_https_alone() {
    let server = Server::start(|_, stream| content(stream, "abc"));
    let (fetcher, _) = fetcher(4);
    let refused = run(fetcher.fetch_securely(&server.url("/"), 100)).expect_err("it is refused");
    assert_eq!((refused.status, server.requests()), (422, 0), "{}", refused.detail);
    let https = WebAddress::parse(&server.url("/").uri().to_string().replace("http:", "https:")).unwrap();
    let refused = run(fetcher.fetch_securely(&https, 100)).expect_err("it speaks no TLS");
    assert_eq!(refused.status, 422, "{}", refused.detail);
}

#[test]
fn too_many_bytes_are_refused_whether_they_are_announced_or_not() {
    let server = Server::start(|path, stream| match path {
        "/announced" => say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n"),
        "/exact" => content(stream, &"a".repeat(100_000)),
        _ => {
            say(stream, "HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[7; 4096]).is_ok() {}
        }
    });
    let (fetcher, memory) = fetcher(4);
    assert_eq!(run(fetcher.fetch(&server.url("/exact"))).expect("is fetched").len(), 100_000);
    for path in ["/announced", "/endless"] {
        assert_eq!(refusal(&fetcher, &server.url(path)).0, 413, "{path}");
    }
    Share::default().cover(&memory, 1 << 20).expect("nothing is kept");
    let mut taken = Share::default();
    taken.cover(&memory, 1 << 20).unwrap();
    assert_eq!(refusal(&fetcher, &server.url("/exact")).0, 429, "bodies have taken all memory");
}

#[test]
fn slow_servers_are_given_up() {
    let server = Server::start(|path, stream| {
        if path == "/drops" {
            say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
            while stream.write_all(b"a").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        }
        thread::sleep(4 * SHORT);
    });
    let (fetcher, _) = fetcher(4);
    for path in ["/silent", "/drops"] {
        let started = Instant::now();
        let (status, detail) = refusal(&fetcher, &server.url(path));
        assert!(status == 422 && detail.contains("within 1.5 seconds"), "{path}: {status} {detail}");
        assert!(started.elapsed() < 2 * SHORT, "{path}: {:?}", started.elapsed());
    }
}

#[test]
fn damaged_answers_are_refused() {
    let server = Server::start(|path, stream| match path {
        "/short" => say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc"),
        "/garbage" => say(stream, "\x01\x02 no answer\r\n\r\n"),
        "/head" => say(stream, &format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(1 << 20))),
        _ => {}
    });
    let (fetcher, _) = fetcher(4);
    for path in ["/short", "/garbage", "/head", "/nothing"] {
        let (status, detail) = refusal(&fetcher, &server.url(path));
        assert!(status == 422 && detail.contains("did not answer"), "{path}: {status} {detail}");
    }
}

#[test]
fn fetches_at_once_are_bounded() {
    let server = Server::start(|_, stream| {
        thread::sleep(Duration::from_millis(1200));
        content(stream, "abc");
    });
    let (fetcher, _) = fetcher(1);
    let urls: Vec<WebAddress> = (0..4).map(|n| server.url(&format!("/{n}"))).collect();
    let mut statuses = run(async {
        let fetches = urls.iter().map(|url| fetcher.fetch(url));
        futures_util::future::join_all(fetches)
            .await
            .into_iter()
            .map(|fetched| fetched.map_or_else(|p| p.status, |_| 200))
    })
    .collect::<Vec<_>>();
    statuses.sort_unstable();
    assert!(statuses.contains(&200) && statuses.ends_with(&[429, 429]), "{statuses:?}");
    assert!(server.requests() <= 2);
}

/// Resolver that answers with this machine's public side once, and then with its private one, as a name of an attacker does.
#[derive(Debug, Clone, Default)]
struct Rebinding(Arc<AtomicUsize>);

impl Resolver for Rebinding {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let address = if count == 0 { [127, 0, 0, 1] } else { [127, 0, 0, 2] };
        let mut addresses = self.empty();
        addresses.push((address, uri.port_u16().unwrap()).into());
        Ok(addresses)
    }
}

#[test]
fn the_address_that_is_checked_is_the_one_that_is_connected_to() {
    let server = Server::start(|path, stream| match path {
        "/again" => redirect(stream, "/"),
        _ => content(stream, "abc"),
    });
    let names = Rebinding::default();
    let fetch = |path: &str| {
        names.0.store(0, Ordering::SeqCst);
        let bounds = Bounds { most_bytes: 1000, turns: 4, time: SHORT };
        let fetcher = Fetcher::with(bounds, Memory::new(1 << 20), loopback, || names.clone());
        let url = format!("http://rebinding.example:{}{path}", server.address.port());
        run(fetcher.fetch(&WebAddress::parse(&url).unwrap())).map_err(|p| p.detail)
    };
    assert_eq!(fetch("/").as_deref(), Ok(&b"abc"[..]));
    assert_eq!(names.0.load(Ordering::SeqCst), 1, "one lookup for one connection");
    let refused = fetch("/again").expect_err("the second connection has an address of its own");
    assert!(refused.contains("no public address"), "{refused}");
    assert_eq!(names.0.load(Ordering::SeqCst), 2);
}
