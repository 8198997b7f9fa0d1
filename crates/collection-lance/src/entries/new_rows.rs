//! Rows that are written.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, Int8Array, Int32Array, Int64Array,
    LargeBinaryArray, RecordBatch, StringArray, UInt32Array,
    builder::{FixedSizeBinaryBuilder, FixedSizeListBuilder, Float16Builder},
};
use arrow_schema::Schema;
use collection::{EncodedEntry, Error, KeptEntry, Result};
use half::f16;
use sha2::{Digest as _, Sha256};

use super::meta_text;

/// Sum of the parts of a row that never change but when an entry is completed: the first 8 bytes of their SHA-256.
pub fn sum_of_row(
    id: i64,
    added: i64,
    (cell, code): (u32, &[u8]),
    descriptor: &[f16],
    witness: Option<&[u8]>,
) -> i64 {
    let mut hash = Sha256::new();
    hash.update(id.to_le_bytes());
    hash.update(added.to_le_bytes());
    hash.update(cell.to_le_bytes());
    hash.update(code);
    let bytes: Vec<u8> = descriptor.iter().flat_map(|value| value.to_le_bytes()).collect();
    hash.update(bytes);
    witness.into_iter().for_each(|witness| hash.update(witness));
    let digest = hash.finalize();
    i64::from_le_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes"))
}

/// Batch of rows of the table's columns.
///
/// # Errors
/// A code or descriptor of another size.
pub fn batch(schema: Arc<Schema>, rows: &[KeptEntry], (d, code_size): (usize, usize)) -> Result<RecordBatch> {
    let entries = || rows.iter().map(|row| &row.entry);
    let cells = rows.iter().map(|row| row.encoded.as_ref().map(|encoded| encoded.cell as u32));
    let witnesses: Vec<Option<&[u8]>> = rows.iter().map(|row| row.witness.as_deref()).collect();
    let original = |row: &KeptEntry| row.entry.original.as_ref().map(ToString::to_string);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(entries().map(|entry| entry.id).collect::<Int64Array>()),
        Arc::new(entries().map(|entry| Some(entry.name.as_str())).collect::<StringArray>()),
        Arc::new(rows.iter().map(original).collect::<StringArray>()),
        Arc::new(entries().map(|entry| entry.state.number() as i8).collect::<Int8Array>()),
        Arc::new(entries().map(|entry| entry.file.as_deref()).collect::<StringArray>()),
        Arc::new(entries().map(|entry| Some(entry.pending)).collect::<BooleanArray>()),
        Arc::new(entries().map(|entry| entry.added).collect::<Int64Array>()),
        Arc::new(entries().map(|entry| Some(meta_text(&entry.meta))).collect::<StringArray>()),
        Arc::new(cells.collect::<UInt32Array>()),
        Arc::new(codes(rows, code_size)?),
        Arc::new(descriptors(rows, d)?),
        Arc::new(witnesses.iter().copied().collect::<LargeBinaryArray>()),
        Arc::new(
            witnesses.iter().map(|witness| witness.map(|bytes| bytes.len() as i32)).collect::<Int32Array>(),
        ),
        Arc::new(rows.iter().map(sum).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema, columns)
        .map_err(|error| Error::argument("rows of entries", "what Arrow accepts", error))
}

fn codes(rows: &[KeptEntry], code_size: usize) -> Result<FixedSizeBinaryArray> {
    let mut codes = FixedSizeBinaryBuilder::with_capacity(rows.len(), code_size as i32);
    for row in rows {
        match &row.encoded {
            None => codes.append_null(),
            Some(encoded) => codes
                .append_value(&encoded.code)
                .map_err(|_| Error::argument("bytes of a code", code_size, encoded.code.len()))?,
        }
    }
    Ok(codes.finish())
}

fn descriptors(rows: &[KeptEntry], d: usize) -> Result<FixedSizeListArray> {
    let values = Float16Builder::with_capacity(rows.len() * d);
    let mut lists = FixedSizeListBuilder::with_capacity(values, d as i32, rows.len());
    for row in rows {
        match &row.encoded {
            None => lists.values().append_nulls(d),
            Some(encoded) if encoded.descriptor.len() == d => {
                lists.values().append_slice(&encoded.descriptor)
            }
            Some(encoded) => {
                return Err(Error::argument("dimension of a descriptor", d, encoded.descriptor.len()));
            }
        }
        lists.append(row.encoded.is_some());
    }
    Ok(lists.finish())
}

fn sum(KeptEntry { entry, encoded, witness }: &KeptEntry) -> i64 {
    encoded.as_ref().map_or(0, |EncodedEntry { cell, code, descriptor }| {
        sum_of_row(entry.id, entry.added, (*cell as u32, code), descriptor, witness.as_deref())
    })
}
