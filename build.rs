//! What the binary says of itself: the commit and the platform it was built for.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=TFSERVE_COMMIT");
    println!("cargo:rustc-env=TFSERVE_COMMIT={}", commit());
    println!("cargo:rustc-env=TFSERVE_TARGET={}", variable("TARGET"));
}

/// `TFSERVE_COMMIT`, else what git says of the checkout.
fn commit() -> String {
    let given = variable("TFSERVE_COMMIT");
    if !given.is_empty() {
        return given;
    }
    // A debug build does not ask: every commit would build everything again, or its answer would be stale.
    if variable("PROFILE") == "debug" {
        return "unknown".to_owned();
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])
        .unwrap_or_else(|| "unknown".to_owned())
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
