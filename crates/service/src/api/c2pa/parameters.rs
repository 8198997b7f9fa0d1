//! Parameters of the routes, by the specification's names; `collection` is this service's own.

use std::num::NonZeroU32;

use serde::Deserialize;
use utoipa::IntoParams;

/// Parameters of a soft binding in an address.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct BindingParameters {
    /// Name of the algorithm, one of those of `supportedAlgorithms`.
    pub alg: String,
    /// Value of the soft binding: the descriptor as float16, little-endian, in base64.
    pub value: String,
    /// Largest number of manifests, of which 100 at most are returned; 10 unless it is named.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub max_results: Option<NonZeroU32>,
    /// Name of a collection; all that are served unless one is named.
    pub collection: Option<String>,
}

/// Parameters of a soft binding in a body.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct LargeBindingParameters {
    /// Largest number of manifests, of which 100 at most are returned; 10 unless it is named.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub max_results: Option<NonZeroU32>,
    /// Name of a collection; all that are served unless one is named.
    pub collection: Option<String>,
}

/// Parameters of a picture.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ContentParameters {
    /// Name of the algorithm, one of those of `supportedAlgorithms`; all unless one is named.
    pub alg: Option<String>,
    /// Largest number of manifests, of which 100 at most are returned; 10 unless it is named.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub max_results: Option<NonZeroU32>,
    /// Name of another algorithm, whose value is known; not needed, and not used.
    #[serde(rename = "hintAlg")]
    #[expect(dead_code, reason = "the specification leaves it to the service whether it uses hints")]
    hint_alg: Option<String>,
    /// Value of the other algorithm; not needed, and not used.
    #[serde(rename = "hintValue")]
    #[expect(dead_code, reason = "the specification leaves it to the service whether it uses hints")]
    hint_value: Option<String>,
    /// Name of a collection; all that are served unless one is named.
    pub collection: Option<String>,
}

/// Parameters of a manifest.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ManifestParameters {
    /// True for the active manifest alone. Manifest stores in fields are handed out whole, and refuse it.
    #[serde(default)]
    pub return_active_manifest: bool,
    /// Name of a collection; all that are served unless one is named.
    pub collection: Option<String>,
}
