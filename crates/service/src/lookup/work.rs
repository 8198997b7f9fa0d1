//! Work of a lookup thread.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Instant,
};

use collection::Digest;
use find::report::{self, Answered, Search};
use image_file::Reader;
use rayon::ThreadPoolBuilder;

use super::{
    Found, Kept, Looked, Lookup, Outcome, Query, Request,
    answer::verdict_word,
    prepare::Preparation,
    queue::{Lane, Queue},
};
use crate::{
    metrics::Metrics,
    network::{Network, SharedNetwork},
    problem::Problem,
    served::Served,
};

/// Looks up what waits in a queue.
pub struct Worker<'a> {
    /// Lookups that wait.
    pub queue: &'a Queue,
    /// Describes pictures.
    pub network: &'a Network,
    /// Reads pictures.
    pub reader: Reader,
    /// Counts lookups.
    pub metrics: &'a Metrics,
}

impl Worker<'_> {
    /// Works in this thread until the queue is closed and empty. Parallel work stays in the thread: others look up meanwhile.
    pub fn run(&self, lane: Lane) {
        let _pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        while let Some(mut lookups) = self.queue.take(lane) {
            // Callers that are gone are not worth the work.
            lookups.retain(|lookup| !lookup.reply.is_closed());
            if let Some(first) = lookups.first() {
                let Request { served, settings, keep, .. } = &first.request;
                let (served, settings, keep) = (served.clone(), settings.clone(), *keep);
                self.answer(&served, settings, keep, lookups);
            }
        }
    }

    /// Answers lookups in one collection with the same settings, by one search.
    fn answer(&self, served: &Arc<Served>, settings: find::Settings, keep: bool, lookups: Vec<Lookup>) {
        let started = Instant::now();
        let (mut queries, mut callers) = (Vec::new(), Vec::new());
        for Lookup { request, reply, accepted } in lookups {
            let Request { queries: own, is_single, memory, .. } = request;
            callers.push((own.len(), is_single, reply, accepted, memory));
            queries.extend(own);
        }
        let find = AssertUnwindSafe(|| self.find(served, settings, keep, queries));
        let found = panic::catch_unwind(find).unwrap_or_else(|_| Err(Problem::internal("a lookup panicked")));
        let took = started.elapsed();
        self.metrics.count_lookup(served.name(), took);
        let mut found = found.map(|(search, outcomes)| (Arc::new(search), outcomes.into_iter()));
        for (count, is_single, reply, accepted, memory) in callers {
            // Before the answer, because its caller may send as much again at once.
            drop(memory);
            reply.send(match &mut found {
                Ok((search, outcomes)) => {
                    let (search, outcomes) = (search.clone(), outcomes.by_ref().take(count).collect());
                    Ok(Found { search, took, outcomes, is_single })
                }
                Err(problem) => Err(problem.clone()),
            });
            self.metrics.last_hour.count(accepted.elapsed());
        }
    }

    fn find(
        &self,
        served: &Served,
        settings: find::Settings,
        keep: bool,
        queries: Vec<Query>,
    ) -> Result<(Search, Vec<Outcome>), Problem> {
        let finder = served.finder().with_settings(settings)?;
        let digests: Vec<Option<Digest>> =
            queries.iter().map(|query| if keep { query.digest() } else { None }).collect();
        let prepared = Preparation::new(self.network, self.reader).run(queries)?;
        let (mut queries, mut names) = (Vec::new(), Vec::new());
        for (name, query) in prepared {
            names.push((name, query.map(|query| queries.push(query)).err()));
        }
        let answers = finder.find(&queries, &mut SharedNetwork(self.network))?;
        let found = report::with_entries(served.collection(), answers)?;
        let mut found = found.into_iter().zip(queries);
        let outcome = |((name, problem), digest): ((String, Option<Problem>), Option<Digest>)| match problem {
            Some(problem) => Err((name, problem)),
            None => Ok(match found.next() {
                Some((found, query)) => {
                    let kept = keep.then(|| Kept::new(&found, query, digest));
                    Looked { answered: found.answered(name), kept }
                }
                None => Looked { answered: Answered::new(name), kept: None },
            }),
        };
        let outcomes: Vec<Outcome> = names.into_iter().zip(digests).map(outcome).collect();
        outcomes.iter().for_each(|outcome| self.metrics.count_query(served.name(), verdict_word(outcome)));
        Ok((Search::of(served.name().to_owned(), &finder)?, outcomes))
    }
}
