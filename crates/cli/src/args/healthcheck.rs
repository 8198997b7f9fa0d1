//! Arguments of `healthcheck`.

use std::net::SocketAddr;

use clap::Args;

/// Examples of `healthcheck --help`.
pub const EXAMPLES: &str = "\
The exit code is 0 if the service answers within 3 seconds, and 1 otherwise.

Examples:
  active-index healthcheck
  active-index healthcheck 127.0.0.1:9000 --ready";

/// Arguments of `healthcheck`.
#[derive(Debug, Args)]
pub struct Healthcheck {
    /// Address that the service listens on; of 0.0.0.0 or [::], this machine is asked
    #[arg(default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub address: SocketAddr,
    /// Ask for `/readyz`: whether pictures can be looked up already
    #[arg(long)]
    pub ready: bool,
}
