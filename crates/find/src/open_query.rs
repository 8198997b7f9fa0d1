//! One query on its way through the cascade.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use collection::Candidate;
use image::RgbImage;
use looks::Look;
use witness::Comparison;

use crate::{
    answer::{Answer, Match, Verdict},
    e_values::EValues,
    query::Query,
    settings::Settings,
    witnesses::Witnesses,
};

/// Cosine from which an entry is a match without a comparison of pictures. Chance does not explain that things of one kind look
/// alike, so that E-values do not tell them from copies: of 1,263,255 pairs of 1,590 photographs 28 are above .4, three above .55,
/// and one above .6, the same toy blocks with letters and with digits; edited views of two desks reach .61. Of 3,000 copies of
/// released photographs .905 are above .65.
const NO_LOOK_ALIKE: f32 = 0.65;

/// Laws, bounds and witnesses that a query is looked up with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub e_values: EValues<'a>,
    pub settings: &'a Settings,
    pub witnesses: &'a dyn Witnesses,
}

/// A query and what is known of it so far.
pub struct OpenQuery<'a> {
    picture: Option<&'a RgbImage>,
    /// Descriptor of the picture as it is, once it is known.
    descriptor: Option<Vec<f32>>,
    context: Context<'a>,
    /// Views of the picture beyond itself, the best last; planned when they are needed.
    views: Option<Vec<Look>>,
    /// The picture as witnesses are compared with it; made when it is needed.
    laid_over: Option<witness::Query>,
    seen: HashMap<i64, Seen>,
    is_confirmed: bool,
    answer: Answer,
}

/// Entry that a view has found.
struct Seen {
    cosine: f32,
    look: Look,
    comparison: Option<Comparison>,
    /// True once its witness was asked for, also if it has none.
    was_compared: bool,
}

impl<'a> OpenQuery<'a> {
    pub fn new(query: &'a Query, context: Context<'a>) -> Self {
        let e_values = match query.picture {
            Some(_) => context.e_values,
            None => context.e_values.without_picture(),
        };
        let is_nothing = query.picture.is_none() && query.descriptor.is_none();
        let failure = is_nothing.then(|| "neither a picture nor a descriptor".to_owned());
        let views = query.descriptor.iter().map(|_| Look::WHOLE).collect();
        let answer =
            Answer { looks: usize::from(query.descriptor.is_some()), views, failure, ..Answer::default() };
        Self {
            picture: query.picture.as_ref(),
            descriptor: query.descriptor.clone(),
            context: Context { e_values, ..context },
            views: None,
            laid_over: None,
            seen: HashMap::new(),
            is_confirmed: false,
            answer,
        }
    }

    /// Picture whose descriptor is not known yet.
    pub fn undescribed(&self) -> Option<&'a RgbImage> {
        self.picture.filter(|_| self.descriptor.is_none())
    }

    /// Descriptor of the picture as it is; that of an open query once it was described.
    pub fn descriptor(&self) -> Option<&[f32]> {
        self.descriptor.as_deref()
    }

    /// Takes the descriptor of the picture as it is. Without one, the query fails.
    pub fn set_descriptor(&mut self, described: describe::Result<Vec<f32>>) {
        match described {
            Ok(descriptor) => {
                self.descriptor = Some(descriptor);
                self.count_look(Look::WHOLE);
            }
            Err(error) => self.answer.failure = Some(error.to_string()),
        }
    }

    /// Returns true if the query is worth a further search.
    pub fn is_open(&self) -> bool {
        !self.is_confirmed && self.answer.failure.is_none()
    }

    /// Counts a view that was described.
    pub fn count_look(&mut self, look: Look) {
        self.answer.looks += 1;
        self.answer.views.push(look);
    }

    /// Counts visited cells.
    pub fn count_cells(&mut self, cells: usize) {
        self.answer.cells += cells;
    }

    /// Adds shares of the time of common work.
    pub fn spend(&mut self, network: Duration, search: Duration) {
        self.answer.times.network += network;
        self.answer.times.search += search;
    }

    /// Takes the next `n` views, the best first; the picture as it is is not among them.
    pub fn next_views(&mut self, n: usize) -> Vec<(Look, &'a RgbImage)> {
        let Some(picture) = self.picture.filter(|_| self.is_open()) else { return Vec::new() };
        let most = self.context.e_values.looks;
        let views = self.views.get_or_insert_with(|| {
            looks::plan(picture, most).into_iter().filter(|look| !look.is_whole()).rev().collect()
        });
        let left = views.len().saturating_sub(n);
        views.drain(left..).rev().map(|look| (look, picture)).collect()
    }

    /// Takes in the candidates of a view, the largest cosine first, and confirms one if it can.
    pub fn take(&mut self, look: Look, found: &[Candidate]) {
        let Settings { k, candidates, max_e, .. } = *self.context.settings;
        for candidate in found.iter().take(k.max(candidates)) {
            self.see(look, candidate);
        }
        if let Some(best) = found.first().filter(|best| self.e_value(best.id) <= max_e) {
            self.compare(best.id);
            self.conclude(best.id);
        }
        if !self.is_confirmed {
            let ids: Vec<i64> = found.iter().take(candidates).map(|candidate| candidate.id).collect();
            self.confirm(&ids);
        }
    }

    fn see(&mut self, look: Look, candidate: &Candidate) {
        let first = || Seen { cosine: f32::NEG_INFINITY, look, comparison: None, was_compared: false };
        let seen = self.seen.entry(candidate.id).or_insert_with(first);
        if candidate.cosine > seen.cosine {
            (seen.cosine, seen.look) = (candidate.cosine, look);
        }
    }

    fn e_value(&self, id: i64) -> f64 {
        let evidence = |seen: &Seen| self.context.e_values.e_value(seen.cosine, seen.comparison.as_ref());
        self.seen.get(&id).map_or(f64::INFINITY, evidence)
    }

    /// Compares entries with the query, the most similar first, until one is confirmed; and then those that their cosines make
    /// possible, because entries of one series resemble each other.
    fn confirm(&mut self, ids: &[i64]) {
        for &id in ids {
            let cosine = self.seen.get(&id).map_or(f32::NEG_INFINITY, |seen| seen.cosine);
            let is_possible = self.context.e_values.cosine_e(cosine) <= 1.0;
            if self.is_confirmed && !is_possible {
                break;
            }
            self.compare(id);
            self.conclude(id);
        }
    }

    /// Ends the search if an entry is a match, unless everything is to be seen.
    fn conclude(&mut self, id: i64) {
        let is_match = self.seen.get(&id).is_some_and(|seen| self.verdict(seen) == Verdict::Match);
        self.is_confirmed |= is_match && !self.context.settings.exhaustive;
    }

    /// Judgement of an entry: by its E-value, and, because things of one kind look alike, by the pictures. Pictures that do not
    /// agree are no match however near their descriptors are; where they cannot be compared, descriptors must be very near.
    fn verdict(&self, seen: &Seen) -> Verdict {
        let Context { e_values, settings, .. } = self.context;
        let verdict = Verdict::of(e_values.e_value(seen.cosine, seen.comparison.as_ref()), settings.max_e);
        let is_copy = match seen.comparison.as_ref().filter(|comparison| !comparison.is_flat) {
            Some(comparison) => !e_values.inliers.contradicts(comparison),
            None => seen.cosine >= NO_LOOK_ALIKE,
        };
        if is_copy { verdict } else { verdict.max(Verdict::Possible) }
    }

    /// Lays the query over an entry, unless that was done or the bound is reached.
    fn compare(&mut self, id: i64) {
        let (Some(picture), Some(seen)) = (self.picture, self.seen.get_mut(&id)) else { return };
        if seen.was_compared || self.answer.comparisons >= self.context.e_values.comparisons {
            return;
        }
        let started = Instant::now();
        seen.was_compared = true;
        if let Some(witness) = self.context.witnesses.witness(id) {
            let query = self.laid_over.get_or_insert_with(|| witness::Query::of(picture));
            seen.comparison = Some(query.compare(&witness));
            self.answer.comparisons += 1;
        }
        self.answer.times.witness += started.elapsed();
    }

    /// Answer with what is known.
    pub fn answer(mut self) -> Answer {
        let mut matches = self.matches();
        if self.context.settings.explain {
            matches.iter().for_each(|found| self.compare(found.id));
            matches = self.matches();
        }
        self.answer.matches = matches;
        self.answer
    }

    fn matches(&self) -> Vec<Match> {
        let Settings { k, max_e, possible_e, .. } = *self.context.settings;
        let found = self.seen.iter().map(|(&id, seen)| {
            let e_value = self.e_value(id);
            Match {
                id,
                verdict: self.verdict(seen),
                e_value,
                cosine: seen.cosine,
                cosine_e: self.context.e_values.cosine_e(seen.cosine),
                look: seen.look,
                comparison: seen.comparison.clone(),
            }
        });
        let mut matches: Vec<Match> = found.filter(|found| found.e_value <= possible_e.max(max_e)).collect();
        matches.sort_by(|a, b| {
            let by_e_value = a.e_value.total_cmp(&b.e_value);
            let by_cosine = b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id));
            a.verdict.cmp(&b.verdict).then(by_e_value).then(by_cosine)
        });
        matches.truncate(k);
        matches
    }
}
