//! Starting a cluster that outlives the command.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::Args;
use tfserve_sandbox::{Error, Options, Result};

use super::record::{self, Record};

/// How the cluster is to be.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A real node: kubelet, containerd, kube-proxy. Needs root
    #[arg(long)]
    node: bool,
    /// How many simulated nodes [default: 2, and none beside a real one]; beside a real one they are tainted
    #[arg(long)]
    nodes: Option<usize>,
    /// CPU of each simulated node
    #[arg(long, default_value = "8")]
    node_cpu: String,
    /// Memory of each simulated node
    #[arg(long, default_value = "32Gi")]
    node_memory: String,
    /// Seconds between two looks of the HPA controller
    #[arg(long, default_value_t = 2)]
    hpa_sync_period: u64,
}

impl Arguments {
    /// The same as options of the library.
    pub(super) fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            real_node: self.node,
            nodes: self.nodes.unwrap_or(usual.nodes),
            simulated_beside: self.nodes.unwrap_or(usual.simulated_beside),
            node_cpu: self.node_cpu.clone(),
            node_memory: self.node_memory.clone(),
            hpa_sync_period: Some(Duration::from_secs(self.hpa_sync_period)),
            talk: true,
            ..usual
        }
    }

    fn to_words(&self) -> Vec<String> {
        let mut words = vec![
            format!("--node-cpu={}", self.node_cpu),
            format!("--node-memory={}", self.node_memory),
            format!("--hpa-sync-period={}", self.hpa_sync_period),
        ];
        words.extend(self.node.then(|| "--node".to_owned()));
        words.extend(self.nodes.map(|nodes| format!("--nodes={nodes}")));
        words
    }
}

/// Starts the cluster unless one runs, and prints what a shell needs to reach it.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let directory = record::directory()?;
    fs::create_dir_all(&directory).map_err(io("cannot create the directory of the record"))?;
    let lock = File::create(directory.join("up.lock")).map_err(io("cannot create a lock file"))?;
    lock.lock().map_err(io("cannot take the lock"))?;
    if let Some(record) = Record::running()? {
        anstream::eprintln!("a sandbox already runs at {}", record.url);
        print(&record);
        return Ok(ExitCode::SUCCESS);
    }
    Record::remove()?;
    let record = start(arguments)?;
    print(&record);
    Ok(ExitCode::SUCCESS)
}

fn print(record: &Record) {
    anstream::println!("export KUBECONFIG={}", record.kubeconfig.display());
    anstream::println!("export PATH={}:\"$PATH\"", record.kubectl_directory.display());
}

fn start(arguments: &Arguments) -> Result<Record> {
    let path = Record::log()?;
    let log = File::create(&path).map_err(io("cannot create a log file"))?;
    let errors = log.try_clone().map_err(io("cannot duplicate a log file"))?;
    let program = std::env::current_exe().map_err(io("cannot find this program"))?;
    // A group of its own, so that Ctrl-C in this terminal is not meant for it.
    let mut child = Command::new(program)
        .arg("serve")
        .args(arguments.to_words())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(io("cannot start the process that holds the cluster"))?;
    let mut told = 0;
    loop {
        told = tell(&path, told)?;
        if let Some(record) = Record::running()?.filter(|record| record.pid == child.id()) {
            tell(&path, told)?;
            return Ok(record);
        }
        if let Ok(Some(status)) = child.try_wait() {
            tell(&path, told)?;
            return Err(Error::Unexpected(format!("the sandbox did not start ({status})")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Copies what is new in the log to stderr.
fn tell(path: &Path, from: u64) -> Result<u64> {
    let failed = io("cannot read the log file");
    let mut text = Vec::new();
    let mut file = File::open(path).map_err(&failed)?;
    file.seek(SeekFrom::Start(from)).map_err(&failed)?;
    file.read_to_end(&mut text).map_err(&failed)?;
    // A closed stderr is no reason to stop.
    let _ = std::io::stderr().write_all(&text);
    Ok(from + text.len() as u64)
}

fn io(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Io {
        what: what.to_owned(),
        source,
    }
}
