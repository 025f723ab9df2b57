//! The node that all tests of this binary share, one test at a time.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use tfserve_sandbox::node::Image;
use tfserve_sandbox::tensorflow::TensorFlow;
use tfserve_sandbox::{Error, Options, Sandbox, locust_image};

use crate::support::kubectl;

/// A shell and its tools.
pub(crate) const SHELL: &str = "sandbox.tfserve.dev/busybox:1";
/// A container that runs and does nothing, as proxies do without traffic.
pub(crate) const SIDECAR: &str = "sandbox.tfserve.dev/sidecar:1";
/// Stock Locust.
pub(crate) const LOCUST: &str = "sandbox.tfserve.dev/locust:1";
/// What `--install-metrics-server` asks for.
const METRICS_SERVER: &str = "registry.k8s.io/metrics-server/metrics-server:v0.9.0";

/// A turn on the node; none where it cannot be, which is said.
pub(crate) fn turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match Sandbox::shared_as(&options()) {
        Ok(sandbox) => {
            images(sandbox);
            Some(turn)
        }
        Err(error @ (Error::NodeNeedsRoot | Error::UnsupportedPlatform)) => {
            eprintln!("not run: {error}");
            None
        }
        Err(error) => panic!("the node does not start: {error}"),
    }
}

fn options() -> Options {
    Options {
        real_node: true,
        // The controller's own pace: the figures of the story are those of a cluster.
        hpa_sync_period: None,
        ..Options::default()
    }
}

fn images(sandbox: &Sandbox) {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let busybox = Path::new("/bin/busybox");
        assert!(
            busybox.is_file(),
            "the tests need a static busybox: `apt-get install busybox-static`"
        );
        for image in [
            Image::of_files(
                SHELL,
                &["/bin/busybox"],
                &[(busybox, "/bin/busybox"), (busybox, "/bin/sh")],
            ),
            Image::of_files(
                SIDECAR,
                &["/bin/busybox", "sleep", "3600"],
                &[(busybox, "/bin/busybox")],
            ),
            Image::of_files(
                METRICS_SERVER,
                &["/metrics-server"],
                &[(sandbox.metrics_server_binary(), "/metrics-server")],
            ),
            server_image().clone(),
            locust_image(LOCUST).expect("the image of Locust"),
        ] {
            sandbox
                .import_image(&image)
                .unwrap_or_else(|error| panic!("{} is not imported: {error}", image.name()));
        }
    });
}

/// A file that `docker save tensorflow/serving:TAG` wrote: the tests then run on the true server.
pub(crate) fn saved_server() -> Option<OsString> {
    std::env::var_os("TFSERVE_SERVING_ARCHIVE")
}

/// The image of the server of models.
pub(crate) fn server() -> &'static str {
    server_image().name()
}

/// Ours, on real TensorFlow: it is not TensorFlow Serving, and not called so. Or the true one, where it was saved.
fn server_image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| match saved_server() {
        Some(archive) => saved(Path::new(&archive)),
        None => tensorflow()
            .image("sandbox.tfserve.dev/model-server:1")
            .expect("the image of the server"),
    })
}

/// An image that `docker save` wrote, under its first tag.
fn saved(archive: &Path) -> Image {
    let manifest = Command::new("tar")
        .args(["--extract", "--to-stdout", "--file"])
        .args([archive, Path::new("manifest.json")])
        .output()
        .expect("tar runs");
    let manifest: Value = serde_json::from_slice(&manifest.stdout)
        .unwrap_or_else(|error| panic!("{} was not written by docker save: {error}", archive.display()));
    let name = manifest[0]["RepoTags"][0].as_str().expect("an image with a tag");
    Image::of_archive(name, archive)
}

/// TensorFlow, from the cache.
pub(crate) fn tensorflow() -> TensorFlow {
    TensorFlow::prepare().expect("TensorFlow")
}

/// A new namespace.
pub(crate) fn namespace(name: &str) -> String {
    kubectl(&format!("create namespace {name}")).expect_code(0);
    name.to_owned()
}

/// Ends the pods of a test at once: the node is small.
pub(crate) struct Swept(pub(crate) String);

impl Drop for Swept {
    fn drop(&mut self) {
        kubectl(&format!("delete namespace {} --wait=false", self.0));
        kubectl(&format!(
            "delete pods --all --force --grace-period=0 -n {}",
            self.0
        ));
    }
}
