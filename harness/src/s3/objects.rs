//! The objects of all buckets: bodies and descriptions in the files of a folder, and an index in
//! memory.
//!
//! A body is written under a name of its own, then the description, which names the body, replaces
//! the one before in one step. So a harness that is killed leaves either the old object or the new
//! one. Bodies without a description are removed at the next start.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use tempfile::TempDir;
use tokio::{fs::File, io::AsyncWriteExt};
use uuid::Uuid;

use super::{error::S3Error, object::Object};

/// The most bytes of all objects, with those of unfinished uploads.
const MOST_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// The most objects. The index is in memory.
const MOST_OBJECTS: usize = 100_000;
const BODY: &str = "body";
const DESCRIPTION: &str = "json";

/// The stored objects. Clones share them.
#[derive(Clone, Debug)]
pub struct Objects(Arc<Stored>);

#[derive(Debug)]
struct Stored {
    folder: PathBuf,
    index: Mutex<Index>,
    most_bytes: u64,
    /// Removes the folder at the end, if the objects are not kept.
    _temporary: Option<TempDir>,
}

#[derive(Debug, Default)]
struct Index {
    /// By bucket and key.
    objects: BTreeMap<(String, String), Arc<Object>>,
    /// Of all objects and unfinished uploads.
    bytes: u64,
}

impl Objects {
    /// Opens the objects in `folder`, or in a temporary folder that is removed at the end.
    ///
    /// # Errors
    /// Fails if the folder cannot be read and written.
    pub fn open(folder: Option<&Path>) -> io::Result<Self> {
        Self::bounded(folder, MOST_BYTES)
    }

    /// Opens objects that have at most `most_bytes` together.
    ///
    /// # Errors
    /// Fails if the folder cannot be read and written.
    pub fn bounded(folder: Option<&Path>, most_bytes: u64) -> io::Result<Self> {
        let temporary = match folder {
            Some(folder) => {
                fs::create_dir_all(folder)?;
                None
            }
            None => Some(
                tempfile::Builder::new()
                    .prefix("harness-objects-")
                    .tempdir()?,
            ),
        };
        let folder = match (&temporary, folder) {
            (Some(temporary), _) => temporary.path(),
            (None, folder) => folder.unwrap_or(Path::new(".")),
        };
        Ok(Self(Arc::new(Stored {
            index: Mutex::new(restored(folder)?),
            folder: folder.to_owned(),
            most_bytes,
            _temporary: temporary,
        })))
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<Arc<Object>> {
        let place = (bucket.to_owned(), key.to_owned());
        self.index().objects.get(&place).cloned()
    }

    /// Returns the objects of a bucket whose keys are greater than `after`, in their order.
    pub(super) fn after(&self, bucket: &str, after: &str) -> Vec<Arc<Object>> {
        let first = (bucket.to_owned(), after.to_owned());
        let index = self.index();
        let objects = index.objects.range(first.clone()..);
        let of_bucket = objects.take_while(|((name, _), _)| name == bucket);
        of_bucket
            .filter(|(place, _)| **place != first)
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// Opens the body of an object. It can be read to its end even if the object is replaced or
    /// deleted meanwhile.
    pub(super) async fn body(&self, object: &Object) -> io::Result<File> {
        File::open(self.0.folder.join(&object.body)).await
    }

    /// Begins an upload of `size` bytes.
    pub(super) async fn begin(&self, size: u64) -> Result<Upload, S3Error> {
        self.reserve(size)?;
        let mut upload = Upload {
            objects: self.clone(),
            name: format!("{}.{BODY}", Uuid::new_v4().simple()),
            size,
            file: None,
            is_stored: false,
        };
        let path = self.0.folder.join(&upload.name);
        upload.file = Some(File::create(path).await.map_err(|error| failed(&error))?);
        Ok(upload)
    }

    fn reserve(&self, size: u64) -> Result<(), S3Error> {
        let mut index = self.index();
        let bytes = index.bytes.saturating_add(size);
        if bytes > self.0.most_bytes || index.objects.len() >= MOST_OBJECTS {
            tracing::warn!(
                bytes = index.bytes,
                objects = index.objects.len(),
                "the harness stores no more objects: delete some, or start it again without --data"
            );
            return Err(S3Error::SlowDown);
        }
        index.bytes = bytes;
        Ok(())
    }

    /// Deletes an object, if it exists.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), S3Error> {
        let mut index = self.index();
        let place = (bucket.to_owned(), key.to_owned());
        if !index.objects.contains_key(&place) {
            return Ok(());
        }
        fs::remove_file(self.description(bucket, key)).map_err(|error| failed(&error))?;
        if let Some(object) = index.objects.remove(&place) {
            self.forget(&mut index, &object);
        }
        Ok(())
    }

    /// Removes the body of an object that is no longer in the index.
    fn forget(&self, index: &mut Index, object: &Object) {
        index.bytes = index.bytes.saturating_sub(object.size);
        // What is left is removed at the next start.
        let _ = fs::remove_file(self.0.folder.join(&object.body));
    }

    /// Returns the path of a description. Keys may be longer than names of files.
    fn description(&self, bucket: &str, key: &str) -> PathBuf {
        let hash = digest(&SHA256, format!("{bucket}/{key}").as_bytes());
        let name: String = hash
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.0.folder.join(name).with_extension(DESCRIPTION)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An upload whose body arrives. Dropping it removes what has arrived.
pub(super) struct Upload {
    objects: Objects,
    name: String,
    size: u64,
    file: Option<File>,
    is_stored: bool,
}

impl Upload {
    /// Returns the name of the file with the body.
    pub fn body(&self) -> &str {
        &self.name
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), S3Error> {
        let Some(file) = &mut self.file else {
            return Err(S3Error::Internal);
        };
        file.write_all(bytes).await.map_err(|error| failed(&error))
    }

    /// Stores the object, whose body is complete. With `only_new`, fails if the key has an object:
    /// of several uploads at once, the first one that is complete wins.
    pub async fn store(mut self, object: Object, only_new: bool) -> Result<Arc<Object>, S3Error> {
        if let Some(mut file) = self.file.take() {
            file.flush().await.map_err(|error| failed(&error))?;
        }
        let objects = self.objects.clone();
        let mut index = objects.index();
        let place = (object.bucket.clone(), object.key.clone());
        if only_new && index.objects.contains_key(&place) {
            return Err(S3Error::PreconditionFailed("If-None-Match"));
        }
        let description = objects.description(&object.bucket, &object.key);
        let unfinished = description.with_extension("unfinished");
        let json = serde_json::to_vec(&object).map_err(|_| S3Error::Internal)?;
        fs::write(&unfinished, json)
            .and_then(|()| fs::rename(&unfinished, &description))
            .map_err(|error| failed(&error))?;
        self.is_stored = true;
        let object = Arc::new(object);
        if let Some(before) = index.objects.insert(place, Arc::clone(&object)) {
            objects.forget(&mut index, &before);
        }
        Ok(object)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_stored {
            return;
        }
        self.file = None;
        let _ = fs::remove_file(self.objects.0.folder.join(&self.name));
        let mut index = self.objects.index();
        index.bytes = index.bytes.saturating_sub(self.size);
    }
}

/// Reads the descriptions in a folder, and removes all other files of former runs.
fn restored(folder: &Path) -> io::Result<Index> {
    let mut index = Index::default();
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(|it| it.to_str()) {
            Some(DESCRIPTION) => {
                let object: Object = serde_json::from_slice(&fs::read(&path)?)?;
                index.bytes = index.bytes.saturating_add(object.size);
                let place = (object.bucket.clone(), object.key.clone());
                index.objects.insert(place, Arc::new(object));
            }
            Some(BODY | "unfinished") => {
                others.insert(path);
            }
            _ => {}
        }
    }
    for object in index.objects.values() {
        others.remove(&folder.join(&object.body));
    }
    for path in others {
        fs::remove_file(path)?;
    }
    Ok(index)
}

fn failed(error: &io::Error) -> S3Error {
    tracing::warn!(%error, "cannot store an object");
    S3Error::Internal
}
