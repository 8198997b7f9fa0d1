//! Files beside descriptors and indexes: names of entries, ids, records of extractors.

pub mod entry_ids;
pub mod entry_names;
pub mod extractor_record;
