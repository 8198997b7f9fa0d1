//! Parameters of lookups, those of `find`.

use std::num::NonZeroUsize;

use find::{Effort, Settings};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{api::parameters::filter, lookup::REVIEW_E, problem::Problem};

/// Matches of a query unless a number is named.
const MATCHES: usize = 10;
/// Largest number of matches of a query.
const MOST_MATCHES: usize = 1000;
/// Largest number of views of a query.
const MOST_LOOKS: usize = 64;

/// Bounds of a lookup.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindParameters {
    /// Name of the collection; needed where several are served.
    pub collection: Option<String>,
    /// Name of a single picture in the answer and among the reviews; `upload` unless it is named.
    pub name: Option<String>,
    /// Largest number of matches of each query, up to 1,000; 10 unless it is named.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    k: Option<NonZeroUsize>,
    /// Bounds on the work for a query that nothing confirms: `normal` unless another is named.
    #[param(inline)]
    #[serde(default)]
    effort: EffortName,
    /// Largest number of views of a query that are described, up to 64, or `auto`: the number of the effort.
    looks: Option<String>,
    /// Largest number of cells that one look visits; by the effort unless it is named.
    #[param(value_type = Option<u32>, minimum = 1)]
    nprobe: Option<NonZeroUsize>,
    /// Largest E-value of a match: 0.001 unless it is named.
    #[param(minimum = 0)]
    max_e: Option<f64>,
    /// Field and value that entries must have, such as `licence=CC0`; may be repeated, and all must agree.
    #[serde(rename = "where", default)]
    conditions: Vec<String>,
    /// True if neighbours are shown whatever their E-values, and all looks are taken.
    #[serde(default)]
    all: bool,
    /// True if the possible matches of pictures are kept for people to confirm or reject, the ten best of each picture.
    #[serde(default)]
    review: bool,
    /// Largest E-value of the matches that are kept so, 0 to 1: 0.1 unless it is named.
    #[param(minimum = 0, maximum = 1)]
    review_e: Option<f64>,
}

/// Effort for queries that nothing confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EffortName {
    /// One look in few cells.
    Low,
    /// At most 8 looks.
    #[default]
    Normal,
    /// At most 16 looks in four times as many cells.
    High,
}

impl From<EffortName> for Effort {
    fn from(name: EffortName) -> Self {
        match name {
            EffortName::Low => Self::Low,
            EffortName::Normal => Self::Normal,
            EffortName::High => Self::High,
        }
    }
}

impl FindParameters {
    /// Parameters that an effort determines.
    pub fn of_effort(effort: EffortName) -> Self {
        Self { effort, ..Self::default() }
    }

    /// Settings of the finder, as `find` makes them of its arguments.
    ///
    /// # Errors
    /// A problem with status 400.
    pub fn settings(&self) -> Result<Settings, Problem> {
        let own = Effort::from(self.effort).settings();
        let k = self.k.map_or(MATCHES, NonZeroUsize::get);
        if k > MOST_MATCHES {
            return Err(Problem::bad_request(format!("k must be 1 to {MOST_MATCHES}, found {k}")));
        }
        let max_e = self.max_e.unwrap_or(own.max_e);
        if !(max_e.is_finite() && max_e >= 0.0) {
            return Err(Problem::bad_request(format!("max_e must be a number of at least 0, found {max_e}")));
        }
        let least_entries = if self.nprobe.is_some() { 0 } else { own.least_entries };
        Ok(Settings {
            k,
            max_e,
            looks: self.looks(own.looks)?,
            nprobe: self.nprobe.map_or(own.nprobe, NonZeroUsize::get),
            least_entries,
            possible_e: if self.all { f64::INFINITY } else { max_e.max(1.0) },
            exhaustive: self.all,
            explain: self.effort != EffortName::Low,
            filter: filter(&self.conditions)?,
            ..own
        })
    }

    /// Largest E-value of possible matches that people are asked about, if they are.
    ///
    /// # Errors
    /// A problem with status 400.
    pub fn review(&self) -> Result<Option<f64>, Problem> {
        let max_e = self.review_e.unwrap_or(REVIEW_E);
        match (0.0..=1.0).contains(&max_e) {
            true => Ok(self.review.then_some(max_e)),
            false => Err(Problem::bad_request(format!("review_e must be a number of 0 to 1, found {max_e}"))),
        }
    }

    fn looks(&self, auto: usize) -> Result<usize, Problem> {
        match self.looks.as_deref() {
            None | Some("auto") => Ok(auto),
            Some(number) => {
                number.parse().ok().filter(|looks| (1..=MOST_LOOKS).contains(looks)).ok_or_else(|| {
                    Problem::bad_request(format!(
                        "looks must be auto, or 1 to {MOST_LOOKS}, found {number:?}"
                    ))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(query: &str) -> Result<Settings, String> {
        let parameters: FindParameters =
            serde_html_form::from_str(query).map_err(|error| error.to_string())?;
        parameters.review().and_then(|_| parameters.settings()).map_err(|problem| problem.detail)
    }

    #[test]
    fn parameters_that_are_named_take_the_place_of_those_of_the_effort() {
        let normal = Settings { explain: true, ..Effort::Normal.settings() };
        assert_eq!(settings(""), Ok(normal.clone()));
        assert_eq!(settings("looks=auto&effort=normal&all=false"), Ok(normal));
        let low = settings("effort=low&looks=3&nprobe=9&k=2&max_e=1e-6").unwrap();
        assert_eq!((low.looks, low.nprobe, low.least_entries, low.k), (3, 9, 0, 2));
        assert_eq!((low.max_e, low.possible_e, low.explain), (1e-6, 1.0, false));
        let all = settings("all=true&where=licence%3DCC0&where=a=b=c").unwrap();
        assert!(all.exhaustive && all.possible_e == f64::INFINITY);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(all.filter.fields, [pair("licence", "CC0"), pair("a", "b=c")]);
    }

    #[test]
    fn other_parameters_and_values_are_refused() {
        for query in [
            "k=0",
            "k=1001",
            "k=-1",
            "k=x",
            "review_e=-1",
            "review_e=1.5",
            "review_e=NaN",
            "k=1&k=2",
            "effort=extreme",
            "looks=0",
            "looks=65",
            "looks=many",
            "nprobe=0",
            "max_e=-1",
            "max_e=inf",
            "max_e=nan",
            "where=licence",
            "where==a",
            "all=perhaps",
            "other=1",
        ] {
            assert!(settings(query).is_err(), "{query}");
        }
    }
}
