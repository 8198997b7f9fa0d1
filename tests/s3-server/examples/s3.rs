//! Serves the folders in a folder as buckets: `cargo run -p s3-server --example s3 -- FOLDER PORT [DELAY_MS]`.

#![expect(clippy::print_stdout, reason = "a program says where it listens")]

use std::{env, error::Error, path::PathBuf, time::Duration};

use s3_server::{Faults, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, port, rest @ ..] = &arguments[..] else {
        return Err("usage: s3 FOLDER PORT [DELAY_MS]".into());
    };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let server = Server::start_at(&folder, port.parse()?)?;
    if let Some(milliseconds) = rest.first() {
        let delay = Duration::from_millis(milliseconds.parse()?);
        server.set_faults(Faults { delay, ..Faults::default() });
    }
    for (name, value) in server.variables() {
        println!("export {name}={value}");
    }
    server.wait();
    Ok(())
}
