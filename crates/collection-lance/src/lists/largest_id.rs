//! Bound on the ids of a version, from the statistics of the index on ids and from the rows that it does not cover.

use collection::Result;
use futures_util::TryStreamExt;
use lance::{Dataset, index::DatasetIndexExt};
use serde_json::Value;

use crate::{entries::Columns, failure, table::Table};

/// Id that no entry of the version exceeds; `None` if there is no entry.
pub async fn largest_id(table: &Table, dataset: &Dataset) -> Result<Option<i64>> {
    let (indexed, fragments) = match indexed(table, dataset).await? {
        Some(indexed) => indexed,
        None => (i64::MIN, dataset.fragments().iter().map(|fragment| fragment.id as u32).collect()),
    };
    let mut largest = (indexed >= 0).then_some(indexed);
    if !fragments.is_empty() {
        let mut batches = table.scan_of(dataset, &fragments, &["id"], None).await?;
        while let Some(batch) = batches.try_next().await? {
            let ids = Columns::new(&batch, table.location()).i64("id")?;
            largest = largest.max(ids.values().iter().copied().max());
        }
    }
    Ok(largest)
}

/// Largest id in the index on ids, and the fragments that it does not cover; `None` if there is no index that tells.
async fn indexed(table: &Table, dataset: &Dataset) -> Result<Option<(i64, Vec<u32>)>> {
    let Some(field) = dataset.schema().field("id").map(|field| field.id) else { return Ok(None) };
    let all = dataset.load_indices().await.map_err(failure::at(table.location()))?;
    let own: Vec<_> = all.iter().filter(|index| index.fields == [field]).collect();
    let Some(name) = own.first().map(|index| index.name.clone()) else { return Ok(None) };
    let text = dataset.index_statistics(&name).await.map_err(failure::at(table.location()))?;
    let statistics: Value = serde_json::from_str(&text).unwrap_or_default();
    let segments = statistics["indices"].as_array().map_or(&[][..], Vec::as_slice);
    let largest = |segment: &Value| segment["max"].as_str().and_then(|max| max.parse::<i64>().ok());
    let Some(largest) = segments.iter().map(largest).collect::<Option<Vec<_>>>() else { return Ok(None) };
    let covers = |id: u32| {
        let named = own.iter().filter(|index| index.name == name);
        named.filter_map(|index| index.fragment_bitmap.as_ref()).any(|fragments| fragments.contains(id))
    };
    let fragments = dataset.fragments().iter().map(|fragment| fragment.id as u32);
    let lacking = fragments.filter(|id| !covers(*id)).collect();
    Ok(largest.into_iter().max().map(|largest| (largest, lacking)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::{entry, index_columns, place, store, table},
        table::Table,
    };

    async fn both(table: &Table) -> (Option<(i64, usize)>, Option<i64>) {
        let dataset = table.latest().await.expect("is there");
        let indexed = indexed(table, &dataset).await.expect("reads");
        let largest = largest_id(table, &dataset).await.expect("reads");
        (indexed.map(|(largest, lacking)| (largest, lacking.len())), largest)
    }

    #[tokio::test]
    async fn it_is_read_of_the_index_and_of_the_rows_that_it_lacks() {
        let folder = tempfile::tempdir().expect("folder");
        let table = table(&place(&folder).await).await;
        assert_eq!(both(&table).await, (None, None));
        store(&table, &[entry(0, "a")]).await;
        assert_eq!(both(&table).await, (None, Some(0)));
        store(&table, &[entry(1 << 40, "b"), entry(3, "c")]).await;
        index_columns(&table, &["id"]).await;
        assert_eq!(both(&table).await, (Some((1 << 40, 0)), Some(1 << 40)));
        store(&table, &[entry(5, "d")]).await;
        assert_eq!(both(&table).await, (Some((1 << 40, 1)), Some(1 << 40)));
        store(&table, &[entry(1 << 50, "e")]).await;
        assert_eq!(both(&table).await, (Some((1 << 40, 2)), Some(1 << 50)));
    }
}
