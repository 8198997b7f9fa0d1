//! Matches and their manifests.

use std::{cmp::Ordering, num::NonZeroU32, sync::Arc};

use find::{Settings, Verdict, report::Match};
use futures_util::future::try_join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::{algorithm::Algorithms, binding, manifest::Manifest, published};
use crate::{
    api::lookups::find_parameters::FindParameters,
    app::App,
    lookup::{Content, Found, Query, Request},
    memory::Share,
    problem::Problem,
    served::Served,
};

/// Manifests that are returned unless a number is named.
const MATCHES: usize = 10;
/// Largest number of manifests that are returned.
const MOST_MATCHES: usize = 100;

/// Manifests that were found.
#[derive(Serialize, ToSchema)]
#[schema(as = c2pa::softBindingQueryResult)]
pub struct QueryResult {
    /// Manifests, the strongest match first; each once.
    #[schema(max_items = 100)]
    matches: Vec<ManifestMatch>,
}

/// Manifest of a match.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ManifestMatch {
    /// Identifier of the manifest.
    manifest_id: String,
    /// Address of the Soft Binding Resolution API that hands the manifest out; absent if this one does, if it is known at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Cosine of the descriptors in percent, 0 where it is negative. It orders matches; that they are matches follows from
    /// their E-values.
    #[schema(minimum = 0, maximum = 100)]
    similarity_score: u8,
}

/// Manifest and the evidence for it.
struct Evidence {
    manifest: Manifest,
    e_value: f64,
    cosine: f32,
}

/// Looks a value of an algorithm up.
///
/// # Errors
/// Problems with the statuses 400, 404, 429 and 503.
pub async fn search_descriptor(
    app: &App,
    collection: Option<&str>,
    alg: &str,
    value: &str,
    most: Option<NonZeroU32>,
) -> Result<QueryResult, Problem> {
    let collections = Algorithms::read(app, collection).await?.of(Some(alg))?;
    let descriptor = |served: Arc<Served>| {
        let row = binding::descriptor(value, served.collection().description().d)?;
        Ok((served, Content::Descriptor(row)))
    };
    search(app, collections.into_iter().map(descriptor).collect::<Result<_, Problem>>()?, most).await
}

/// Looks content up, each in its collection.
///
/// # Errors
/// Problems with the statuses 400, 415, 429 and 503.
pub async fn search(
    app: &App,
    queries: Vec<(Arc<Served>, Content)>,
    most: Option<NonZeroU32>,
) -> Result<QueryResult, Problem> {
    let most = most.map_or(MATCHES, |most| most.get() as usize).min(MOST_MATCHES);
    // Those of `POST /v1/find`: pictures are compared also where the cosine decides, and those that do not agree are no match.
    let settings = Settings { k: most.max(MATCHES), ..FindParameters::default().settings()? };
    let lookups = queries.into_iter().map(|(served, content)| {
        let queries = vec![Query { name: String::new(), content }];
        let settings = settings.clone();
        app.look_up(
            Request { served, settings, queries, is_single: true, keep: false, memory: Share::default() },
            evidence,
        )
    });
    let found = try_join_all(lookups).await.map_err(published)?;
    Ok(QueryResult::new(found.into_iter().flatten().collect(), most))
}

/// Manifests of the matches of a lookup.
fn evidence(found: Found) -> Result<Vec<Evidence>, Problem> {
    let mut evidence = Vec::new();
    for outcome in found.outcomes {
        let answered = outcome.map_err(|(_, problem)| problem)?.answered;
        match answered.error {
            Some(reason) => return Err(Problem::unprocessable(reason)),
            None => evidence.extend(answered.matches.into_iter().filter_map(Evidence::of)),
        }
    }
    Ok(evidence)
}

impl Evidence {
    fn of(found: Match) -> Option<Self> {
        let Match { verdict, e_value, cosine, meta, .. } = found;
        let manifest = Manifest::of(&meta).filter(|_| verdict == Verdict::Match)?;
        Some(Self { manifest, e_value, cosine })
    }

    /// Order of evidence, the strongest first.
    fn order(&self, other: &Self) -> Ordering {
        self.e_value.total_cmp(&other.e_value).then(other.cosine.total_cmp(&self.cosine))
    }

    fn score(&self) -> u8 {
        // In range, and 0 for what is no number.
        (100.0 * self.cosine.clamp(0.0, 1.0)).round() as u8
    }
}

impl QueryResult {
    fn new(mut evidence: Vec<Evidence>, most: usize) -> Self {
        evidence.sort_by(Evidence::order);
        let mut matches: Vec<ManifestMatch> = Vec::new();
        for found in evidence {
            let similarity_score = found.score();
            let Manifest { id: manifest_id, endpoint } = found.manifest;
            let is_known = |own: &ManifestMatch| own.manifest_id == manifest_id && own.endpoint == endpoint;
            if matches.len() < most && !matches.iter().any(is_known) {
                matches.push(ManifestMatch { manifest_id, endpoint, similarity_score });
            }
        }
        Self { matches }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(id: &str, endpoint: Option<&str>, e_value: f64, cosine: f32) -> Evidence {
        let manifest = Manifest { id: id.to_owned(), endpoint: endpoint.map(str::to_owned) };
        Evidence { manifest, e_value, cosine }
    }

    #[test]
    fn each_manifest_is_named_once_by_its_strongest_match() {
        let found = || {
            vec![
                evidence("b", None, 1e-9, 0.7),
                evidence("a", None, 0.0, 0.8),
                evidence("b", None, 0.0, 0.906),
                evidence("a", Some("https://x"), 1e-5, -0.5),
                evidence("c", None, 1e-4, 1.0000001),
            ]
        };
        let named = |most| -> Vec<(String, u8)> {
            let matches = QueryResult::new(found(), most).matches.into_iter();
            matches.map(|found| (found.manifest_id, found.similarity_score)).collect()
        };
        let all = [("b", 91), ("a", 80), ("a", 0), ("c", 100)].map(|(id, score)| (id.to_owned(), score));
        assert_eq!((named(10), named(2)), (all.to_vec(), all[..2].to_vec()));
        assert_eq!(evidence("a", None, 0.0, f32::NAN).score(), 0);
    }
}
