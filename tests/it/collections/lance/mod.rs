//! Collections in Lance datasets, on an S3 server on loopback, called as a user calls them. They need the feature `lance`.

mod fleet;
mod indexing;

use std::process::Command;

use s3_server::Server;
use serde_json::Value;

use super::Folder;
use crate::command_line::json;

/// Bucket of the collections.
const BUCKET: &str = "shop";

/// Folder in which programs run, and an object store that they reach.
struct Shop {
    folder: Folder,
    server: Server,
    /// Files of the object store.
    _objects: tempfile::TempDir,
}

impl Shop {
    /// A shop with `n` small photographs in `photos`, and the trained `quantiser.faiss` for their descriptors.
    fn with_photos(n: usize) -> Option<Self> {
        let shop = Self::start()?;
        shop.folder.put_photos("photos", n);
        shop.folder.train_as("IVF4,PQ4x8", "quantiser.faiss", shop.folder.dimension());
        Some(shop)
    }

    /// A shop without anything. `None` where the program was built without Lance, which is said.
    fn start() -> Option<Self> {
        if !cfg!(feature = "lance") {
            println!("SKIPPED: the program was built without the feature `lance`; cargo xtask test --lance");
            return None;
        }
        let folder = Folder::empty();
        let objects = tempfile::tempdir().unwrap();
        let server = Server::start(objects.path()).unwrap();
        server.create_bucket(BUCKET).unwrap();
        Some(Self { folder, server, _objects: objects })
    }

    /// Creates an empty collection and returns its address.
    fn create(&self, name: &str) -> String {
        self.create_with(name, "quantiser.faiss")
    }

    /// Creates an empty collection with a quantiser, and returns its address.
    fn create_with(&self, name: &str, quantiser: &str) -> String {
        let address = format!("s3://{BUCKET}/{name}.lance");
        self.done(&format!("collection create {address} --quantiser {quantiser}"));
        address
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.folder.command(&format!("{line} --json"));
        command.envs(self.server.variables());
        command
    }

    /// The JSON document of a run that ends well.
    fn done(&self, line: &str) -> Value {
        let output = self.command(line).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
        json(&output)
    }
}
