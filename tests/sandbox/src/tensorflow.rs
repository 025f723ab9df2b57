//! A server of models on real TensorFlow: `tests/tensorflow`, in a virtual environment beside the other components.
//!
//! It speaks the REST protocol of TensorFlow Serving and is not TensorFlow Serving, which comes in no package
//! registry: the engine and the `SavedModel` are real.

use std::ffi::OsStr;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::components::Fnv;
use crate::error::{Context, Error, Result};
use crate::node::Image;
use crate::process::{open_log, tail};
use crate::venv::{Venv, output};

/// Where its sources are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tensorflow");

/// How long a first load may take on a busy machine.
const START: Duration = Duration::from_secs(120);

/// TensorFlow in a virtual environment.
#[derive(Clone, Debug)]
pub struct TensorFlow {
    venv: Venv,
}

impl TensorFlow {
    /// Finds the environment in the cache, or installs it there: about a minute and 1.6 GB, once.
    pub fn prepare() -> Result<Self> {
        let requirements = Path::new(SOURCES).join("requirements.txt");
        let venv = Venv::prepare("TensorFlow", &requirements, "about a minute")?;
        Ok(Self { venv })
    }

    fn python(&self) -> PathBuf {
        self.venv.program("python")
    }

    /// An image with the server, for pods of a real node: assembled once, 1.2 GB in the cache.
    pub fn image(&self, name: &str) -> Result<Image> {
        let mut hash = Fnv::default();
        hash.write(name.as_bytes());
        for source in ["image.py", "server.py", "monitoring.py", "remote_calls.py"] {
            let path = Path::new(SOURCES).join(source);
            hash.write(&fs::read(&path).context(format!("cannot read {}", path.display()))?);
        }
        let script = Path::new(SOURCES).join("image.py");
        self.venv.image(name, &script, hash.value(), |root| {
            anstream::eprintln!("assembling the image of the server of models: once, half a minute");
            Image::of_directory(name, &["/usr/bin/tf_serving_entrypoint.sh"], root)
                .with_environment("MODEL_NAME", "model")
                .with_environment("MODEL_BASE_PATH", "/models")
        })
    }

    /// The base path of ResNet-101 with seeded random weights, exported once into the cache: 350 MB.
    pub fn resnet(&self) -> Result<PathBuf> {
        let mut hash = Fnv::default();
        let path = Path::new(SOURCES).join("resnet.py");
        hash.write(&fs::read(&path).context(format!("cannot read {}", path.display()))?);
        self.venv
            .beside(&format!("resnet-{:016x}", hash.value()), |unfinished| {
                anstream::eprintln!("exporting ResNet-101: once, half a minute");
                self.run("resnet.py", &[unfinished.as_os_str()])
            })
    }

    /// The base path of a small model, exported once into the cache: a request takes milliseconds.
    pub fn small_model(&self) -> Result<PathBuf> {
        let mut hash = Fnv::default();
        let path = Path::new(SOURCES).join("model.py");
        hash.write(&fs::read(&path).context(format!("cannot read {}", path.display()))?);
        self.venv
            .beside(&format!("small-{:016x}", hash.value()), |unfinished| {
                self.run("model.py", &[unfinished.as_os_str(), OsStr::new("1")])
            })
    }

    fn run(&self, script: &str, arguments: &[&OsStr]) -> Result<()> {
        output(
            Command::new(self.python())
                .arg(Path::new(SOURCES).join(script))
                .args(arguments),
        )
        .map(drop)
    }

    /// Starts a server of a model without versions: it opens no port until one is there.
    pub fn serve(&self, model: &str, host: IpAddr) -> Result<ModelServer> {
        let directory = tempfile::tempdir().context("cannot create a directory for models")?;
        let base = directory.path().join(model);
        fs::create_dir(&base).context(format!("cannot create {}", base.display()))?;
        let address = TcpListener::bind((host, 0))
            .and_then(|listener| listener.local_addr())
            .context(format!("no free port on {host}"))?;
        let log = directory.path().join("log");
        let child = Command::new(self.python())
            .arg(Path::new(SOURCES).join("server.py"))
            .arg(format!("--model_name={model}"))
            .arg(format!("--model_base_path={}", base.display()))
            .arg(format!("--host={host}"))
            .arg(format!("--rest_api_port={}", address.port()))
            .arg("--end_with_stdin=true")
            // It ends with this pipe, so with this process, however that ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(open_log(&log)?)
            .spawn()
            .context("cannot start the server of models")?;
        Ok(ModelServer {
            address,
            base,
            log,
            python: self.python(),
            child,
            _directory: directory,
        })
    }
}

/// A running server; it ends with the value.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    base: PathBuf,
    log: PathBuf,
    python: PathBuf,
    child: Child,
    _directory: TempDir,
}

impl ModelServer {
    /// Its REST port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The lines that it logged.
    pub fn log(&self) -> String {
        tail(&self.log, usize::MAX)
    }

    /// Puts a version of the small model of `tests/tensorflow/model.py` where the server looks.
    pub fn add_version(&self, version: u32) -> Result<()> {
        output(
            Command::new(&self.python)
                .arg(Path::new(SOURCES).join("model.py"))
                .arg(&self.base)
                .arg(version.to_string()),
        )
        .map(drop)
    }

    /// Puts a version there that stays LOADING until it is released.
    pub fn add_held_version(&self, version: u32) -> Result<HeldVersion> {
        let directory = self.base.join(version.to_string());
        let hold = directory.join("hold");
        fs::create_dir(&directory)
            .and_then(|()| fs::write(&hold, ""))
            .context(format!("cannot write {}", hold.display()))?;
        Ok(HeldVersion { hold })
    }

    /// Waits until the port is open.
    pub fn wait_until_it_serves(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if std::net::TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Error::ComponentEnded {
                    component: "the server of models".to_owned(),
                    status: status.to_string(),
                    log: tail(&self.log, 12),
                });
            }
            if Instant::now() > deadline {
                return Err(Error::Timeout {
                    what: "the server of models opens its port".to_owned(),
                    waited: START,
                    last: tail(&self.log, 3),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        // It ignores SIGTERM, as the original does.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A version that is LOADING.
#[derive(Debug)]
pub struct HeldVersion {
    hold: PathBuf,
}

impl HeldVersion {
    /// Lets the load go on; it fails, because the directory holds no model.
    pub fn release(self) -> Result<()> {
        fs::remove_file(&self.hold).context(format!("cannot remove {}", self.hold.display()))
    }
}

/// An address of this machine that the API server's proxy leads to: it refuses loopback. Nothing is sent.
pub fn host_address() -> Result<IpAddr> {
    let found = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // An address for documentation: it only chooses the interface of the default route.
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    match found.map(|address| address.ip()) {
        Ok(address) if !address.is_loopback() && !address.is_unspecified() => Ok(address),
        Ok(_) | Err(_) => Err(Error::Unexpected(
            "this machine has no address but loopback, which the API server's proxy refuses".to_owned(),
        )),
    }
}
