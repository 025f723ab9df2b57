//! The command `predict`: one request to a model, its answer unchanged, and what an error means.

mod body;

use std::io::{IsTerminal, Write};

use super::print;
use super::served::{self, Served, Sought};
use crate::cli::{GlobalArgs, PredictArgs};
use crate::output::escape;
use crate::{Error, exit};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &PredictArgs) -> Result<u8, Error> {
    let body = body::read(args)?;
    let sought = Sought {
        name: &args.name,
        model: &args.model,
        reach: &args.reach,
        via: args.reach.via(),
        timeout: args.timeout,
        timeout_flag: "--timeout",
    };
    let served = served::find(global, &sought).await?;
    match body {
        Some(body) => predict(&served, &body).await,
        None => example(&served).await,
    }
}

async fn predict(served: &Served, body: &[u8]) -> Result<u8, Error> {
    let reply = served.predict(body).await?;
    if (200..300).contains(&reply.status) {
        // The answer first: whoever reads it need not wait for talk.
        write(&reply.body)?;
        served.tell(&reply);
        return Ok(exit::OK);
    }
    Ok(served.refused(&reply, body).await)
}

async fn example(served: &Served) -> Result<u8, Error> {
    match served.example().await? {
        Ok(example) => {
            anstream::eprintln!("{}", escape::line(&example.of));
            print::print(&example.request)?;
            Ok(exit::OK)
        }
        Err(code) => Ok(code),
    }
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
