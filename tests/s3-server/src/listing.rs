//! Lists of keys, version 2.

use std::ops::Bound;

use crate::{
    answer::{Answer, Refusal, document},
    buckets::{Bucket, Buckets, Object},
    call::Call,
    xml::{self, element},
};

/// Largest number of keys and prefixes of a page.
const PAGE: usize = 1000;

/// Page of a list.
#[derive(Debug, Default)]
struct Page<'a> {
    objects: Vec<(&'a str, &'a Object)>,
    /// Keys up to the delimiter, one for all keys that begin so.
    prefixes: Vec<&'a str>,
    /// Last key or prefix of the page, if the list goes on.
    next: Option<&'a str>,
}

/// Answers a request for a page of keys.
pub fn list(buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
    if call.query("list-type") != Some("2") {
        return Err(Refusal::invalid("lists are those of version 2"));
    }
    let limit = call.query("max-keys").map_or(Ok(PAGE), str::parse);
    let limit = limit.map_err(|_| Refusal::invalid("max-keys is no number"))?.min(PAGE);
    let text = buckets.with_bucket(&call.bucket, |bucket| page(bucket, call, limit).xml(call))?;
    Ok(document(text))
}

fn page<'a>(bucket: &'a Bucket, call: &Call, limit: usize) -> Page<'a> {
    let prefix = call.query("prefix").unwrap_or_default();
    let delimiter = call.query("delimiter").filter(|delimiter| !delimiter.is_empty());
    let token = call.query("continuation-token");
    let after = token.or(call.query("start-after")).unwrap_or_default();
    let start = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
    let keys = bucket.range::<str, _>((start, Bound::Unbounded));
    let mut page = Page::default();
    let mut last = None;
    for (key, object) in keys.take_while(|(key, _)| key.starts_with(prefix)) {
        let common = delimiter.and_then(|delimiter| common(key, prefix, delimiter));
        let is_listed =
            |common: &str| page.prefixes.last() == Some(&common) || token.is_some_and(|own| own == common);
        if common.is_some_and(is_listed) {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == limit {
            page.next = last;
            return page;
        }
        match common {
            Some(common) => page.prefixes.push(common),
            None => page.objects.push((key, object)),
        }
        last = Some(common.unwrap_or(key));
    }
    page
}

/// Beginning of a key up to the delimiter that follows the prefix.
fn common<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let place = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + place + delimiter.len()])
}

impl Page<'_> {
    fn xml(&self, call: &Call) -> String {
        let mut text = format!("{}<ListBucketResult>", xml::HEAD);
        text += &element("Name", &call.bucket);
        text += &element("Prefix", call.query("prefix").unwrap_or_default());
        text += &element("KeyCount", &(self.objects.len() + self.prefixes.len()).to_string());
        text += &element("IsTruncated", &self.next.is_some().to_string());
        if let Some(next) = self.next {
            text += &element("NextContinuationToken", next);
        }
        for (key, object) in &self.objects {
            text += "<Contents>";
            text += &element("Key", key);
            text += &element("LastModified", &humantime::format_rfc3339_millis(object.modified).to_string());
            text += &element("ETag", &object.tag);
            text += &element("Size", &object.size.to_string());
            text += "</Contents>";
        }
        for prefix in &self.prefixes {
            text += &format!("<CommonPrefixes>{}</CommonPrefixes>", element("Prefix", prefix));
        }
        text + "</ListBucketResult>"
    }
}
