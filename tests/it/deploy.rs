//! Scripts and manifests of `deploy/`: their arguments are those of the program, and their numbers agree.

use std::{
    env, fs,
    process::{Command, Output},
};

use crate::fixtures::{program_on_any_device, root};

/// Output of the program that parses these arguments and then prints its help.
fn parsed(arguments: &[String]) -> Output {
    program_on_any_device().args(arguments).arg("--help").output().unwrap()
}

#[track_caller]
fn accepts(arguments: &[String]) {
    let output = parsed(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    let unknown = [&arguments[..1], &["--no-such-flag".to_owned()]].concat();
    assert_eq!(parsed(&unknown).status.code(), Some(2), "other flags are refused before the help");
}

fn manifest(name: &str) -> String {
    fs::read_to_string(root().join("deploy/kubernetes").join(name)).unwrap()
}

/// Items of the first list under a key, as texts.
fn list(manifest: &str, key: &str) -> Vec<String> {
    let lines = manifest.lines().map(str::trim).skip_while(|line| *line != format!("{key}:")).skip(1);
    lines.map_while(|line| line.strip_prefix("- ")).map(|item| item.trim_matches('"').to_owned()).collect()
}

/// Value of the first key of a name.
fn value<'a>(manifest: &'a str, key: &str) -> &'a str {
    let mut values = manifest.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
    values.next().unwrap_or_else(|| panic!("no {key}")).trim_matches('"')
}

/// Arguments with the values of the ConfigMap in place of `$(NAME)`, as Kubernetes puts them.
fn substituted(arguments: Vec<String>) -> Vec<String> {
    let places = manifest("configmap.yaml");
    let put = |argument: String| match argument
        .split_once("$(")
        .map(|(before, rest)| (before, rest.split_once(')')))
    {
        Some((before, Some((name, after)))) => format!("{before}{}{after}", value(&places, name)),
        _ => argument,
    };
    arguments.into_iter().map(put).collect()
}

#[test]
fn the_manifests_start_the_program_as_it_is() {
    let job = manifest("release-job.yaml");
    let arguments = substituted(list(&job, "args"));
    assert!(arguments.len() > 5 && arguments[0] == "release", "{arguments:?}");
    accepts(&arguments);
    let [completions, parallelism] = ["completions", "parallelism"].map(|key| value(&job, key));
    let after = job.split_once(&format!("- name: {}\n", shard::SHARDS)).unwrap().1;
    assert_eq!((value(after, "value"), parallelism), (completions, completions));

    let service = manifest("serve.yaml");
    let arguments = substituted(list(&service, "args"));
    assert!(arguments.contains(&"shop=s3://bucket/shop.lance".to_owned()), "{arguments:?}");
    accepts(&arguments);
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        let after = service.split_once(&format!("{probe}:\n")).unwrap().1;
        assert_eq!(value(after, "path"), path, "{probe}");
    }
    let token = arguments.iter().skip_while(|argument| *argument != "--token-file").nth(1).unwrap();
    let folder = token.strip_suffix("/token").unwrap();
    assert!(service.contains(&format!("mountPath: {folder}\n")), "the secret is where the service looks");
    assert!(!service.contains("AWS_SECRET") && !job.contains("AWS_SECRET"), "credentials come by reference");
}

/// Each script is run with a `srun` that prints the number of shards and what it would run.
#[cfg(unix)]
#[test]
fn the_scripts_start_the_program_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let srun = folder.path().join("srun");
    fs::write(&srun, "#!/bin/sh\nprintf '%s\\n' \"$ACTIVE_INDEX_SHARDS\" \"$@\"\n").unwrap();
    fs::set_permissions(&srun, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), env::var("PATH").unwrap());
    let run = |script: &str, variables: &[(&str, &str)]| {
        let mut command = Command::new("bash");
        command
            .arg(root().join("deploy/slurm").join(script))
            .env("PATH", &path)
            .env("SLURM_CPUS_PER_TASK", "8")
            .env_remove(shard::SHARDS)
            .envs(variables.iter().copied());
        command.output().unwrap()
    };
    let release = [("ORIGINALS", "a list.txt"), ("COLLECTION", "s3://b/shop.lance"), ("OUT", "out put")];
    let find = [("SUSPECTS", "a list.txt"), ("COLLECTION", "s3://b/shop.lance"), ("FOUND", "found.json")];
    let index = [("COLLECTION", "s3://b/shop.lance")];
    let scripts = [("release.sbatch", &release[..]), ("find.sbatch", &find), ("index.sbatch", &index)];
    for (script, variables) in scripts {
        let output = run(script, variables);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut words = lines.lines().map(str::to_owned);
        let shards: u32 = words.next().unwrap().parse().unwrap();
        let text = fs::read_to_string(root().join("deploy/slurm").join(script)).unwrap();
        let array = format!("#SBATCH --array=0-{}\n", shards - 1);
        assert!(text.contains(&array), "{script} has as many tasks as shards, which are {shards}");
        assert_eq!(words.next().as_deref(), Some("--cpus-per-task=8"));
        assert_eq!(words.next().as_deref(), Some("active-index"));
        let arguments: Vec<String> = words.collect();
        assert!(arguments.contains(&variables[0].1.to_owned()), "{arguments:?}");
        accepts(&arguments);
        let incomplete = run(script, &variables[1..]);
        assert!(!incomplete.status.success(), "{script} names what is missing");
        assert!(String::from_utf8_lossy(&incomplete.stderr).contains(variables[0].0));
    }
}
