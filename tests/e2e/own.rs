//! A cluster of one test alone, where its state is nobody else's.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tfserve_sandbox::{Component, Options, Sandbox};

use crate::support::{Ran, until};

pub(crate) struct Own(pub(crate) Sandbox);

impl Own {
    pub(crate) fn start(options: &Options) -> Self {
        Self(Sandbox::start(options).expect("the sandbox starts"))
    }

    /// Types a command.
    pub(crate) fn sh(&self, command: &str) -> Ran {
        let plugin = PathBuf::from(env!("CARGO_BIN_EXE_kubectl-tfserve"));
        let mut directories = vec![
            plugin.parent().expect("a directory").to_owned(),
            self.0.kubectl_directory(),
        ];
        directories.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let output = Command::new("sh")
            .args(["-c", command])
            .env("PATH", std::env::join_paths(directories).expect("a path"))
            .env("KUBECONFIG", self.0.kubeconfig())
            .output();
        output.expect("sh runs").into()
    }

    pub(crate) fn apply(&self, objects: &[Value]) {
        let manifests: Vec<String> = objects.iter().map(Value::to_string).collect();
        self.0
            .apply_yaml(&manifests.join("\n---\n"))
            .expect("the manifests apply");
    }

    pub(crate) fn field(&self, object: &str, jsonpath: &str) -> String {
        self.sh(&format!("kubectl get {object} -o jsonpath=\"{jsonpath}\""))
            .stdout
    }

    pub(crate) fn explain(&self, hpa: &str) -> Value {
        self.sh(&format!("kubectl tfserve explain-hpa {hpa} -n default -o json"))
            .explanation()
    }

    /// The first finding, once it has this code.
    #[track_caller]
    pub(crate) fn first(&self, hpa: &str, code: &str) -> Value {
        until(&format!("{code} comes first for {hpa}"), || {
            let finding = self.explain(hpa)["findings"][0].clone();
            (finding["code"] == code).then_some(finding)
        })
    }

    /// Waits for the controller's words in a condition of an HPA.
    #[track_caller]
    pub(crate) fn says(&self, hpa: &str, condition: &str, words: &str) {
        let written = format!("{{.status.conditions[?(@.type=='{condition}')]}}");
        until(&format!("the controller says `{words}` of {hpa}"), || {
            self.field(&format!("hpa/{hpa}"), &written)
                .contains(words)
                .then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn computes(&self, hpa: &str) {
        self.says(hpa, "ScalingActive", "ValidMetricFound");
    }

    /// Types a repair of a finding as a person would.
    #[track_caller]
    pub(crate) fn type_fix(&self, finding: &Value, index: usize) {
        let command = finding["fix"][index]["command"]
            .as_str()
            .unwrap_or_else(|| panic!("no command: {finding:#}"));
        self.sh(command).expect_code(0);
    }

    /// Holds the controllers still until the value is dropped, by a failed assertion too.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.0
            .pause(Component::ControllerManager)
            .expect("the controllers are held still");
        Held(self)
    }
}

pub(crate) struct Held<'a>(&'a Own);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // The test may be ending because the cluster has.
        let _ = self.0.0.resume(Component::ControllerManager);
    }
}
