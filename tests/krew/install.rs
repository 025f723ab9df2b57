//! Installed as krew does it, and by krew itself; neither asks the network.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tfserve_sandbox::Release as Kubernetes;
use tfserve_sandbox::components::Components;

use crate::release::{Release, TAG, project, sha256};

/// The archive of this machine with the binary of this build, which a release compiles otherwise. Its debug
/// information would take a minute to pack.
fn release() -> (Release, PathBuf) {
    let release = Release::new();
    let built = env!("CARGO_BIN_EXE_kubectl-tfserve");
    let binary = release.path().join("stripped");
    let stripped = Command::new("strip")
        .args(["-o"])
        .arg(&binary)
        .arg(built)
        .status();
    if !stripped.is_ok_and(|status| status.success()) {
        std::fs::copy(built, &binary).unwrap();
    }
    let platform = match std::env::consts::ARCH {
        "aarch64" => "linux_arm64",
        _ => "linux_amd64",
    };
    let archive = release.archive(platform, &binary);
    (release, archive)
}

/// The pinned kubectl.
fn kubectl() -> PathBuf {
    Components::prepare(Kubernetes::default())
        .unwrap()
        .kubernetes("kubectl")
}

/// A PATH with the plugin's directory first, and no other plugin.
fn path(plugins: &Path) -> OsString {
    let kubectl = kubectl();
    std::env::join_paths([
        plugins,
        kubectl.parent().unwrap(),
        Path::new("/usr/bin"),
        Path::new("/bin"),
    ])
    .unwrap()
}

fn expect_plugin(plugins: &Path) {
    let run = |arguments: &[&str]| -> Output {
        Command::new(kubectl())
            .args(arguments)
            .env("PATH", path(plugins))
            .env("KUBECONFIG", "/nonexistent")
            .output()
            .unwrap()
    };
    let listed = run(&["plugin", "list"]);
    let stdout = String::from_utf8_lossy(&listed.stdout).into_owned();
    let expected = plugins.join("kubectl-tfserve").display().to_string();
    assert!(stdout.lines().any(|line| line == expected), "{stdout}");
    let version = run(&["tfserve", "--version", "-o", "json"]);
    let version: serde_json::Value = serde_json::from_slice(&version.stdout).unwrap();
    assert_eq!(format!("v{}", version["version"].as_str().unwrap()), TAG);
    let help = run(&["tfserve", "up", "--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: kubectl tfserve up"));
}

#[test]
fn it_works_from_the_directory_that_krew_would_make() {
    let (release, archive) = release();
    let manifest = release.manifest();
    let platform = &manifest["spec"]["platforms"][0];
    assert_eq!(platform["sha256"], sha256(&archive));

    let root = tempfile::tempdir().unwrap();
    let store = root.path().join("store/tfserve").join(TAG);
    let plugins = root.path().join("bin");
    std::fs::create_dir_all(&store).unwrap();
    std::fs::create_dir_all(&plugins).unwrap();
    let extracted = Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&store)
        .status()
        .unwrap();
    assert!(extracted.success());
    let binary = store.join(platform["bin"].as_str().unwrap());
    std::os::unix::fs::symlink(binary, plugins.join("kubectl-tfserve")).unwrap();
    expect_plugin(&plugins);
}

/// krew and the check of its index, built once from their released modules.
fn tools() -> &'static Path {
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("krew-tools");
        std::fs::create_dir_all(&directory).unwrap();
        let status = Command::new("go")
            .current_dir(project().join("tests/krew/tools"))
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "auto")
            .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
            .arg(&directory)
            .args([
                "sigs.k8s.io/krew/cmd/krew",
                "sigs.k8s.io/krew/cmd/validate-krew-manifest",
            ])
            .status()
            .unwrap();
        assert!(status.success(), "krew does not build");
        directory
    })
}

#[test]
fn the_check_of_krews_index_finds_nothing() {
    let release = Release::complete();
    release.manifest();
    let output = Command::new(tools().join("validate-krew-manifest"))
        .arg("-skip-install")
        .arg("-manifest")
        .arg(release.path().join("tfserve.yaml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("no overlapping spec.platform[].selector"), "{said}");
}

#[test]
fn krew_itself_installs_it() {
    let (release, archive) = release();
    release.manifest();
    let root = tempfile::tempdir().unwrap();
    let output = Command::new(tools().join("krew"))
        .arg("install")
        .arg(format!(
            "--manifest={}",
            release.path().join("tfserve.yaml").display()
        ))
        .arg(format!("--archive={}", archive.display()))
        .env("KREW_ROOT", root.path())
        .env("KREW_NO_UPGRADE_CHECK", "1")
        .env("PATH", path(&root.path().join("bin")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Installed plugin: tfserve"), "{said}");
    assert!(said.contains("kubectl tfserve completion install"), "{said}");
    assert!(
        root.path()
            .join("store/tfserve")
            .join(TAG)
            .join("LICENSE")
            .is_file()
    );
    expect_plugin(&root.path().join("bin"));
}
