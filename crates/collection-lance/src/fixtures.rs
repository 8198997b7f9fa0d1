//! Small tables of entries for tests.

use std::sync::Arc;

use arrow_schema::Schema;
use collection::{Digest, Entry, KeptEntry, Meta, State};
use lance::index::DatasetIndexExt;
use lance_index::{IndexType, scalar::ScalarIndexParams};
use tempfile::TempDir;

use crate::{
    entries,
    place::Place,
    table::{Change, Table},
};

/// Dimension of the descriptors and bytes of the codes.
const SIZES: (usize, usize) = (4, 2);

/// Place in a folder.
pub async fn place(folder: &TempDir) -> Place {
    Place::at(folder.path().to_str().expect("is text")).await.expect("is a place")
}

/// New table of entries.
pub async fn table(place: &Place) -> Table {
    let schema = entries::schema(SIZES.0, SIZES.1);
    Table::create(place, entries::TABLE, schema).await.expect("creates")
}

/// Live entry of a name.
pub fn entry(id: i64, name: &str) -> Entry {
    Entry {
        id,
        name: name.to_owned(),
        original: (id % 2 == 0).then(|| Digest::of_file(&id.to_le_bytes())),
        state: State::Live,
        file: None,
        pending: false,
        added: 0,
        meta: Meta::new(),
    }
}

/// Stores entries, whose ids no other has.
pub async fn store(table: &Table, new: &[Entry]) {
    let row = |entry: &Entry| KeptEntry { entry: entry.clone(), encoded: None, witness: None };
    let rows: Vec<KeptEntry> = new.iter().map(row).collect();
    let keys: Vec<u64> = new.iter().map(|entry| entry.id as u64).collect();
    loop {
        let read = table.latest().await.expect("is there");
        let schema: Schema = read.schema().into();
        let batch = entries::batch(Arc::new(schema), &rows, SIZES).expect("is a batch");
        if table.insert(&read, batch, keys.clone()).await.expect("inserts") == Change::Committed {
            return;
        }
    }
}

/// Makes an index on each of the columns.
pub async fn index_columns(table: &Table, columns: &[&str]) {
    let mut dataset = table.latest().await.expect("is there").as_ref().clone();
    for column in columns {
        let parameters = ScalarIndexParams::default();
        dataset.create_index(&[column], IndexType::BTree, None, &parameters, true).await.expect("indexes");
    }
}
