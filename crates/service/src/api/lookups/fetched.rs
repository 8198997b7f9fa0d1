//! Pictures of a list that are fetched from their addresses.

use futures_util::{StreamExt, stream};

use crate::{
    fetch::{Fetcher, WebAddress},
    lookup::{Content, Query},
    problem::Problem,
};

/// Fetches at once of one request.
const AT_ONCE: usize = 4;

/// Puts into queries what is at their addresses, or the reason why it is not there. `addresses` are those of queries by their
/// places.
///
/// # Errors
/// A problem with status 400 if there are addresses and no fetcher.
pub async fn fetch(
    fetcher: Option<&Fetcher>,
    queries: &mut [Query],
    addresses: Vec<(usize, WebAddress)>,
) -> Result<(), Problem> {
    if addresses.is_empty() {
        return Ok(());
    }
    let nothing = || Problem::bad_request("a query has a url, and this service fetches nothing");
    let fetcher = fetcher.ok_or_else(nothing)?;
    let fetch = async |(place, address): (usize, WebAddress)| (place, fetcher.fetch(&address).await);
    let mut fetches = stream::iter(addresses).map(fetch).buffer_unordered(AT_ONCE);
    while let Some((place, fetched)) = fetches.next().await {
        queries[place].content = fetched.map_or_else(Content::Missing, Content::File);
    }
    Ok(())
}
