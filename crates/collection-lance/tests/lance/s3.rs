//! The promises on an S3 server on loopback: the tests of this program, run by it once more with places on the server.

use std::{env, process::Command};

use s3_server::{Faults, Kind, Server};

use crate::place::PLACES;

/// Runs tests with places on a server.
fn run_on(server: &Server, arguments: &[&str]) {
    server.create_bucket("shop").expect("creates");
    let program = env::current_exe().expect("this program");
    let mut tests = Command::new(program);
    tests.args(arguments).env(PLACES, "s3://shop/promises").envs(server.variables());
    let output = tests.output().expect("starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "on S3:\n{text}\n{errors}");
    println!("{}", text.lines().filter(|line| line.starts_with("test ")).collect::<Vec<_>>().join("\n"));
}

/// Returns true in the tests that another one has started on a server.
fn is_child() -> bool {
    env::var_os(PLACES).is_some()
}

#[test]
fn the_promises_hold_on_s3() {
    if is_child() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(folder.path()).expect("starts");
    run_on(&server, &["promises::"]);
    let counts = server.counts();
    assert!(counts.of(Kind::Put).refused > 0, "writers met each other: {counts:?}");
}

#[test]
#[ignore = "slow: the kill loops and a minute of eight processes, on S3"]
fn the_slow_promises_hold_on_s3() {
    if is_child() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(folder.path()).expect("starts");
    run_on(&server, &["promises::", "--ignored"]);
}

/// An object store refuses requests when there are too many, and clients ask again.
#[test]
#[ignore = "slow: clients wait before they ask again"]
fn the_promises_hold_on_s3_that_refuses_requests() {
    if is_child() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(folder.path()).expect("starts");
    server.set_faults(Faults { refused_of: 29, ..Faults::default() });
    run_on(&server, &["promises::entries", "promises::witnesses", "promises::reviews", "promises::sample"]);
}

/// A put whose answer is lost was done all the same; the client puts again, and meets its own object.
#[test]
#[ignore = "slow: clients wait before they ask again"]
fn the_promises_hold_on_s3_that_loses_answers() {
    if is_child() {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(folder.path()).expect("starts");
    server.set_faults(Faults { lost_of: 23, ..Faults::default() });
    run_on(&server, &["promises::entries", "promises::witnesses", "promises::reviews", "promises::sample"]);
}
