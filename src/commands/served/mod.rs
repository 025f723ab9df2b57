//! A model that answers somewhere: the way to it, its name, and what its errors mean.

mod after;

use std::time::Duration;

use crate::cli::{GlobalArgs, ModelArgs, ReachArgs};
use crate::cluster::reach::{self, Failure, PassedOver, Reach, Reply, Request, Unreachable, Via, Wanted};
use crate::cluster::{Cluster, served};
use crate::output::escape;
use crate::serving::signature;
use crate::serving::{errors, names};
use crate::{Error, exit};

/// What is looked for.
pub(super) struct Sought<'a> {
    /// The Service, or a Deployment.
    pub(super) name: &'a str,
    /// Which model.
    pub(super) model: &'a ModelArgs,
    /// Where it is.
    pub(super) reach: &'a ReachArgs,
    /// Which way may be taken.
    pub(super) via: Via,
    /// How long a request may take.
    pub(super) timeout: Duration,
    /// The flag that says so.
    pub(super) timeout_flag: &'static str,
}

/// A model, as it can be reached.
pub(super) struct Served {
    pub(super) reach: Reach,
    pub(super) cluster: Option<Cluster>,
    pub(super) model: String,
    /// The models that the pods were told to serve.
    models: Vec<String>,
    asked: ModelArgs,
    timeout: Duration,
    timeout_flag: &'static str,
}

/// A request made from a signature.
pub(super) struct Example {
    /// What it was made from, in words.
    pub(super) of: String,
    /// The request.
    pub(super) request: String,
}

/// Finds it.
pub(super) async fn find(global: &GlobalArgs, sought: &Sought<'_>) -> Result<Served, Error> {
    let Sought {
        name, model: asked, ..
    } = *sought;
    let found = |reach, cluster, models, model| Served {
        reach,
        cluster,
        model,
        models,
        asked: asked.clone(),
        timeout: sought.timeout,
        timeout_flag: sought.timeout_flag,
    };
    if let Some(address) = &sought.reach.address {
        let model = asked.model.clone().unwrap_or_else(|| name.to_owned());
        return Ok(found(Reach::address(address), None, Vec::new(), model));
    }
    let cluster = Cluster::connect(&global.connect_options())?;
    let probe = names::model_path(asked.model.as_deref().unwrap_or(name));
    let wanted = Wanted {
        namespace: &cluster.namespace,
        name,
        port: sought.reach.port,
        via: sought.via,
        probe: &probe,
    };
    let reach = match reach::find(&cluster, wanted).await {
        Ok(reach) => reach,
        Err(why) => return Err(unreachable(&cluster, why).await),
    };
    let mut models = Vec::new();
    if let (None, Some(target)) = (&asked.model, &reach.target) {
        // Who may not list pods still knows the name.
        models = served::models(&cluster, target).await.unwrap_or_default();
    }
    let model = choose(sought, &reach, &models)?;
    Ok(found(reach, Some(cluster), models, model))
}

fn choose(sought: &Sought<'_>, reach: &Reach, models: &[String]) -> Result<String, Error> {
    let name = sought.name.to_owned();
    match (&sought.model.model, models) {
        (Some(model), _) => Ok(model.clone()),
        (None, [only]) => Ok(only.clone()),
        (None, several) if several.len() > 1 && !several.contains(&name) => Err(Error::Usage(format!(
            "{} serves several models; choose one with `--model`: {}",
            reach
                .target
                .as_ref()
                .map(reach::Target::title)
                .unwrap_or_default(),
            several.join(", ")
        ))),
        (None, _) => Ok(name),
    }
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

impl Served {
    /// Where its requests go: `/v1/models/m/versions/1:predict`.
    pub(super) fn predict_path(&self) -> String {
        format!("{}:predict", self.path())
    }

    /// One request to it.
    pub(super) async fn predict(&self, body: &[u8]) -> Result<Reply, Error> {
        self.ask(&Request::post(self.predict_path(), body.to_vec(), self.timeout))
            .await
    }

    /// The server's own text, line by line, and what it means.
    pub(super) async fn refused(&self, reply: &Reply, body: &[u8]) -> u8 {
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
        exit::PROBLEM
    }

    /// A request that it understands, or the exit code where it does not tell its signatures.
    pub(super) async fn example(&self) -> Result<Result<Example, u8>, Error> {
        let reply = self.ask(&self.get(format!("{}/metadata", self.path()))).await?;
        if reply.status != 200 {
            return Ok(Err(self.refused(&reply, b"").await));
        }
        let metadata = signature::parse(&reply.body).map_err(|why| self.failed(&why))?;
        let (name, signature) = metadata
            .signature(self.asked.signature.as_deref())
            .map_err(|why| Error::Usage(format!("model {}: {why}", self.model)))?;
        let example = signature::example(name, signature)
            .map_err(|why| Error::Incomplete(format!("cannot make a request for signature {name}: {why}")))?;
        Ok(Ok(Example {
            of: format!(
                "model {} version {}, {name}: {signature}",
                self.model, metadata.version
            ),
            request: example.to_string(),
        }))
    }

    fn path(&self) -> String {
        let model = names::model_path(&self.model);
        match (self.asked.version, &self.asked.label) {
            (Some(version), _) => format!("{model}/versions/{version}"),
            (None, Some(label)) => format!("{model}/labels/{}", names::path_segment(label)),
            (None, None) => model,
        }
    }

    fn get(&self, path: String) -> Request {
        Request::get(path, self.timeout)
    }

    async fn ask(&self, request: &Request) -> Result<Reply, Error> {
        self.reach.send(request).await.map_err(|failure| match failure {
            Failure::ApiServer(error) => error.into(),
            Failure::Deadline(_) => {
                self.failed(&format!("{failure}; give it more with `{}`", self.timeout_flag))
            }
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
    pub(super) fn tell(&self, reply: &Reply) {
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

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
