//! Runs the binary and keeps what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::mock::{Mock, World};

/// What the binary did.
pub(crate) struct Outcome {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Outcome {
    /// The single line on stderr that begins with `error: `, without that.
    pub(crate) fn error(&self) -> &str {
        self.stderr
            .trim_end()
            .strip_prefix("error: ")
            .unwrap_or_else(|| panic!("no error: {}", self.stderr))
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// A server, a kubeconfig that leads to it, and a directory for files.
pub(crate) struct Stage {
    /// The server.
    pub(crate) mock: Mock,
    /// A directory that ends with the stage.
    pub(crate) directory: tempfile::TempDir,
}

impl Stage {
    /// Starts a server that knows a world.
    pub(crate) fn new(world: World) -> Self {
        let mock = Mock::start(world);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("kubeconfig"), kubeconfig(&mock.url, "{}")).unwrap();
        Self { mock, directory }
    }

    /// The kubeconfig's path.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Runs the binary against the server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(command(arguments).env("KUBECONFIG", self.kubeconfig()))
    }
}

/// A kubeconfig with the context `here` and a user of the given body.
pub(crate) fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters: [{{name: mock, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: jane, user: {user}}}]\n\
         contexts:\n- {{name: here, context: {{cluster: mock, user: jane, namespace: shop}}}}\n\
         - {{name: there, context: {{cluster: mock, user: jane}}}}\n"
    )
}

/// The binary, without anything of this machine's environment that it would read.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-tfserve"));
    for variable in [
        "KUBECONFIG",
        "KUBERNETES_SERVICE_HOST",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
    ] {
        command.env_remove(variable);
    }
    command
        .args(arguments)
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the binary without a cluster.
pub(crate) fn offline(arguments: &[&str]) -> Outcome {
    outcome(&mut command(arguments))
}

/// Writes a file and gives its path as text.
pub(crate) fn file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}
