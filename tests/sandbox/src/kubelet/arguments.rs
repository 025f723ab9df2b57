//! The pod's own arguments, translated where a process on loopback is not a container.

use std::net::SocketAddr;
use std::path::Path;

use k8s_openapi::api::core::v1::Container;

/// Flags that say where a container listens, keeps its files and finds the API server.
const TRANSLATED: [&str; 6] = [
    "--secure-port",
    "--bind-address",
    "--cert-dir",
    "--kubeconfig",
    "--authentication-kubeconfig",
    "--authorization-kubeconfig",
];

/// The arguments for the process of `container`.
pub(super) fn translate(
    container: &Container,
    address: SocketAddr,
    kubeconfig: &Path,
    directory: &Path,
) -> Vec<String> {
    // The first word of a command is the binary.
    let command = container.command.iter().flatten().skip(1);
    let given = command.chain(container.args.iter().flatten());
    let mut arguments = Vec::new();
    let mut skip_value = false;
    for argument in given {
        if std::mem::take(&mut skip_value) {
            continue;
        }
        let name = argument.split('=').next().unwrap_or_default();
        if TRANSLATED.contains(&name) {
            // `--flag value` as two words.
            skip_value = !argument.contains('=');
        } else {
            arguments.push(argument.clone());
        }
    }
    let kubeconfig = kubeconfig.display();
    arguments.extend([
        format!("--secure-port={}", address.port()),
        format!("--bind-address={}", address.ip()),
        format!("--cert-dir={}", directory.display()),
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
    ]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_container_changes() {
        let container = Container {
            args: Some(
                [
                    "--cert-dir=/tmp",
                    "--secure-port",
                    "10250",
                    "--metric-resolution=15s",
                    "--kubelet-insecure-tls",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            ..Container::default()
        };
        let arguments = translate(
            &container,
            SocketAddr::from(([127, 0, 0, 1], 7)),
            Path::new("/k"),
            Path::new("/d"),
        );
        assert_eq!(
            arguments,
            [
                "--metric-resolution=15s",
                "--kubelet-insecure-tls",
                "--secure-port=7",
                "--bind-address=127.0.0.1",
                "--cert-dir=/d",
                "--kubeconfig=/k",
                "--authentication-kubeconfig=/k",
                "--authorization-kubeconfig=/k",
            ]
        );
    }
}
