//! `healthcheck`: asks a service on this machine whether it answers, for containers that have no other client.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Result, ensure};
use serde::Serialize;
use ureq::Agent;

use crate::{
    args::Healthcheck,
    report::Report,
    session::{Outcome, Session, output::one_line},
};

/// Longest time until an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// State of a service.
#[derive(Serialize)]
struct HealthReport {
    url: String,
    healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub fn run(arguments: &Healthcheck, session: &Session) -> Result<Outcome> {
    let path = if arguments.ready { "readyz" } else { "healthz" };
    let url = format!("http://{}/{path}", reachable(arguments.address));
    let error = ask(&url).err().map(|error| one_line(&error));
    error.iter().for_each(|error| session.failure(&url, error));
    let outcome = Outcome::of(error.is_some());
    let report = Report::new(HealthReport { url, healthy: error.is_none(), error });
    if session.globals().json || report.body.healthy {
        session.result(&report, || format!("{}: healthy", report.body.url))?;
    }
    Ok(outcome)
}

/// Returns an address that can be asked for one that is listened on.
fn reachable(listened: SocketAddr) -> SocketAddr {
    let ip = match listened {
        SocketAddr::V4(address) if address.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address.ip(),
    };
    SocketAddr::new(ip, listened.port())
}

/// Asks once, without a proxy and without following redirections.
///
/// # Errors
/// If there is no answer in time, or one that is no success.
fn ask(url: &str) -> Result<()> {
    let config = Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None);
    let agent: Agent = config.max_redirects(0).http_status_as_error(false).build().into();
    let status = agent.get(url).call()?.status();
    ensure!(status.is_success(), "answers {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_interfaces_mean_this_machine() {
        for (listened, asked) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:2", "[::1]:2"),
            ("10.0.0.1:3", "10.0.0.1:3"),
            ("[fe80::1]:4", "[fe80::1]:4"),
        ] {
            assert_eq!(reachable(listened.parse().unwrap()), asked.parse().unwrap(), "{listened}");
        }
    }
}
