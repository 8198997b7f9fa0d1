//! Sums of rows, by which a check finds changed bytes: SQLite keeps none.

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use sha2::{Digest, Sha256};

/// Adds the function `sum_of(...)` to a connection: 31 bits of the SHA-256 of its arguments.
pub fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("sum_of", -1, flags, |context| Ok(sum(context)))
}

fn sum(context: &Context) -> i64 {
    let mut hash = Sha256::new();
    for at in 0..context.len() {
        add(&mut hash, context.get_raw(at));
    }
    let hash: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = hash;
    i64::from(u32::from_be_bytes([a, b, c, d]) >> 1)
}

/// Adds the type, the length and the bytes of a value.
fn add(hash: &mut Sha256, value: ValueRef) {
    let mut bytes = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    };
    match value {
        ValueRef::Null => bytes(0, &[]),
        ValueRef::Integer(value) => bytes(1, &value.to_le_bytes()),
        ValueRef::Real(value) => bytes(2, &value.to_le_bytes()),
        ValueRef::Text(text) => bytes(3, text),
        ValueRef::Blob(blob) => bytes(4, blob),
    }
}
