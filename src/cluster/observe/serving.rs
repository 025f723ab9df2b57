//! What TensorFlow Serving says in a pod that has never been ready. No Kubernetes event tells why: the server opens
//! its ports only after the first load, and waits for a model that it cannot find for ever.

use futures::future::join_all;
use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::LogParams;

use super::budget::Budget;
use super::fact;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Fact, HpaFacts, LogLine, Pod};

/// How many logs are read in one run, however many HPAs there are.
const LOGS: usize = 5;
/// How many lines are asked for: a server without a model repeats itself every second.
const TAIL: i64 = 800;
/// How many bytes are asked for.
const BYTES: i64 = 512 * 1024;
/// How many different lines are kept.
const LINES_KEPT: usize = 20;
/// What the server writes on the way to a model, and where it fails on it (`file_system_storage_path_source.cc`,
/// `basic_manager.cc`, `retrier.cc`, `main.cc`, 2.16 to 2.20).
const TELLING: [&str; 8] = [
    "No versions of servable ",
    "Unable to find a numerical version path ",
    "Could not find base path ",
    "File system scheme ",
    "Successfully reserved resources to load servable ",
    "Loading servable: ",
    "Successfully loaded servable version ",
    "unknown argument: ",
];
/// How much of a line is kept: some errors quote a whole graph.
const CHARACTERS_KEPT: usize = 600;

/// Adds the telling lines of one pod to each HPA that has such a pod.
pub(super) async fn read_logs(cluster: &Cluster, hpas: &mut [HpaFacts], budget: &Budget) {
    let silent: Vec<(usize, String, String, String)> = hpas
        .iter()
        .enumerate()
        .filter_map(|(index, facts)| {
            let own = facts.pods.known()?.iter();
            let own = own.filter(|pod| pod.is_own());
            let (pod, container) = never_ready(own)?;
            Some((
                index,
                pod.namespace.clone(),
                pod.name.clone(),
                container.to_owned(),
            ))
        })
        .take(LOGS)
        .collect();
    let logs = join_all(silent.iter().map(|(_, namespace, pod, container)| async {
        if budget.left(cluster) > 0 {
            log(cluster, namespace, pod, container).await
        } else {
            Fact::NotReadable(budget.left_out(Ask::object("get", "pods/log", namespace, pod).subject()))
        }
    }))
    .await;
    for ((index, ..), log) in silent.into_iter().zip(logs) {
        if let Some(facts) = hpas.get_mut(index) {
            facts.serving_log = log;
        }
    }
}

/// The oldest of some pods in which TensorFlow Serving runs and has never been ready, and its container.
pub(in crate::cluster) fn never_ready<'a>(own: impl Iterator<Item = &'a Pod>) -> Option<(&'a Pod, &'a str)> {
    own.filter(|pod| pod.phase == "Running" && pod.deleted_at.is_none() && pod.has_never_been_ready())
        .filter_map(|pod| {
            let serves = |container: &&crate::facts::Container| {
                container.serving.is_some() && container.ready != Some(true)
            };
            let container = pod.containers.iter().find(serves)?;
            Some((pod, container.name.as_str()))
        })
        .min_by_key(|(pod, _)| pod.start_time)
}

/// The telling lines of a container's log.
pub(in crate::cluster) async fn log(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    container: &str,
) -> Fact<Vec<LogLine>> {
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "pods/log", namespace, pod);
    let params = LogParams {
        container: Some(container.to_owned()),
        tail_lines: Some(TAIL),
        limit_bytes: Some(BYTES),
        timestamps: true,
        ..LogParams::default()
    };
    let text: Result<String, Error> = cluster.ask(ask, api.logs(pod, &params)).await;
    fact(&ask, text.map(|text| telling_lines(pod, &text)))
}

/// The last line of each telling text, without the kubelet's timestamp in front.
fn telling_lines(pod: &str, log: &str) -> Vec<LogLine> {
    let mut lines: Vec<LogLine> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let newest_first = log
        .lines()
        .rev()
        .map(|line| line.split_once(' ').unwrap_or((line, "")));
    for (time, text) in newest_first {
        let Some(start) = TELLING.iter().filter_map(|part| text.find(part)).min() else {
            continue;
        };
        let said = public(text.get(start..).unwrap_or_default());
        if lines.len() < LINES_KEPT && !seen.contains(&said) {
            seen.push(said);
            lines.push(LogLine {
                pod: pod.to_owned(),
                time: time.parse().ok(),
                text: public(text).chars().take(CHARACTERS_KEPT).collect(),
            });
        }
    }
    lines.reverse();
    lines
}

/// The line without the value of an argument that the server does not know, and without passwords in URLs.
fn public(text: &str) -> String {
    if let Some((before, argument)) = text.split_once("unknown argument: ") {
        let name = argument.split(['=', ' ']).next().unwrap_or_default();
        return format!("{before}unknown argument: {name}");
    }
    let words: Vec<String> = text
        .split(' ')
        .map(|word| {
            if word.contains("://") {
                convert::without_secrets(word)
            } else {
                word.to_owned()
            }
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::telling_lines;

    #[test]
    fn each_telling_text_is_kept_once_and_without_secrets() {
        let log = "2026-01-02T03:04:05.1Z unknown argument: --api_key=secret\n\
            2026-01-02T03:04:05.2Z usage: tensorflow_model_server\n\
            2026-01-02T03:04:06Z 2026-01-02 03:04:06.1: W source.cc:268] No versions of servable m found under base path s3://a:secret@b/m\n\
            2026-01-02T03:04:07Z 2026-01-02 03:04:07.1: W source.cc:268] No versions of servable n found under base path /models/n\n\
            2026-01-02T03:04:08Z 2026-01-02 03:04:08.1: W source.cc:268] No versions of servable n found under base path /models/n\n";
        let lines = telling_lines("web-1", log);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "unknown argument: --api_key",
                "2026-01-02 03:04:06.1: W source.cc:268] No versions of servable m found under base path s3://b/m",
                "2026-01-02 03:04:08.1: W source.cc:268] No versions of servable n found under base path /models/n",
            ]
        );
        assert!(lines[0].time.is_some() && lines[0].pod == "web-1");
    }
}
