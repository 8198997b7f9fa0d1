//! Images from object stores, and released files to them.

use crate::{command_line::json, release::Folder, shards::messages};

#[cfg(not(feature = "object-store"))]
#[test]
fn a_build_without_object_stores_says_what_to_build() {
    let folder = Folder::new(1);
    for line in [
        "describe s3://bucket/photos/ --out a.npy",
        "describe @s3://bucket/list --out a.npy",
        "describe photos --out s3://bucket/a.npy",
        "release photos --collection shop --out gs://bucket/out",
        "find photos --collection shop --out az://bucket/found.json",
    ] {
        let output = folder.run(&format!("{line} --json"));
        assert_eq!(output.status.code(), Some(2), "{line}: {}", messages(&output));
        let error = json(&output)["error"].as_str().unwrap().to_owned();
        assert!(error.contains("://bucket/") && error.contains("--features object-store"), "{error}");
        assert_eq!(messages(&output).lines().count(), 1);
    }
    assert_eq!(folder.collection().info().unwrap().live, 0, "nothing was begun");
}

#[cfg(feature = "object-store")]
mod with_stores {
    use std::{
        fs,
        path::{Path, PathBuf},
        process::{Output, Stdio},
        thread::sleep,
        time::Duration,
    };

    use s3_server::{Faults, Kind, Server};
    use serde_json::Value;

    use super::*;
    use crate::{
        fixtures::npy_at,
        shards::{content, copy_folder, files},
    };

    /// A folder of photographs, and a server whose bucket `b` has them in `photos`.
    struct Stores {
        folder: Folder,
        server: Server,
    }

    impl Stores {
        /// The server reads the bucket's folder once, after `prepare` has changed it.
        fn new(photos: u32, prepare: impl FnOnce(&Path)) -> Self {
            let folder = Folder::new(photos);
            copy_folder(&folder.path("photos"), &folder.path("s3/b/photos"));
            prepare(&folder.path("s3/b"));
            let server = Server::start(&folder.path("s3")).expect("a free port");
            Self { folder, server }
        }

        /// File of an object.
        fn object(&self, key: &str) -> PathBuf {
            self.folder.path("s3/b").join(key)
        }

        fn run(&self, line: &str) -> Output {
            self.folder
                .command(&format!("{line} --json"))
                .envs(self.server.variables())
                .output()
                .expect("runs")
        }

        fn document(&self, line: &str, code: i32) -> Value {
            let output = self.run(line);
            assert_eq!(output.status.code(), Some(code), "{line}: {}", messages(&output));
            json(&output)
        }
    }

    fn inputs(document: &Value) -> Vec<&str> {
        let images = document["images"].as_array().expect("images").iter();
        images.map(|image| image["input"].as_str().expect("an input")).collect()
    }

    #[test]
    fn folders_objects_and_lists_are_described_as_files_are() {
        let list = "s3://b/photos/odd/a b#%20é\nphotos/1.png\n\ns3://b/photos/gone.png\ns3://none/x.png\n";
        let stores = Stores::new(4, |bucket| {
            fs::write(bucket.join("list.txt"), list).unwrap();
            fs::write(bucket.join("photos/notes.txt"), "no image").unwrap();
            fs::create_dir_all(bucket.join("photos/odd")).unwrap();
            fs::copy(bucket.join("photos/0.png"), bucket.join("photos/odd/a b#%20é")).unwrap();
        });
        copy_folder(&stores.object("photos"), &stores.folder.path("same"));
        let local = stores.document("describe same --out local.npy", 0);
        let far = stores.document("describe s3://b/photos/ --out far.npy", 0);
        let expected: Vec<String> =
            inputs(&local).iter().map(|input| input.replace("same/", "s3://b/photos/")).collect();
        assert_eq!(inputs(&far), expected);
        assert_eq!((expected.len(), &far["skipped"]), (5, &1.into()));
        let rows = |file: &str| npy_at(&stores.folder.path(file)).unwrap().values;
        assert_eq!(rows("far.npy"), rows("local.npy"));

        for list in ["s3://b/list.txt", "@s3://b/list.txt"] {
            let output = stores.run(&format!("describe {list} --out listed.npy"));
            let listed = json(&output);
            let wanted =
                ["photos/1.png", "s3://b/photos/gone.png", "s3://b/photos/odd/a b#%20é", "s3://none/x.png"];
            let mut found = inputs(&listed);
            found.sort();
            assert_eq!((found, output.status.code()), (wanted.to_vec(), Some(1)));
            let said = messages(&output);
            assert!(said.contains("s3://b/photos/gone.png: does not exist\n"), "{said}");
            assert!(said.contains("s3://none/x.png: ") && said.lines().count() == 2, "{said}");
        }
        for (line, reason) in [
            ("describe s3://b/gone --out a.npy", "s3://b/gone: does not exist"),
            ("describe s3://b/none/ --out a.npy", "no images in s3://b/none/"),
            (
                "describe s3://b/none.txt --out a.npy",
                "s3://b/none.txt: cannot be read as a list of files: does not exist",
            ),
            ("describe s3:// --out a.npy", "expected the address of an object"),
            ("index train --factory Flat --input local.npy --out s3://b/db.faiss", "expected a path"),
        ] {
            let output = stores.run(line);
            assert!(messages(&output).contains(reason), "{line}: {}", messages(&output));
            assert_ne!(output.status.code(), Some(0));
        }
    }

    /// Requests are refused and answers lost, a process is killed, and all shards run twice.
    #[test]
    fn shards_release_from_and_to_a_store_what_one_process_releases_to_a_folder() {
        let stores = Stores::new(12, |_| ());
        copy_folder(&stores.folder.path("shop"), &stores.folder.path("far"));
        stores.document("release photos --collection shop --out near --iterations 1", 0);
        stores.server.set_faults(Faults { refused_of: 7, lost_of: 5, ..Faults::default() });
        let line = |shard: u32| {
            format!(
                "release s3://b/photos --collection far --out s3://b/released --iterations 1 --shard {shard}/3"
            )
        };
        for shard in [0, 1, 2, 1, 0] {
            let mut command = stores.folder.command(&line(shard));
            let command = command.envs(stores.server.variables()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut running = command.spawn().unwrap();
            sleep(Duration::from_millis(350 + 90 * u64::from(shard)));
            running.kill().unwrap();
            running.wait().unwrap();
            let report = stores.document(&line(shard), 0);
            assert!(report["images"].as_array().unwrap().iter().all(|image| image.get("error").is_none()));
        }
        let near =
            content(&stores.folder.path("shop"), &std::path::absolute(stores.folder.path("near")).unwrap());
        let far = content(&stores.folder.path("far"), Path::new("s3://b/released"));
        assert_eq!((far.len(), far), (12, near));
        assert!(files(&stores.object("released")) == files(&stores.folder.path("near")));
    }

    #[test]
    fn an_object_with_other_bytes_is_not_replaced_and_its_entry_is_completed_later() {
        let stores = Stores::new(3, |bucket| {
            fs::create_dir_all(bucket.join("out")).unwrap();
            fs::write(bucket.join("out/1.png"), "not ours").unwrap();
        });
        let line = "release s3://b/photos/ --collection shop --out s3://b/out/ --iterations 1";
        let report = stores.document(line, 1);
        let error = report["images"][1]["error"].as_str().unwrap();
        assert!(error.starts_with("cannot write s3://b/out/1.png: exists with other content"), "{error}");
        assert_eq!(fs::read(stores.object("out/1.png")).unwrap(), b"not ours");
        let info = stores.folder.collection().info().unwrap();
        assert_eq!((info.live, info.pending), (3, 1));
        stores.document(line, 1);
        fs::remove_file(stores.object("out/1.png")).unwrap();
        // The server learns of files when it starts.
        let stores = Stores { server: Server::start(&stores.folder.path("s3")).unwrap(), ..stores };
        let report = stores.document(line, 0);
        let statuses: Vec<&str> = report["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, ["already", "released", "already"]);
        assert_eq!(report["images"][1]["output"], "s3://b/out/1.png");
        assert_eq!(stores.folder.collection().info().unwrap().pending, 0);
        // Released files beside the originals are no originals.
        let again = stores.document("release s3://b/ --collection shop --out s3://b/out --iterations 1", 0);
        assert_eq!(inputs(&again).len(), 3);
    }

    #[test]
    fn descriptors_and_answers_go_to_the_store() {
        let stores = Stores::new(4, |_| ());
        stores.document("collection add photos --collection shop", 0);
        let line = "describe s3://b/photos --out s3://b/made/all.npy --shard 1/2";
        for _ in 0..2 {
            stores.document(line, 0);
        }
        stores.document("describe photos --out all.npy --shard 1/2", 0);
        let values = |path: &Path| npy_at(path).unwrap().values;
        assert_eq!(
            values(&stores.object("made/all.1-of-2.npy")),
            values(&stores.folder.path("all.1-of-2.npy"))
        );
        for end in ["names.tsv", "extractor.json"] {
            assert!(stores.object(&format!("made/all.1-of-2.{end}")).is_file(), "{end}");
        }
        let line = "find s3://b/photos --collection shop --looks 1 --out s3://b/made/found.json";
        stores.server.reset_counts();
        let found = stores.document(line, 0);
        let kept: Value =
            serde_json::from_slice(&fs::read(stores.object("made/found.json")).unwrap()).unwrap();
        assert_eq!(kept, found);
        assert_eq!(stores.server.counts().of(Kind::Get).requests, 4, "each query is read once");
        let refused = stores.document("describe photos --out s3://b/photos/0.npy/../x.npy", 2);
        assert!(refused["error"].as_str().unwrap().contains("s3://b/photos/0.npy/../x.npy"), "{refused}");
        let refused = stores.document("find photos --collection shop --out s3://b/photos/0.png", 2);
        assert!(refused["error"].as_str().unwrap().contains("exists and is no JSON document"), "{refused}");
    }
}
