//! Numbers and sizes of a collection.

use collection::{Info, Result, State};
use futures_util::TryStreamExt;

use crate::{core::Core, entries::Columns, failure};

/// Number of live entries.
pub async fn live(core: &Core) -> Result<u64> {
    count(core, &format!("state = {}", State::Live.number())).await
}

/// Number of entries that have a witness.
pub async fn witness_count(core: &Core) -> Result<u64> {
    count(core, "witness_bytes IS NOT NULL").await
}

/// Numbers and sizes; see [`Engine::info`](collection::Engine::info).
pub async fn info(core: &Core) -> Result<Info> {
    let view = core.view().await?;
    let of_state = |state: State| format!("state = {}", state.number());
    let objects = core.place.objects("", None).await?;
    let (witnesses, witness_bytes) = witnesses(core).await?;
    Ok(Info {
        live: count(core, &of_state(State::Live)).await?,
        withdrawn: count(core, &of_state(State::Withdrawn)).await?,
        dropped: count(core, &of_state(State::Dropped)).await?,
        pending: count(core, "pending").await?,
        segments: view.segments.len(),
        fresh: view.fresh.ntotal(),
        witnesses,
        witness_bytes,
        bytes: objects.iter().map(|(_, bytes)| bytes).sum(),
        reviews: core.reviews.counts().await?.total(),
    })
}

async fn count(core: &Core, filter: &str) -> Result<u64> {
    let dataset = core.entries.recent().await?;
    let count = dataset.count_rows(Some(filter.to_owned())).await;
    Ok(count.map_err(failure::at(core.entries.location()))? as u64)
}

/// Number and bytes of the witnesses.
async fn witnesses(core: &Core) -> Result<(u64, u64)> {
    let dataset = core.entries.recent().await?;
    let filter = Some("witness_bytes IS NOT NULL");
    let mut batches = core.entries.scan(&dataset, &["witness_bytes"], filter).await?;
    let (mut number, mut bytes) = (0, 0);
    while let Some(batch) = batches.try_next().await? {
        let sizes = Columns::new(&batch, core.entries.location()).i32("witness_bytes")?;
        number += sizes.len() as u64;
        bytes += sizes.values().iter().map(|&size| u64::from(size.unsigned_abs())).sum::<u64>();
    }
    Ok((number, bytes))
}
