//! What the command line asks for, and what can be said of it without a cluster.

use std::path::Path;

use crate::Error;
use crate::cli::{GlobalArgs, ServiceType, UpArgs};
use crate::facts::{Quantity, Resources};
use crate::serving::manifests::{GPU, GPU_IMAGE, IMAGE, Models, Serving, Staging};
use crate::serving::models_config::ModelsConfig;
use crate::serving::names::{InvalidName, Names};
use crate::serving::source::ModelSource;

/// Models config files are small; something else was named by mistake.
const LARGEST_FILE: u64 = 4 << 20;

/// Builds the plan.
pub(super) fn plan(global: &GlobalArgs, args: &UpArgs) -> Result<Serving, Error> {
    let usage = |error: InvalidName| Error::Usage(error.to_string());
    let names = Names::new(&args.name, args.variant.as_deref()).map_err(usage)?;
    refuse_what_has_no_effect(args)?;
    let models = match &args.models_config {
        Some(file) => Models::File(models_config(file, args, &names)?),
        None => Models::One(args.model_name.clone().unwrap_or_else(|| args.name.clone())),
    };
    let of = |cpu: Option<&Quantity>, memory: Option<&Quantity>, gpu: Option<Quantity>| {
        [("cpu", cpu.cloned()), ("memory", memory.cloned()), (GPU, gpu)]
            .into_iter()
            .filter_map(|(name, quantity)| Some((name.to_owned(), quantity?)))
            .collect()
    };
    let gpu = args.gpu.map(|count| Quantity::from(count.to_string().as_str()));
    let image = if gpu.is_some() { GPU_IMAGE } else { IMAGE };
    let pod = &args.pod;
    Ok(Serving {
        namespace: global.namespace.clone(),
        names,
        models,
        source: args.model.clone(),
        image_volume: pod.image_volume.unwrap_or_default(),
        image: args.image.clone().unwrap_or_else(|| image.to_owned()),
        resources: Resources {
            requests: of(Some(&args.cpu), Some(&args.memory), None),
            limits: of(args.cpu_limit.as_ref(), args.memory_limit.as_ref(), gpu),
        },
        staging: Staging {
            image: pod.s3_image.clone(),
            secret: pod.s3_secret.clone(),
            endpoint: pod.s3_endpoint.clone(),
        },
        batching: args.batching.clone(),
        grace_period: pod.grace_period.as_secs(),
        load_timeout: pod.load_timeout.as_secs(),
        run_as_user: pod.run_as_user,
        service_account: pod.service_account.clone(),
        service_type: match args.service_type {
            ServiceType::ClusterIp => "ClusterIP",
            ServiceType::NodePort => "NodePort",
            ServiceType::LoadBalancer => "LoadBalancer",
        }
        .to_owned(),
    })
}

fn refuse_what_has_no_effect(args: &UpArgs) -> Result<(), Error> {
    let usage = |text: &str| Err(Error::Usage(text.to_owned()));
    let from_store = matches!(args.model, Some(ModelSource::ObjectStore(_)));
    let in_image = matches!(args.model, Some(ModelSource::Image { .. }));
    if !from_store && (args.pod.s3_secret.is_some() || args.pod.s3_endpoint.is_some()) {
        return usage("`--s3-secret` and `--s3-endpoint` are for `--model s3://bucket/dir`");
    }
    if !in_image && args.pod.image_volume.is_some() {
        return usage("`--image-volume` is for `--model image:REF[:/dir]`");
    }
    if in_image && args.models_config.is_some() {
        return usage(
            "several models of one image are not served: give each its own `--variant`, or put them into a `pvc:` or a bucket",
        );
    }
    let beside = args.image.is_some() || args.gpu.is_some();
    if in_image && beside && args.pod.image_volume != Some(true) {
        return usage(
            "`--image` and `--gpu` choose the server's image, and `--model image:REF` is one with its model in it; mount it beside the server with `--image-volume`, or leave them out",
        );
    }
    for (limit, request, flag) in [
        (&args.cpu_limit, &args.cpu, "--cpu"),
        (&args.memory_limit, &args.memory, "--memory"),
    ] {
        let Some(limit) = limit else { continue };
        if let (Ok(most), Ok(asked)) = (limit.milli_value(), request.milli_value())
            && most < asked
        {
            return Err(Error::Usage(format!(
                "`{flag}-limit {}` is less than the request `{flag} {}`",
                limit.0, request.0
            )));
        }
    }
    Ok(())
}

fn models_config(file: &Path, args: &UpArgs, names: &Names) -> Result<ModelsConfig, Error> {
    let unusable =
        |why: String| Error::Usage(format!("cannot use `--models-config {}`: {why}", file.display()));
    let size = std::fs::metadata(file)
        .map_err(|error| unusable(error.to_string()))?
        .len();
    if size > LARGEST_FILE {
        return Err(unusable(format!("it has {size} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    let config = ModelsConfig::parse(&text).map_err(unusable)?;
    let mounted = match args.model {
        None | Some(ModelSource::CloudStorage(_) | ModelSource::Image { .. }) => None,
        Some(_) => Some(names.mount_path.as_str()),
    };
    config.check_paths(mounted).map_err(unusable)?;
    Ok(config)
}

/// What is most likely a mistake, and is no error: a path that ends in a number.
pub(super) fn doubts(serving: &Serving) -> Vec<String> {
    let doubt = |what: String, instead: &str| {
        format!(
            "{what} ends in a number; TensorFlow Serving serves the numbered directories inside of it: if it is a version itself, give {instead}"
        )
    };
    match &serving.models {
        Models::One(_) => serving
            .source
            .iter()
            .filter_map(|source| Some((source, source.without_version()?)))
            .map(|(source, above)| doubt(format!("`--model {source}`"), &format!("`--model {above}`")))
            .collect(),
        Models::File(config) => config
            .version_paths()
            .map(|(model, above)| {
                doubt(
                    format!("base_path \"{}\" of model {}", model.base_path, model.name),
                    &format!("\"{above}\""),
                )
            })
            .collect(),
    }
}
