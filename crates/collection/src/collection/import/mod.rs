//! Import of another collection.

mod counterparts;

use std::{collections::HashMap, ops::ControlFlow};

use counterparts::{Counterpart, counterparts};

use super::{BACKGROUND, CALIBRATION, Collection, EXTRACTOR};
use crate::{
    engine::{Description, Engine},
    entry::{Digest, Entry, State, Stored},
    error::{Error, Result},
    kept::{EncodedEntry, KeptEntry, KeptReview},
    listing::{Listing, Page},
    review::{AddedReview, Review, ReviewPage},
};

/// Entries that are compared at once, and the most that are committed together.
const ENTRIES: usize = 16_384;
/// Bytes of descriptors that are read at once.
const READ_BYTES: usize = 32 << 20;
/// Entries whose witnesses are read at once: 32 MiB of the largest.
const WITNESSES: usize = 512;
/// Bytes of entries from which on they are committed.
const COMMIT_BYTES: usize = 32 << 20;
/// Reviews that are committed together: 20 MiB of the largest.
const REVIEWS: usize = 256;
/// Digits of a fingerprint that a message shows.
const SHOWN: usize = 8;

/// Outcome of an import, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Entries of the other collection that were looked at.
    pub visited: u64,
    /// Entries that were taken over.
    pub added: u64,
    /// Entries that were there already.
    pub already: u64,
    /// Entries that were taken over under a new id, because another entry has theirs.
    pub renumbered: u64,
    /// Entries that were there already, and were withdrawn because the other collection has withdrawn them since.
    pub withdrawn: u64,
    /// Dropped entries that were left out, because another entry has their id.
    pub left: u64,
    /// Reviews that were taken over.
    pub reviews: u64,
    /// True if everything of the other collection was looked at.
    pub is_complete: bool,
}

impl Collection {
    /// Takes over the entries of another collection with the same quantiser, its reviews, and its extractor, calibration and
    /// background where this one has none. Entries keep ids that are free, names, originals, states, times, fields, codes,
    /// descriptors and witnesses. Those that are here already stay as they are: known by their originals, or by id and name if
    /// they have none; but an entry that the other collection has withdrawn is withdrawn.
    ///
    /// Entries are committed in blocks. `progress` is told after each, and may end the import; another one goes on from there.
    ///
    /// # Errors
    /// [`Error::Unlike`]; a collection that cannot be read or written.
    pub fn import(
        &self,
        from: &Self,
        progress: &mut dyn FnMut(&Imported) -> ControlFlow<()>,
    ) -> Result<Imported> {
        require_alike(from.description(), self.description())?;
        let (from, to) = (&*from.engine, &*self.engine);
        if let Some(extractor) = from.setting(EXTRACTOR)? {
            to.setting_or(EXTRACTOR, &extractor)?;
        }
        let mut import = Import { from, to, progress, done: Imported::default() };
        if import.entries()?.is_continue() && import.reviews()?.is_continue() {
            import.calibration()?;
            import.done.is_complete = true;
        }
        Ok(import.done)
    }
}

/// Checks that codes and witnesses of one collection mean the same in another.
fn require_alike(from: &Description, to: &Description) -> Result<()> {
    let unlike = |what, own: String, found: String| Error::Unlike {
        to: to.location.clone(),
        difference: format!("has {what} {own}, and {} has {found}", from.location),
    };
    if from.fingerprint != to.fingerprint || from.fingerprint.is_empty() {
        let shown = |own: &Description| {
            format!("{} ({})", own.factory, own.fingerprint.get(..SHOWN).unwrap_or("without fingerprint"))
        };
        return Err(unlike("the quantiser", shown(to), shown(from)));
    }
    if from.witness_kind.is_some() && from.witness_kind != to.witness_kind {
        let shown = |own: &Description| own.witness_kind.clone().unwrap_or_else(|| "none".to_owned());
        return Err(unlike("the witnesses", shown(to), shown(from)));
    }
    Ok(())
}

/// Import that is under way.
struct Import<'a> {
    from: &'a dyn Engine,
    to: &'a dyn Engine,
    progress: &'a mut dyn FnMut(&Imported) -> ControlFlow<()>,
    done: Imported,
}

impl Import<'_> {
    /// Takes over entries, in the order of their ids.
    fn entries(&mut self) -> Result<ControlFlow<()>> {
        let row = (self.from.description().d * size_of::<f32>()).max(1);
        let limit = (READ_BYTES / row).clamp(1, ENTRIES);
        let mut page = Page { limit, ..Page::default() };
        loop {
            let Listing { entries, next } = self.from.listing(&page, u64::MAX)?;
            self.done.visited += entries.len() as u64;
            let missing = self.missing(entries)?;
            if self.take_over(missing)?.is_break() || (self.progress)(&self.done).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            match next {
                Some(last) => page.after = Some(last),
                None => return Ok(ControlFlow::Continue(())),
            }
        }
    }

    /// Entries that are not here yet, of those given. Withdraws those that are here and were withdrawn since.
    fn missing(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let counterparts = counterparts(self.from, self.to, &entries)?;
        let (mut missing, mut gone) = (Vec::new(), Vec::new());
        for (entry, counterpart) in entries.into_iter().zip(counterparts) {
            match counterpart {
                Counterpart::Missing => missing.push(entry),
                Counterpart::Displaced(original) => missing.push(Entry { original: Some(original), ..entry }),
                Counterpart::Lost => self.done.left += 1,
                // Its file was written since it was taken over.
                Counterpart::Here(own) if own.pending && !entry.pending && entry.state != State::Dropped => {
                    missing.push(entry);
                }
                Counterpart::Here(own) => {
                    self.done.already += 1;
                    gone.extend(
                        (own.state == State::Live && entry.state != State::Live).then_some((entry, own.id)),
                    );
                }
            }
        }
        let gone = self.still_gone(gone)?;
        if !gone.is_empty() {
            self.to.set_state(&gone, State::Withdrawn)?;
            self.done.withdrawn += gone.len() as u64;
        }
        Ok(missing)
    }

    /// Ids of the entries whose originals have no other entry that is live. A dropped entry may have been added again.
    fn still_gone(&self, gone: Vec<(Entry, i64)>) -> Result<Vec<i64>> {
        let (mut ids, mut uncertain) = (Vec::new(), Vec::new());
        for (entry, id) in gone {
            match entry.original.filter(|_| entry.state == State::Dropped) {
                Some(original) => uncertain.push((original, id)),
                None => ids.push(id),
            }
        }
        let (originals, uncertain): (Vec<Digest>, Vec<i64>) = uncertain.into_iter().unzip();
        let others = self.from.known(&originals)?.into_iter();
        let is_gone = |other: Option<Entry>| other.is_none_or(|other| other.state == State::Withdrawn);
        ids.extend(uncertain.into_iter().zip(others).filter_map(|(id, other)| is_gone(other).then_some(id)));
        Ok(ids)
    }

    /// Takes over entries in blocks of bounded size.
    fn take_over(&mut self, missing: Vec<Entry>) -> Result<ControlFlow<()>> {
        let mut encoded = self.from.encoded(&ids(&missing))?.into_iter();
        let (mut block, mut bytes) = (Vec::new(), 0);
        for entries in missing.chunks(WITNESSES) {
            let witnesses = self.from.witnesses(&ids(entries))?;
            for (entry, witness) in entries.iter().zip(witnesses) {
                let kept = self.kept(entry.clone(), encoded.next().flatten(), witness)?;
                bytes += kept.bytes();
                block.push(kept);
            }
            if bytes >= COMMIT_BYTES {
                bytes = 0;
                self.commit(&std::mem::take(&mut block))?;
                if (self.progress)(&self.done).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        self.commit(&block)?;
        Ok(ControlFlow::Continue(()))
    }

    /// Entry with all that is kept of it. A compaction may have dropped it since it was listed.
    fn kept(
        &self,
        entry: Entry,
        encoded: Option<EncodedEntry>,
        witness: Option<Vec<u8>>,
    ) -> Result<KeptEntry> {
        if encoded.is_some() || entry.state == State::Dropped {
            return Ok(KeptEntry { entry, encoded, witness });
        }
        match self.from.entries(&[entry.id])?.pop().flatten() {
            Some(now) if now.state == State::Dropped => Ok(KeptEntry { entry: now, encoded, witness: None }),
            _ => Err(Error::Engine {
                location: self.from.description().location.clone(),
                reason: format!("entry {} has no descriptor", entry.id),
            }),
        }
    }

    fn commit(&mut self, block: &[KeptEntry]) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        for (kept, stored) in block.iter().zip(self.to.take_over(block)?) {
            match stored {
                // Nothing is left of it to be stored under another id.
                Stored::Known(_) if kept.encoded.is_none() => self.done.left += 1,
                Stored::Known(_) => self.done.already += 1,
                Stored::Completed(_) => self.done.added += 1,
                Stored::New(id) => {
                    self.done.added += 1;
                    self.done.renumbered += u64::from(id != kept.entry.id);
                }
            }
        }
        Ok(())
    }

    /// Takes over reviews of the entries that are here.
    fn reviews(&mut self) -> Result<ControlFlow<()>> {
        let mut page = ReviewPage { limit: REVIEWS, ..ReviewPage::default() };
        loop {
            let reviews = self.from.reviews(&page)?;
            let Some(last) = reviews.last() else { return Ok(ControlFlow::Continue(())) };
            page.after = Some(last.cursor());
            let kept = self.kept_reviews(reviews)?;
            let added = self.to.take_over_reviews(&kept)?;
            self.done.reviews +=
                added.iter().filter(|added| matches!(added, AddedReview::New(_))).count() as u64;
            if (self.progress)(&self.done).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Reviews with their pictures, and with the ids that their entries have here.
    fn kept_reviews(&self, reviews: Vec<Review>) -> Result<Vec<KeptReview>> {
        let mut ids: Vec<i64> = reviews.iter().map(|review| review.entry).collect();
        ids.sort_unstable();
        ids.dedup();
        let entries: Vec<Entry> = self.from.entries(&ids)?.into_iter().flatten().collect();
        let counterparts = counterparts(self.from, self.to, &entries)?;
        let pairs = entries.iter().zip(counterparts).filter_map(|(entry, counterpart)| match counterpart {
            Counterpart::Here(own) => Some((entry.id, own.id)),
            _ => None,
        });
        let ids: HashMap<i64, i64> = pairs.collect();
        let here = reviews.into_iter().filter_map(|review| Some((*ids.get(&review.entry)?, review)));
        here.map(|(entry, review)| {
            let picture = if review.has_picture { self.from.review_picture(review.id)? } else { None };
            Ok(KeptReview { review: Review { entry, ..review }, picture })
        })
        .collect()
    }

    /// Takes over the calibration with its background, unless there is one.
    fn calibration(&self) -> Result<()> {
        let Some(calibration) = self.from.setting(CALIBRATION)? else { return Ok(()) };
        if self.to.setting(CALIBRATION)?.is_some() {
            return Ok(());
        }
        if let Some(background) = self.from.setting(BACKGROUND)? {
            self.to.setting_or(BACKGROUND, &background)?;
        }
        self.to.setting_or(CALIBRATION, &calibration).map(drop)
    }
}

fn ids(entries: &[Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.id).collect()
}
