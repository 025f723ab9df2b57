//! The node that all tests of this binary share, one test at a time.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tfserve_sandbox::node::Image;
use tfserve_sandbox::tensorflow::TensorFlow;
use tfserve_sandbox::{Error, Options, Sandbox, locust_image};

use crate::support::kubectl;

/// The server of models on real TensorFlow: it is not TensorFlow Serving, and not called so.
pub(crate) const SERVER: &str = "sandbox.tfserve.dev/model-server:1";
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
            tensorflow().image(SERVER).expect("the image of the server"),
            locust_image(LOCUST).expect("the image of Locust"),
        ] {
            sandbox
                .import_image(&image)
                .unwrap_or_else(|error| panic!("{} is not imported: {error}", image.name()));
        }
    });
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
