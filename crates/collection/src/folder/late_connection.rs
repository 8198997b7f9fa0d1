//! Connections beside the one that searches read by, so that these do not wait for lists and commits.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use crate::{
    catalogue::{self, Access},
    error::Result,
};

/// Connection to the catalogue that is opened when it is first used.
#[derive(Default)]
pub struct LateConnection(Mutex<Option<Connection>>);

impl LateConnection {
    /// Calls `call` with the connection, alone.
    ///
    /// # Errors
    /// If the catalogue cannot be opened; errors of `call`.
    pub fn with<T>(
        &self,
        path: &Path,
        access: Access,
        call: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        // A panic of another thread leaves no transaction open: it is rolled back when dropped.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match kept.take() {
            Some(connection) => connection,
            None => catalogue::open(path, access)?,
        };
        call(kept.insert(connection))
    }
}
