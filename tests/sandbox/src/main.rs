//! placeholder
use tfserve_sandbox::{MetricsServer, Options, Sandbox};
fn main() {
    let t = std::time::Instant::now();
    let s = Sandbox::start(Options { talk: true, ..Options::default() });
    match s { Ok(s) => { eprintln!("{:?} {}", t.elapsed(), s.kubeconfig().display()); 
    for state in [MetricsServer::RefusesKubeletCertificate, MetricsServer::Ready, MetricsServer::Down, MetricsServer::Crashing, MetricsServer::Absent, MetricsServer::Ready] {
        let t = std::time::Instant::now();
        let r = s.metrics_server(state);
        eprintln!("{state:?} {:?} {r:?}", t.elapsed());
        if state == MetricsServer::RefusesKubeletCertificate { eprintln!("{:?}", s.run_kubectl(&["logs", "-n", "kube-system", "deploy/metrics-server", "--tail=2"], None)); }
        eprintln!("{}", s.run_kubectl(&["get", "pods,apiservice/v1beta1.metrics.k8s.io", "-A"], None).unwrap_or_else(|e| e.to_string()));
    }
    let _ = std::io::stdin().read_line(&mut String::new()); }, Err(e) => eprintln!("{e}") }
}
