//! Ids that no two writers give out: each claims ranges of them, one behind the other.
//!
//! A claim is an object `START` below the folder of its chain, with the number of its ids and its kind. The next one begins
//! where it ends, and is made by a put that succeeds only if there is no such object: of writers that want the same range,
//! one has it, and the others look for the new end. Claims are never removed.

use std::ops::Range;

use collection::{Error, Result};
use tokio::sync::Mutex;

use crate::place::Place;

/// Most ids that a writer claims before it needs them.
const MOST_AHEAD: i64 = 65_536;
/// First id of a chain.
const FIRST: i64 = 1;
/// Largest id that is kept; behind it, there are as many again for new entries.
const MOST_KEPT: i64 = i64::MAX / 2;

/// Kind of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Ids that the claimant alone gives out.
    New,
    /// Ids that any writer may keep for an entry that comes with one of them.
    Kept,
}

/// Claimed range of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    ids: Range<i64>,
    kind: Kind,
}

impl Claim {
    fn to_text(&self) -> String {
        let kind = match self.kind {
            Kind::New => "new",
            Kind::Kept => "kept",
        };
        format!("{} {kind}\n", self.ids.end - self.ids.start)
    }

    fn parse(start: i64, text: &str) -> Option<Self> {
        let (count, kind) = text.trim_end().split_once(' ')?;
        let kind = match kind {
            "new" => Kind::New,
            "kept" => Kind::Kept,
            _ => return None,
        };
        let end = start.checked_add(count.parse::<i64>().ok().filter(|count| *count > 0)?)?;
        Some(Self { ids: start..end, kind })
    }
}

/// Ids of one chain, as this writer knows them.
pub struct Ids {
    /// Folder of the claims.
    chain: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Ids that this writer has claimed and not given out.
    free: Range<i64>,
    /// Claims that were seen, in their order.
    claims: Vec<Claim>,
    /// Ids of the last claim of this writer.
    last: i64,
}

impl State {
    fn end(&self) -> i64 {
        self.claims.last().map_or(FIRST, |claim| claim.ids.end)
    }

    /// Claim that holds an id.
    fn of(&self, id: i64) -> Option<&Claim> {
        let place = self.claims.partition_point(|claim| claim.ids.end <= id);
        self.claims.get(place).filter(|claim| claim.ids.contains(&id))
    }
}

impl Ids {
    /// Takes the folder of the claims.
    pub fn new(chain: &'static str) -> Self {
        Self { chain, state: Mutex::default() }
    }

    /// Returns `n` ids that were never given out, ascending.
    pub async fn take(&self, place: &Place, n: usize) -> Result<Vec<i64>> {
        let n = n as i64;
        let mut state = self.state.lock().await;
        if state.free.end - state.free.start < n {
            // The first claim is as large as needed, so that a program that stores once leaves no gaps.
            let ahead = (2 * state.last).min(MOST_AHEAD).max(n);
            state.free = self.claim(place, &mut state, Kind::New, |end| end + ahead).await?;
            state.last = ahead;
        }
        let start = state.free.start;
        state.free.start += n;
        Ok((start..start + n).collect())
    }

    /// Returns true for each of the ids that an entry may have unless an entry has it already.
    pub async fn may_keep(&self, place: &Place, wanted: &[i64]) -> Result<Vec<bool>> {
        let mut state = self.state.lock().await;
        self.refresh(place, &mut state).await?;
        let acceptable = |id: i64| (0..=MOST_KEPT).contains(&id);
        if let Some(largest) = wanted.iter().copied().filter(|id| acceptable(*id)).max()
            && largest >= state.end()
        {
            self.claim(place, &mut state, Kind::Kept, |end| end.max(largest + 1)).await?;
            // New ids come behind those that were kept.
            state.free = 0..0;
        }
        let open = |id: i64| id < FIRST || state.of(id).is_some_and(|claim| claim.kind == Kind::Kept);
        Ok(wanted.iter().map(|&id| acceptable(id) && open(id)).collect())
    }

    /// Claims the range from the end of the chain to the one that `end` makes of it, if that is larger.
    async fn claim(
        &self,
        place: &Place,
        state: &mut State,
        kind: Kind,
        end: impl Fn(i64) -> i64,
    ) -> Result<Range<i64>> {
        loop {
            let start = state.end();
            let claim = Claim { ids: start..end(start), kind };
            if claim.ids.is_empty() {
                return Ok(claim.ids);
            }
            if place.claim(&self.name(start), claim.to_text().into_bytes()).await? {
                state.claims.push(claim.clone());
                return Ok(claim.ids);
            }
            self.refresh(place, state).await?;
        }
    }

    /// Reads the claims that others have made since.
    async fn refresh(&self, place: &Place, state: &mut State) -> Result<()> {
        let after = state.claims.last().map(|claim| self.name(claim.ids.start));
        let found = place.objects(self.chain, after.as_deref()).await?;
        let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        for (name, content) in names.iter().zip(place.read_all(&names).await?) {
            let start = state.end();
            let text = String::from_utf8(content.unwrap_or_default()).unwrap_or_default();
            let claim = Claim::parse(start, &text).filter(|_| *name == self.name(start));
            let damaged = || Error::damaged(place.shown(name).as_ref(), "is no claim of the next ids");
            state.claims.push(claim.ok_or_else(damaged)?);
        }
        Ok(())
    }

    fn name(&self, start: i64) -> String {
        format!("{}/{start:020}", self.chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_as_they_are_written() {
        for claim in [Claim { ids: 1..9, kind: Kind::New }, Claim { ids: 5..6, kind: Kind::Kept }] {
            assert_eq!(Claim::parse(claim.ids.start, &claim.to_text()), Some(claim));
        }
        for foreign in ["", "8", "8 old", "0 new", "-1 new", "x kept", "9223372036854775807 new"] {
            assert_eq!(Claim::parse(1, foreign), None, "{foreign:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn writers_side_by_side_give_out_every_id_once() {
        let folder = tempfile::tempdir().expect("makes");
        let place = Place::at(folder.path().to_str().expect("is text")).await.expect("is a place");
        let writers = (1..=8).map(|n| {
            let place = place.clone();
            tokio::spawn(async move {
                let ids = Ids::new("ids");
                let mut taken = Vec::new();
                for _ in 0..20 {
                    taken.extend(ids.take(&place, n).await.expect("takes"));
                }
                taken
            })
        });
        let mut all = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            all.extend(writer.await.expect("ends"));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((count, all.len()), (20 * 36, 20 * 36));
    }

    #[tokio::test]
    async fn ids_are_kept_where_no_writer_gives_them_out() {
        let folder = tempfile::tempdir().expect("makes");
        let place = Place::at(folder.path().to_str().expect("is text")).await.expect("is a place");
        let (first, second) = (Ids::new("ids"), Ids::new("ids"));
        assert_eq!(first.take(&place, 3).await.expect("takes"), [1, 2, 3]);
        let kept = second.may_keep(&place, &[2, 10, 4, 0, -1, i64::MAX]).await.expect("asks");
        assert_eq!(kept, [false, true, true, true, false, false]);
        assert_eq!(second.take(&place, 1).await.expect("takes"), [11]);
        assert_eq!(first.may_keep(&place, &[7, 11]).await.expect("asks"), [true, false]);
    }
}
