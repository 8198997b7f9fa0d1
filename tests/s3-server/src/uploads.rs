//! Multipart uploads: parts in any order, joined in one step.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use hyper::StatusCode;

use crate::{
    answer::{Answer, Refusal, document, empty, with_object},
    buckets::{Buckets, Condition, Object, Staged},
    call::Call,
    objects::{copied, copy_result},
    xml::{self, element},
};

/// Upload that goes on.
#[derive(Debug)]
struct Upload {
    bucket: String,
    key: String,
    parts: BTreeMap<u32, Staged>,
}

/// Uploads that go on, by their ids.
#[derive(Debug, Default)]
pub struct Uploads {
    open: Mutex<BTreeMap<String, Upload>>,
    begun: AtomicU64,
}

impl Uploads {
    /// Begins an upload.
    pub fn begin(&self, buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
        buckets.with_bucket(&call.bucket, |_| ())?;
        let id = format!("upload-{}", self.begun.fetch_add(1, Ordering::Relaxed));
        let upload = Upload { bucket: call.bucket.clone(), key: call.key.clone(), parts: BTreeMap::new() };
        self.lock().insert(id.clone(), upload);
        let content =
            [element("Bucket", &call.bucket), element("Key", &call.key), element("UploadId", &id)].concat();
        let name = "InitiateMultipartUploadResult";
        Ok(document(format!("{}<{name}>{content}</{name}>", xml::HEAD)))
    }

    /// Takes a part, or a copy of an object as a part.
    pub fn put_part(&self, buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
        let number = call.query("partNumber").and_then(|number| number.parse().ok());
        let number: u32 = number.ok_or_else(|| Refusal::invalid("partNumber is no number"))?;
        let source = call.source()?;
        let staged = match &source {
            Some((bucket, key)) => copied(buckets, bucket, key)?,
            None => buckets.stage([Ok(&*call.body)].into_iter())?,
        };
        let object = Object { size: staged.size, tag: staged.tag.clone(), modified: SystemTime::now() };
        // The part that was there before, or this one if the upload has ended.
        let (needless, kept) = match own(&mut self.lock(), call) {
            Ok(upload) => (upload.parts.insert(number, staged), Ok(())),
            Err(refusal) => (Some(staged), Err(refusal)),
        };
        needless.map_or(Ok(()), |part| fs::remove_file(part.path))?;
        kept?;
        let answer =
            if source.is_some() { copy_result("CopyPartResult", &object) } else { Answer::default() };
        Ok(with_object(answer, &object.tag, object.modified))
    }

    /// Joins the parts that a document lists. Where the condition does not hold, the upload goes on, as on S3.
    pub fn complete(&self, buckets: &Buckets, call: &Call) -> Result<Answer, Refusal> {
        let condition = Condition::of(call)?;
        let body = str::from_utf8(&call.body).map_err(|_| Refusal::invalid("the list is no text"))?;
        let listed: Option<Vec<(u32, String)>> = xml::contents(body, "Part").into_iter().map(part).collect();
        let listed = listed.ok_or_else(|| Refusal::invalid("a part without a number or a tag"))?;
        let bytes = self.joined(call, &listed)?;
        let staged = buckets.stage(bytes.iter().map(|part| Ok(&**part)))?;
        let object = buckets.publish((&call.bucket, &call.key), staged, condition.as_ref())?;
        self.end(call)?;
        let content =
            [element("Bucket", &call.bucket), element("Key", &call.key), element("ETag", &object.tag)]
                .concat();
        let name = "CompleteMultipartUploadResult";
        Ok(document(format!("{}<{name}>{content}</{name}>", xml::HEAD)))
    }

    /// Abandons an upload.
    pub fn abort(&self, call: &Call) -> Result<Answer, Refusal> {
        self.end(call)?;
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// Bytes of the listed parts.
    fn joined(&self, call: &Call, listed: &[(u32, String)]) -> Result<Vec<Vec<u8>>, Refusal> {
        let mut open = self.lock();
        let upload = own(&mut open, call)?;
        let ascend = listed.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if listed.is_empty() || !ascend {
            return Err(Refusal::invalid_part());
        }
        let part = |(number, tag): &(u32, String)| {
            let part =
                upload.parts.get(number).filter(|part| part.tag.trim_matches('"') == tag.trim_matches('"'));
            Ok(fs::read(&part.ok_or_else(Refusal::invalid_part)?.path)?)
        };
        listed.iter().map(part).collect()
    }

    fn end(&self, call: &Call) -> Result<(), Refusal> {
        let mut open = self.lock();
        own(&mut open, call)?;
        let upload = open.remove(call.query("uploadId").unwrap_or_default());
        for part in upload.into_iter().flat_map(|upload| upload.parts.into_values()) {
            fs::remove_file(part.path)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Upload>> {
        self.open.lock().expect("no thread panics that holds it")
    }
}

/// Upload that a request names.
fn own<'a>(open: &'a mut BTreeMap<String, Upload>, call: &Call) -> Result<&'a mut Upload, Refusal> {
    let upload = call.query("uploadId").and_then(|id| open.get_mut(id));
    upload.filter(|own| own.bucket == call.bucket && own.key == call.key).ok_or_else(Refusal::no_upload)
}

/// Number and tag of a part in the document of a completion.
fn part(text: &str) -> Option<(u32, String)> {
    Some((xml::text(text, "PartNumber")?.parse().ok()?, xml::text(text, "ETag")?))
}
