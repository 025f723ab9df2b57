//! The archive.

use std::path::Path;
use std::process::Command;

use crate::release::Release;

fn listed(archive: &Path) -> String {
    let output = Command::new("tar").arg("-tvzf").arg(archive).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_holds_the_binary_and_the_licence() {
    let release = Release::new();
    let binary = release.path().join("binary");
    std::fs::write(&binary, "x").unwrap();
    for (platform, name) in [
        ("linux_amd64", "./kubectl-tfserve"),
        ("windows_amd64", "./kubectl-tfserve.exe"),
    ] {
        let list = listed(&release.archive(platform, &binary));
        let line = |wanted: &str| {
            list.lines()
                .find(|line| line.ends_with(&format!(" {wanted}")))
                .unwrap_or_else(|| panic!("no {wanted} in\n{list}"))
        };
        assert!(line(name).starts_with("-rwxr-xr-x 0/0"), "{list}");
        assert!(line("./LICENSE").starts_with("-rw-r--r-- 0/0"), "{list}");
        assert!(line("./README.md").contains("2023-11-14"), "{list}");
    }
}

#[test]
fn it_is_the_same_bytes_whenever_it_is_made() {
    let archives = [(0o700, 1_000_000_000), (0o755, 1_500_000_000)].map(|(mode, seconds)| {
        use std::os::unix::fs::PermissionsExt;
        let release = Release::new();
        let binary = release.path().join("binary");
        std::fs::write(&binary, "the same").unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(mode)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        std::fs::File::options()
            .write(true)
            .open(&binary)
            .unwrap()
            .set_modified(time)
            .unwrap();
        std::fs::read(release.archive("linux_arm64", &binary)).unwrap()
    });
    assert!(archives[0] == archives[1], "the archives differ");
}
