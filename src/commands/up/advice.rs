//! Repairs in the flags of `up`: the next run of the command would take back what another command changes in its objects.

use crate::diagnosis::rollout::{Kind, Trouble};
use crate::diagnosis::{Finding, Fix};
use crate::serving::manifests::{GPU, Serving};
use crate::serving::source::ModelSource;

/// Puts flags of this command in the place of commands that change the Deployment.
pub(super) fn in_flags(finding: &mut Finding, troubles: &[Trouble], serving: &Serving) {
    finding.fix.retain(is_of_use);
    let own = troubles
        .iter()
        .filter(|trouble| is_about(finding, &trouble.kind))
        .find_map(|trouble| advice(&trouble.kind, serving));
    if let Some((title, changes)) = own {
        let fix = Fix {
            title,
            command: None,
            changes: changes.to_owned(),
        };
        finding.fix.insert(0, fix);
    }
    for consequence in &mut finding.consequences {
        in_flags(consequence, troubles, serving);
    }
}

/// What only looks, what creates something that is missing, and advice that is no change of the Deployment.
fn is_of_use(fix: &Fix) -> bool {
    if let Some(command) = &fix.command {
        return fix.changes.starts_with("reads only") || command.starts_with("kubectl create ");
    }
    let text = format!("{} {}", fix.title, fix.changes);
    let of_template = [
        "`kubectl set",
        "--model_base_path",
        "template",
        "then give the pods",
    ];
    !of_template.iter().any(|words| text.contains(words))
}

fn is_about(finding: &Finding, kind: &Kind) -> bool {
    match kind {
        Kind::NoModel => matches!(finding.code, "TFS805" | "TFS808"),
        Kind::NotLoaded => finding.code == "TFS810",
        Kind::LoadCutShort => finding.code == "TFS811",
        Kind::Refused(_) => finding.code == "TFS702",
        Kind::Crashing { .. } => matches!(finding.code, "TFS502" | "TFS503"),
        Kind::Unschedulable(_) | Kind::Image { .. } | Kind::NotCreated | Kind::NotMounted => {
            finding.code == "TFS503"
        }
    }
}

fn advice(kind: &Kind, serving: &Serving) -> Option<(String, &'static str)> {
    match kind {
        Kind::Image { container, .. } => Some((image(container, serving), "the new pods pull it")),
        Kind::Unschedulable(short) => room(short),
        Kind::Crashing {
            out_of_memory: true,
            init: false,
            ..
        } => {
            let flag = if serving.resources.limits.contains_key("memory") {
                "--memory-limit"
            } else {
                "--memory"
            };
            Some((
                format!("the same command with a greater `{flag}`"),
                "two versions of a model are in memory while one follows the other",
            ))
        }
        Kind::Crashing { init: true, .. } => Some((
            "correct `--model`, `--s3-secret` or `--s3-endpoint` by what its log says".to_owned(),
            "the init container copies the model",
        )),
        Kind::NoModel => model(serving),
        Kind::LoadCutShort => Some((
            format!(
                "the same command with more than `--load-timeout {}s`",
                serving.load_timeout
            ),
            "a load that is slow for want of CPU also goes faster with a greater `--cpu-limit`, or with none",
        )),
        Kind::Refused(why) => refused(why, serving),
        Kind::Crashing { .. } | Kind::NotCreated | Kind::NotMounted | Kind::NotLoaded => None,
    }
}

fn image(container: &str, serving: &Serving) -> String {
    let in_image = matches!(serving.source, Some(ModelSource::Image { .. })) && !serving.image_volume;
    let flag = if container != "tf-serving" {
        "--s3-image"
    } else if in_image {
        "--model image:REF"
    } else {
        "--image"
    };
    format!(
        "the same command with an image that exists in `{flag}`; a private one needs a pull secret of the pods' ServiceAccount (`--service-account`)"
    )
}

fn room(short: &[String]) -> Option<(String, &'static str)> {
    let flags: Vec<&str> = short
        .iter()
        .filter_map(|resource| match resource.as_str() {
            "cpu" => Some("`--cpu`"),
            "memory" => Some("`--memory`"),
            GPU => Some("`--gpu`"),
            _ => None,
        })
        .collect();
    if flags.is_empty() {
        return None;
    }
    let gpu = short.iter().any(|resource| resource == GPU);
    Some((
        format!("ask for less with {}, or add nodes", flags.join(" and ")),
        if gpu {
            "nodes have GPUs to give where NVIDIA's device plugin runs on them"
        } else {
            "the scheduler places the pods as soon as one has room"
        },
    ))
}

fn model(serving: &Serving) -> Option<(String, &'static str)> {
    let above = serving.source.as_ref()?.without_version()?;
    Some((
        format!("the same command with `--model {above}`"),
        "the path is the directory above the version",
    ))
}

/// The flags for what a quota, a `LimitRange` or a policy asks for.
fn refused(why: &str, serving: &Serving) -> Option<(String, &'static str)> {
    if why.contains("violates PodSecurity") && matches!(serving.source, Some(ModelSource::HostPath(_))) {
        return Some((
            "serve the model from `pvc:`, a bucket or an image, or choose a namespace that allows hostPath volumes".to_owned(),
            "those pods need no such volume and no root",
        ));
    }
    let flags: Vec<&str> = [
        ("limits.cpu", "`--cpu-limit`"),
        ("limits.memory", "`--memory-limit`"),
    ]
    .into_iter()
    .filter(|(resource, _)| why.contains("must specify") && why.contains(resource))
    .map(|(_, flag)| flag)
    .collect();
    if !flags.is_empty() {
        return Some((
            format!("the same command with {}", flags.join(" and ")),
            "the quota counts limits",
        ));
    }
    let outside = ["cpu", "memory"].into_iter().find(|resource| {
        [" usage per Container is", " usage per Pod is", " limit of"]
            .iter()
            .any(|words| why.contains(&format!("{resource}{words}")))
    })?;
    Some((
        format!("the same command with another `--{outside}` or `--{outside}-limit`"),
        "inside of what the namespace allows",
    ))
}
