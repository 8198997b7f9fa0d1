//! Measures lookups a second, how long they take, and the share of the network: each request holds one row of a file, or one
//! picture of a folder.
//!
//! ```text
//! active-index serve --collection C --listen 127.0.0.1:8080
//! cargo run --release -p cli -p active-index-service --example load -- 127.0.0.1:8080 QUERIES CONNECTIONS SECONDS 'k=10&effort=low'
//! ```
//!
//! The callers run on the same machine, and take their share of it.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use index::npy;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file, connections, seconds, query] = &arguments[..] else {
        return Err("expected ADDRESS QUERIES CONNECTIONS SECONDS PARAMETERS".into());
    };
    let (connections, time) = (connections.parse::<usize>()?, Duration::from_secs_f64(seconds.parse()?));
    let requests = requests(Path::new(file), query)?;
    let (started, busy) = (Instant::now(), network_seconds(address)?);
    let mut took: Vec<Duration> = thread::scope(|scope| {
        let call = |first: usize| {
            let requests = requests.iter().cycle().skip(first * requests.len() / connections.max(1));
            scope.spawn(move || lookups(address, requests, started + time))
        };
        let callers: Vec<_> = (0..connections).map(call).collect();
        let parts = callers.into_iter().map(|caller| caller.join().map_err(|_| "a caller panicked")?);
        Ok::<_, Failure>(parts.collect::<Result<Vec<_>, _>>()?.concat())
    })?;
    took.sort_unstable();
    let elapsed = started.elapsed();
    report(&took, elapsed, (network_seconds(address)? - busy) / elapsed.as_secs_f64());
    Ok(())
}

/// Requests of the rows of a `.npy` file, or of the files of a folder.
fn requests(queries: &Path, query: &str) -> Result<Vec<Vec<u8>>, Failure> {
    if !queries.is_dir() {
        let matrix = npy::read(queries)?;
        return Ok(matrix.values.chunks_exact(matrix.d).map(|row| row_request(row, query)).collect());
    }
    let mut files =
        fs::read_dir(queries)?.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    files.iter().map(|file| Ok(request("application/octet-stream", &fs::read(file)?, query))).collect()
}

/// Seconds in which the network has computed, from the service's metrics.
fn network_seconds(address: &str) -> Result<f64, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let seconds =
        answer.lines().find_map(|line| line.strip_prefix("active_index_network_busy_seconds_total "));
    Ok(seconds.ok_or("no metrics of the network")?.trim().parse()?)
}

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn report(took: &[Duration], elapsed: Duration, network: f64) {
    let at = |share: f64| took.get(((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1)));
    let milliseconds = |share| at(share).map_or(0.0, |time| 1e3 * time.as_secs_f64());
    println!(
        "{} lookups, {:.1} a second; p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, longest {:.2} ms; network {:.1} % of the time",
        took.len(),
        took.len() as f64 / elapsed.as_secs_f64(),
        milliseconds(0.5),
        milliseconds(0.9),
        milliseconds(0.99),
        milliseconds(1.0),
        100.0 * network,
    );
}

/// Bytes of a request with one row.
fn row_request(row: &[f32], query: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {}), }}\n", row.len());
    let mut body = b"\x93NUMPY\x01\x00".to_vec();
    body.extend((header.len() as u16).to_le_bytes());
    body.extend(header.as_bytes());
    body.extend(row.iter().flat_map(|value| value.to_le_bytes()));
    request("application/x-npy", &body, query)
}

/// Bytes of a request.
fn request(media_type: &str, body: &[u8], query: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /v1/find?{query} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Sends requests on one connection, each after the answer to the last, and returns how long each took.
fn lookups<'a>(
    address: &str,
    requests: impl Iterator<Item = &'a Vec<u8>>,
    end: Instant,
) -> Result<Vec<Duration>, Failure> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    let mut took = Vec::new();
    for request in requests {
        let started = Instant::now();
        if started >= end {
            break;
        }
        stream.get_mut().write_all(request)?;
        read_answer(&mut stream)?;
        took.push(started.elapsed());
    }
    Ok(took)
}

/// Reads an answer with a length, which must have status 200.
fn read_answer(stream: &mut BufReader<TcpStream>) -> Result<(), Failure> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200 ") {
        return Err(format!("answered with {}", line.trim()).into());
    }
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse()?,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    Ok(stream.read_exact(&mut body)?)
}
