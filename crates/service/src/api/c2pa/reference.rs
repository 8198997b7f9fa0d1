//! Route of pictures that are fetched.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use image_file::Format;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    algorithm::Algorithms,
    matches::{QueryResult, search},
    parameters::ContentParameters,
    published,
};
use crate::{
    api::{body, json, parameters::Query},
    app::App,
    fetch::WebAddress,
    lookup::Content,
    problem::Problem,
};

/// Picture at an address.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetReference {
    /// Address of the picture, by HTTPS.
    #[schema(format = "uri", pattern = "^https://.*")]
    reference_url: String,
    /// Size of the picture in bytes, which it must not exceed.
    asset_length: u64,
    /// Media type of the picture, such as `image/jpeg`, which its content must have.
    asset_type: Option<String>,
    /// Regions of interest, which are not supported: must be absent or empty.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    region: Vec<Value>,
}

/// Finds the manifests of a picture at an address.
///
/// The picture is fetched if the service was started to do so, from public addresses alone.
#[utoipa::path(post, path = "/c2pa/v1/matches/byReference", operation_id = "queryByReference", tag = "c2pa",
    params(ContentParameters),
    request_body(description = "Address of the picture", content((AssetReference = "application/json"))),
    responses(
        (status = 200, body = QueryResult, description = "Manifests, the strongest match first"),
        (status = 400, description = "Malformed parameters or body, or a picture that cannot be fetched or read"),
        (status = 404, description = "No such collection"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 413, description = "The body or the picture is too large"),
        (status = 415, description = "The body is no JSON, or the asset is no picture of a known format"),
        (status = 429, description = "Too many lookups wait; the header retry-after says when to try again"),
        (status = 501, description = "The service fetches nothing"),
        (status = 503, description = "The network is being loaded, or the service is shutting down"),
    ))]
pub async fn by_reference(
    State(app): State<Arc<App>>,
    Query(parameters): Query<ContentParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Some(fetcher) = &app.fetcher else {
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "this service fetches nothing"));
    };
    let ContentParameters { alg, max_results, collection, .. } = parameters;
    let collections = Algorithms::read(&app, collection.as_deref()).await?.of(alg.as_deref())?;
    let AssetReference { reference_url, asset_length, asset_type, region } =
        body::read_json(&app, &headers, body).await?;
    let address = WebAddress::parse(&reference_url)?;
    if !address.is_secure() {
        return Err(Problem::bad_request("referenceUrl must begin with https://"));
    }
    if !region.is_empty() {
        return Err(Problem::bad_request("regions of interest are not supported"));
    }
    let formats = asset_type.as_deref().map(formats).transpose()?;
    let most_bytes = usize::try_from(asset_length).unwrap_or(usize::MAX);
    let bytes = fetcher.fetch_securely(&address, most_bytes).await.map_err(published)?;
    if formats.is_some_and(|formats| !Format::of(&bytes).is_ok_and(|format| formats.contains(&format))) {
        return Err(Problem::bad_request("the asset is not of the type assetType"));
    }
    let queries = collections.into_iter().map(|served| (served, Content::File(bytes.clone()))).collect();
    json(&search(&app, queries, max_results).await?)
}

/// Formats of a media type.
///
/// # Errors
/// A problem with status 415.
fn formats(media_type: &str) -> Result<&'static [Format], Problem> {
    Ok(match media_type.to_ascii_lowercase().as_str() {
        "image/jpeg" => &[Format::Jpeg],
        "image/png" | "image/apng" => &[Format::Png],
        "image/webp" => &[Format::WebP],
        "image/gif" => &[Format::Gif],
        "image/bmp" => &[Format::Bmp],
        "image/tiff" => &[Format::Tiff],
        "image/qoi" => &[Format::Qoi],
        "image/jxl" => &[Format::JpegXl],
        "image/heic" | "image/heif" => &[Format::Heic],
        other => {
            return Err(Problem::unsupported(format!(
                "assetType {other:?} is no type of a picture that is read"
            )));
        }
    })
}
