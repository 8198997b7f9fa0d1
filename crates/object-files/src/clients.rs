//! Clients of object stores, made as buckets are met.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::TryStreamExt;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, WriteMultipart,
    aws::AmazonS3Builder, azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, path::Path,
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    address::{Address, Scheme},
    error::{Error, Result},
    objects::Found,
};

/// Threads that move bytes; callers wait on their own threads.
const THREADS: usize = 2;
/// Size of the parts of a large object, each of which is a request: clients give a request 30 seconds. Stores join 10,000 parts.
const PART: usize = 16 << 20;
/// Parts that are under way at a time.
const PARTS_AT_ONCE: usize = 4;
/// Longest message of a store, in characters: some answer with a page.
const LONGEST_MESSAGE: usize = 400;

/// Clients by bucket, and the threads that they share.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    runtime: Option<Arc<Runtime>>,
    stores: HashMap<(Scheme, String), Arc<dyn ObjectStore>>,
}

impl Clients {
    /// Makes the client of a bucket, without a request.
    pub fn open(&self, address: &Address) -> Result<()> {
        self.store(address).map(drop)
    }

    /// Returns the size of an object, if there is one.
    pub fn size(&self, address: &Address) -> Result<Option<u64>> {
        self.call(address, async |store, path| match store.head(&path).await {
            Ok(about) => Ok(Some(about.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    pub fn read(&self, address: &Address, limit: u64) -> Result<Vec<u8>> {
        self.call(address, async |store, path| {
            let object = store.get(&path).await?;
            let size = object.meta.size;
            let refuse = |bytes| Err(Error::TooManyBytes { bytes, limit });
            if size > limit {
                return refuse(size);
            }
            let (mut parts, mut bytes) = (object.into_stream(), Vec::with_capacity(size as usize));
            while let Some(part) = parts.try_next().await? {
                if bytes.len() as u64 + part.len() as u64 > limit {
                    return refuse(bytes.len() as u64 + part.len() as u64);
                }
                bytes.extend_from_slice(&part);
            }
            Ok(bytes)
        })
    }

    /// Reads the first bytes of an object, if there is one.
    pub fn start(&self, address: &Address, limit: u64) -> Result<Option<Vec<u8>>> {
        match self.size(address)? {
            None => return Ok(None),
            // No range is in an empty object.
            Some(0) => return Ok(Some(Vec::new())),
            Some(_) => {}
        }
        self.call(address, async |store, path| {
            let range = Some(GetRange::Bounded(0..limit));
            let options = GetOptions { range, ..GetOptions::default() };
            match store.get_opts(&path, options).await {
                Ok(object) => Ok(Some(object.bytes().await?.into())),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Lists objects until `visit` returns false.
    pub fn list(&self, folder: &Address, visit: &mut dyn FnMut(Found) -> bool) -> Result<()> {
        self.call(folder, async |store, path| {
            let mut objects = store.list(Some(&path));
            while let Some(object) = objects.try_next().await? {
                if !visit(Found { key: object.location.into(), bytes: object.size }) {
                    break;
                }
            }
            Ok(())
        })
    }

    pub fn put(&self, address: &Address, bytes: Vec<u8>) -> Result<()> {
        self.call(address, async |store, path| {
            match bytes.len() > PART {
                true => put_parts(store.put_multipart(&path).await?, &bytes).await?,
                false => drop(store.put(&path, bytes.into()).await?),
            }
            Ok(())
        })
    }

    /// Returns false if there is an object already.
    pub fn create(&self, address: &Address, bytes: Vec<u8>) -> Result<bool> {
        self.call(address, async |store, path| {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            match store.put_opts(&path, bytes.into(), options).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Runs a call in the bucket of an address, and waits for it.
    fn call<T>(
        &self,
        address: &Address,
        call: impl AsyncFnOnce(Arc<dyn ObjectStore>, Path) -> Result<T>,
    ) -> Result<T> {
        let path = Path::parse(&address.key).map_err(|error| Error::Store(error.to_string()))?;
        // Names that the client would change lead to other objects.
        if path.as_ref() != address.key.trim_end_matches('/') {
            return Err(Error::Address("its parts are not empty"));
        }
        let (runtime, store) = self.store(address)?;
        runtime.block_on(call(store, path))
    }

    fn store(&self, address: &Address) -> Result<(Arc<Runtime>, Arc<dyn ObjectStore>)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = match &state.runtime {
            Some(runtime) => runtime.clone(),
            None => state.runtime.insert(Arc::new(runtime()?)).clone(),
        };
        let bucket = (address.scheme, address.bucket.clone());
        if let Some(store) = state.stores.get(&bucket) {
            return Ok((runtime, store.clone()));
        }
        let store = client(address)?;
        state.stores.insert(bucket, store.clone());
        Ok((runtime, store))
    }

    /// Puts a store of tests in the place of a bucket.
    #[cfg(test)]
    pub fn insert(&self, scheme: Scheme, bucket: &str, store: Arc<dyn ObjectStore>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.stores.insert((scheme, bucket.to_owned()), store);
    }
}

/// Writes an object in parts, which the store joins once it has all of them. Nothing is replaced if one fails.
async fn put_parts(upload: Box<dyn MultipartUpload>, bytes: &[u8]) -> object_store::Result<()> {
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
    for part in bytes.chunks(PART) {
        if let Err(error) = writer.wait_for_capacity(PARTS_AT_ONCE).await {
            // The store drops unfinished parts in time; the reason of the failure is what the user needs.
            let _ = writer.abort().await;
            return Err(error);
        }
        writer.write(part);
    }
    writer.finish().await.map(drop)
}

fn runtime() -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(THREADS).thread_name("object-files").enable_all();
    builder.build().map_err(|error| Error::Store(error.to_string()))
}

/// Creates the client of a bucket, with endpoint and credentials of the environment.
fn client(address: &Address) -> Result<Arc<dyn ObjectStore>> {
    let bucket = &address.bucket;
    Ok(match address.scheme {
        Scheme::S3 => Arc::new(AmazonS3Builder::from_env().with_bucket_name(bucket).build()?),
        Scheme::Google => Arc::new(GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).build()?),
        Scheme::Azure => Arc::new(MicrosoftAzureBuilder::from_env().with_container_name(bucket).build()?),
    })
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            error => {
                let message = error.to_string();
                let words: Vec<&str> = message.split_whitespace().collect();
                Self::Store(words.join(" ").chars().take(LONGEST_MESSAGE).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use object_store::{PutPayload, PutResult, UploadPart, memory::InMemory};

    use super::*;

    type Ending<'a, T> = Pin<Box<dyn Future<Output = object_store::Result<T>> + Send + 'a>>;

    /// Calls of an upload.
    #[derive(Debug, Default)]
    struct Calls {
        /// Bytes of each part.
        parts: Vec<usize>,
        ends: Vec<&'static str>,
    }

    /// Upload that refuses a part, counted from 1.
    #[derive(Debug)]
    struct Upload {
        calls: Arc<Mutex<Calls>>,
        refused: Option<usize>,
    }

    impl MultipartUpload for Upload {
        fn put_part(&mut self, part: PutPayload) -> UploadPart {
            let mut calls = self.calls.lock().unwrap();
            calls.parts.push(part.content_length());
            let is_refused = self.refused == Some(calls.parts.len());
            let refusal = || object_store::Error::Generic { store: "test", source: "refused".into() };
            Box::pin(async move { if is_refused { Err(refusal()) } else { Ok(()) } })
        }

        fn complete<'a, 'b>(&'a mut self) -> Ending<'b, PutResult>
        where
            'a: 'b,
            Self: 'b,
        {
            self.calls.lock().unwrap().ends.push("complete");
            Box::pin(async { Ok(PutResult { e_tag: None, version: None, extensions: Default::default() }) })
        }

        fn abort<'a, 'b>(&'a mut self) -> Ending<'b, ()>
        where
            'a: 'b,
            Self: 'b,
        {
            self.calls.lock().unwrap().ends.push("abort");
            Box::pin(async { Ok(()) })
        }
    }

    #[test]
    fn parts_are_joined_if_all_are_there() {
        let bytes = vec![7; 6 * PART + 1];
        for (refused, end) in [(None, "complete"), (Some(1), "abort"), (Some(7), "abort")] {
            let calls = Arc::<Mutex<Calls>>::default();
            let upload = Box::new(Upload { calls: calls.clone(), refused });
            let put = runtime().unwrap().block_on(put_parts(upload, &bytes));
            assert_eq!(put.is_ok(), refused.is_none(), "{put:?}");
            let calls = calls.lock().unwrap();
            assert_eq!(calls.ends, [end], "{refused:?}");
            assert!(refused.is_some() || calls.parts == [PART, PART, PART, PART, PART, PART, 1]);
        }
    }

    #[test]
    fn a_large_object_is_read_as_it_was_written() {
        let clients = Clients::default();
        clients.insert(Scheme::S3, "b", Arc::new(InMemory::new()));
        let address = Address { scheme: Scheme::S3, bucket: "b".to_owned(), key: "a.npy".to_owned() };
        let bytes: Vec<u8> = (0..2 * PART + 3).map(|i| (i % 251) as u8).collect();
        for large in [&bytes[..PART], &bytes[..=PART], &bytes] {
            clients.put(&address, large.to_vec()).unwrap();
            assert!(clients.read(&address, bytes.len() as u64).unwrap() == large);
        }
    }
}
