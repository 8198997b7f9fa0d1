//! Names of soft binding algorithms.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use collection::Collection;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    api::{catalogue::with_catalogue, parameters},
    app::App,
    problem::Problem,
    served::Served,
};

/// First part of each name. ICANN has set the domain `internal` aside for private use, so that no registered algorithm can
/// have such a name; `descriptor-1` is the form of values.
const NAME: &str = "internal.active-index.descriptor-1";
/// Bytes of a digest that end a name.
const BYTES: usize = 8;

/// Algorithms that are supported, and the collections of each.
pub struct Algorithms(Vec<(String, Arc<Served>)>);

/// Names of soft binding algorithms.
#[derive(Serialize, ToSchema)]
#[schema(as = c2pa::softBindingAlgList)]
pub struct AlgorithmList {
    /// Algorithms that describe the content itself.
    fingerprints: Vec<AlgorithmName>,
}

/// Name of a soft binding algorithm.
#[derive(Serialize, ToSchema)]
struct AlgorithmName {
    /// Name, which is not registered.
    alg: String,
}

impl Algorithms {
    /// Reads the algorithms of a collection, or of all that are served.
    ///
    /// # Errors
    /// Problems with the statuses 404 and 429.
    pub async fn read(app: &App, name: Option<&str>) -> Result<Self, Problem> {
        let mut algorithms = Vec::new();
        for served in parameters::collections(app, name)? {
            let alg = with_catalogue(app, served, |served| of(served.collection())).await?;
            algorithms.push((alg, served.clone()));
        }
        Ok(Self(algorithms))
    }

    /// Collections of an algorithm, or all if none is named.
    ///
    /// # Errors
    /// A problem with status 400 that lists the names.
    pub fn of(self, alg: Option<&str>) -> Result<Vec<Arc<Served>>, Problem> {
        let names = self.names().into_iter().collect::<Vec<_>>().join(" or ");
        let is_named = |own: &str| alg.is_none_or(|alg| alg == own);
        let of = self.0.into_iter().filter(|(own, _)| is_named(own)).map(|(_, served)| served);
        let of: Vec<Arc<Served>> = of.collect();
        match of.is_empty() {
            true => Err(Problem::bad_request(format!("the algorithm alg must be {names}"))),
            false => Ok(of),
        }
    }

    /// Names, each once.
    pub fn list(&self) -> AlgorithmList {
        let fingerprints = self.names().into_iter().map(|alg| AlgorithmName { alg: alg.to_owned() });
        AlgorithmList { fingerprints: fingerprints.collect() }
    }

    fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(alg, _)| alg.as_str()).collect()
    }
}

/// Name of the algorithm of a collection's descriptors. It ends with a digest of the record of their extractor: the network,
/// its weights and the size of its input. Values of another extractor have another name, and are refused.
fn of(collection: &Collection) -> Result<String, Problem> {
    Ok(collection.recorded_extractor()?.map_or_else(|| NAME.to_owned(), |record| name(&record)))
}

fn name(record: &str) -> String {
    let mut name = format!("{NAME}.");
    for byte in &Sha256::digest(record)[..BYTES] {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pattern of names in the schema of C2PA's list: `^[A-Za-z]{2,63}(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+\.?$`.
    fn is_name(text: &str) -> bool {
        let mut labels = text.split('.');
        let first = labels.next().unwrap_or_default();
        let mut count = 0;
        let sound = labels.by_ref().all(|label| {
            count += 1;
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        (2..=63).contains(&first.len())
            && first.chars().all(|c| c.is_ascii_alphabetic())
            && sound
            && count > 0
    }

    #[test]
    fn names_follow_the_pattern_of_the_list_and_tell_extractors_apart() {
        let names = [NAME.to_owned(), name("{\"weights\":\"a\"}"), name("{\"weights\":\"b\"}")];
        assert!(names.iter().all(|name| is_name(name)), "{names:?}");
        assert!(names.iter().collect::<BTreeSet<_>>().len() == 3 && names[1].len() == NAME.len() + 17);
        assert!(!is_name("active-index.sscd") && !is_name("org") && !is_name("org.-a"));
    }
}
