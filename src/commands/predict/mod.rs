//! The command `predict`: one request to a model, its answer unchanged, and what an error means.

mod after;
mod body;

use std::io::{IsTerminal, Write};

use super::print;
use crate::cli::{GlobalArgs, PredictArgs};
use crate::cluster::reach::{self, Failure, PassedOver, Reach, Reply, Request, Unreachable, Wanted};
use crate::cluster::{Cluster, served};
use crate::output::escape;
use crate::serving::signature::{self, Metadata};
use crate::serving::{errors, names};
use crate::{Error, exit};

/// A model, as it can be reached.
struct Served<'a> {
    reach: Reach,
    cluster: Option<Cluster>,
    /// The models that the pods were told to serve.
    models: Vec<String>,
    model: String,
    args: &'a PredictArgs,
}

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &PredictArgs) -> Result<u8, Error> {
    let body = body::read(args)?;
    let served = find(global, args).await?;
    match body {
        Some(body) => served.predict(&body).await,
        None => served.example().await,
    }
}

async fn find<'a>(global: &GlobalArgs, args: &'a PredictArgs) -> Result<Served<'a>, Error> {
    if let Some(address) = &args.reach.address {
        return Ok(Served {
            reach: Reach::address(address),
            cluster: None,
            models: Vec::new(),
            model: args.model.clone().unwrap_or_else(|| args.name.clone()),
            args,
        });
    }
    let cluster = Cluster::connect(&global.connect_options())?;
    let probe = names::model_path(args.model.as_ref().unwrap_or(&args.name));
    let wanted = Wanted {
        namespace: &cluster.namespace,
        name: &args.name,
        port: args.reach.port,
        via: args.reach.via(),
        probe: &probe,
    };
    let reach = match reach::find(&cluster, wanted).await {
        Ok(reach) => reach,
        Err(why) => return Err(unreachable(&cluster, why).await),
    };
    let mut models = Vec::new();
    if let (None, Some(target)) = (&args.model, &reach.target) {
        // Who may not list pods still knows the name.
        models = served::models(&cluster, target).await.unwrap_or_default();
    }
    let model = match (&args.model, models.as_slice()) {
        (Some(model), _) => model.clone(),
        (None, [only]) => only.clone(),
        (None, several) if several.len() > 1 && !several.contains(&args.name) => {
            return Err(Error::Usage(format!(
                "{} serves several models; choose one with `--model`: {}",
                reach
                    .target
                    .as_ref()
                    .map(reach::Target::title)
                    .unwrap_or_default(),
                several.join(", ")
            )));
        }
        (None, _) => args.name.clone(),
    };
    Ok(Served {
        reach,
        cluster: Some(cluster),
        models,
        model,
        args,
    })
}

/// Tells each way that was tried, and what the logs of pods that are not ready say.
async fn unreachable(cluster: &Cluster, why: Unreachable) -> Error {
    let tried: &[PassedOver] = match &why {
        Unreachable::Cluster(error) => return error.clone().into(),
        Unreachable::NoPort(_) => &[],
        Unreachable::NoWay { tried, .. } => tried,
    };
    for way in tried {
        anstream::eprintln!("tried    {}", escape::line(&way.to_string()));
    }
    if let Unreachable::NoWay { target, .. } = &why {
        for line in served::silent_pods(cluster, target).await {
            anstream::eprintln!("log      {}", escape::line(&line));
        }
    }
    Error::Incomplete(why.to_string())
}

impl Served<'_> {
    async fn predict(&self, body: &[u8]) -> Result<u8, Error> {
        let path = format!("{}:predict", self.path());
        let request = Request::post(path, body.to_vec(), self.args.timeout);
        let reply = self.ask(&request).await?;
        if (200..300).contains(&reply.status) {
            // The answer first: whoever reads it need not wait for talk.
            write(&reply.body)?;
            self.tell(&reply);
            return Ok(exit::OK);
        }
        self.refused(&reply, body).await
    }

    /// The server's own text, line by line, and what it means.
    async fn refused(&self, reply: &Reply, body: &[u8]) -> Result<u8, Error> {
        self.tell(reply);
        let text = errors::text(&reply.body);
        let mut beginning = format!("error: HTTP {}: ", reply.status);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            anstream::eprintln!("{beginning}{}", escape::line(line.trim()));
            "         ".clone_into(&mut beginning);
        }
        for line in self.explain(reply.status, &text, body).await {
            anstream::eprintln!("{}", escape::line(&line));
        }
        Ok(exit::PROBLEM)
    }

    async fn example(&self) -> Result<u8, Error> {
        let reply = self.ask(&self.get(format!("{}/metadata", self.path()))).await?;
        if reply.status != 200 {
            return self.refused(&reply, b"").await;
        }
        let metadata = signature::parse(&reply.body).map_err(|why| self.failed(&why))?;
        let (name, signature) = metadata
            .signature(self.args.signature.as_deref())
            .map_err(|why| Error::Usage(format!("model {}: {why}", self.model)))?;
        let example = signature::example(name, signature)
            .map_err(|why| Error::Incomplete(format!("cannot make a request for signature {name}: {why}")))?;
        self.tell_signature(&metadata, name, signature);
        print::print(&example.to_string())?;
        Ok(exit::OK)
    }

    fn tell_signature(&self, metadata: &Metadata, name: &str, signature: &signature::Signature) {
        let line = format!(
            "model {} version {}, {name}: {signature}",
            self.model, metadata.version
        );
        anstream::eprintln!("{}", escape::line(&line));
    }

    fn path(&self) -> String {
        let model = names::model_path(&self.model);
        match (self.args.version, &self.args.label) {
            (Some(version), _) => format!("{model}/versions/{version}"),
            (None, Some(label)) => format!("{model}/labels/{}", names::path_segment(label)),
            (None, None) => model,
        }
    }

    fn get(&self, path: String) -> Request {
        Request::get(path, self.args.timeout)
    }

    async fn ask(&self, request: &Request) -> Result<Reply, Error> {
        self.reach.send(request).await.map_err(|failure| match failure {
            Failure::ApiServer(error) => error.into(),
            Failure::Deadline(_) => self.failed(&format!("{failure}; give it more with `--timeout`")),
            other => self.failed(&other.to_string()),
        })
    }

    fn failed(&self, why: &str) -> Error {
        Error::Incomplete(format!(
            "cannot ask model {} through {}: {why}",
            self.model, self.reach.way
        ))
    }

    /// `HTTP 200 in 1.2 ms, model m, through ClusterIP http://10.0.0.7:8501`, and why no better way was taken.
    fn tell(&self, reply: &Reply) {
        let passed_over: Vec<String> = self
            .reach
            .passed_over
            .iter()
            .map(|way| format!("; not {way}"))
            .collect();
        let line = format!(
            "HTTP {} in {}, model {}, through {}{}",
            reply.status,
            milliseconds(reply.elapsed),
            self.model,
            self.reach.way,
            passed_over.concat()
        );
        anstream::eprintln!("{}", escape::line(&line));
    }
}

fn milliseconds(time: std::time::Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Byte for byte; on a terminal without what would move its cursor, and with an end of line.
fn write(body: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() {
        for line in String::from_utf8_lossy(body).lines() {
            writeln!(stdout, "{}", escape::line(line))?;
        }
    } else {
        stdout.write_all(body)?;
    }
    stdout.flush()?;
    Ok(())
}
