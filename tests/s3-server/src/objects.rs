//! Requests for objects: get, head, put, copy, delete.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, StatusCode, header};

use crate::{
    answer::{Answer, Refusal, document, empty, with_header, with_object},
    buckets::{Buckets, Condition, Object, Staged, has_tag},
    call::Call,
    xml::{self, element},
};

/// Bytes that are copied at once.
const PIECE: usize = 1 << 20;

/// Answers with an object, a range of it, or for HEAD with its facts alone.
pub fn get(buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
    let (object, file) = buckets.file(&call.bucket, &call.key)?;
    require(call, &object)?;
    let range = call.header("range").map(|text| range(text, object.size)).transpose()?;
    let (status, bytes) = match &range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range.clone()),
        None => (StatusCode::OK, 0..object.size),
    };
    let body = if call.method == Method::HEAD { Bytes::new() } else { read(file, &bytes)? };
    let mut answer = Answer::new(Full::from(body));
    *answer.status_mut() = status;
    if call.method == Method::HEAD {
        answer = with_header(answer, header::CONTENT_LENGTH, &(bytes.end - bytes.start).to_string());
    }
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
        answer = with_header(answer, header::CONTENT_RANGE, &text);
    }
    let answer = with_header(answer, header::CONTENT_TYPE, "application/octet-stream");
    Ok(with_object(answer, &object.tag, object.modified))
}

/// Refuses an object that does not meet the conditions of a read.
fn require(call: &Call, object: &Object) -> Result<(), Refusal> {
    if call.header("if-match").is_some_and(|tags| !has_tag(tags, &object.tag)) {
        return Err(Refusal::condition());
    }
    match call.header("if-none-match") {
        Some(tags) if has_tag(tags, &object.tag) => Err(Refusal::not_modified()),
        _ => Ok(()),
    }
}

/// Bytes that `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-NUMBER` names.
fn range(text: &str, size: u64) -> Result<Range<u64>, Refusal> {
    let ends = text.strip_prefix("bytes=").and_then(|text| text.split_once('-'));
    let (first, last) = ends.ok_or_else(Refusal::range)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| Refusal::range());
    let range = match (first, last) {
        ("", number_of_last) => size.saturating_sub(number(number_of_last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => number(first)?..number(last)?.saturating_add(1).min(size),
    };
    if range.is_empty() { Err(Refusal::range()) } else { Ok(range) }
}

fn read(mut file: File, range: &Range<u64>) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = vec![0; (range.end - range.start) as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// Puts an object, or a copy of another one.
pub fn put(buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
    let condition = Condition::of(call)?;
    let source = call.source()?;
    let staged = match &source {
        Some((bucket, key)) => copied(buckets, bucket, key)?,
        None => buckets.stage([Ok(&*call.body)].into_iter())?,
    };
    let object = buckets.publish((&call.bucket, &call.key), staged, condition.as_ref())?;
    let answer = if source.is_some() { copy_result("CopyObjectResult", &object) } else { Answer::default() };
    Ok(with_object(answer, &object.tag, object.modified))
}

/// Copy of an object, in no bucket yet.
pub fn copied(buckets: &Buckets, bucket: &str, key: &str) -> Result<Staged, Refusal> {
    let (object, file) = buckets.file(bucket, key)?;
    let bytes = read(file, &(0..object.size))?;
    Ok(buckets.stage(bytes.chunks(PIECE).map(Ok))?)
}

/// Document that answers a copy.
pub fn copy_result(name: &str, object: &Object) -> Answer {
    let modified = humantime::format_rfc3339_millis(object.modified).to_string();
    let content = [element("ETag", &object.tag), element("LastModified", &modified)].concat();
    document(format!("{}<{name}>{content}</{name}>", xml::HEAD))
}

/// Deletes an object.
pub fn delete(buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
    buckets.delete(&call.bucket, &call.key)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Deletes the objects that a document lists.
pub fn delete_many(buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
    let body = str::from_utf8(&call.body).map_err(|_| Refusal::invalid("the list is no text"))?;
    let keys: Option<Vec<String>> =
        xml::contents(body, "Object").into_iter().map(|object| xml::text(object, "Key")).collect();
    let keys = keys.ok_or_else(|| Refusal::invalid("an object without a key"))?;
    let mut text = format!("{}<DeleteResult>", xml::HEAD);
    for key in keys {
        buckets.delete(&call.bucket, &key)?;
        text += &format!("<Deleted>{}</Deleted>", element("Key", &key));
    }
    Ok(document(text + "</DeleteResult>"))
}
