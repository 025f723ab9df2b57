//! The same load as a file for Locust, for those who want to take it along, or to run it on several machines.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Mode, Plan};

/// What is sent, and where.
#[derive(Debug, Clone, Copy)]
pub struct Requests<'a> {
    /// For example `http://10.0.0.7:8501`.
    pub host: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The method.
    pub method: &'a str,
    /// Names and values.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// Why there is no such file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// Locust's users wait for their answers.
    #[error(
        "`--rate` has no Locust file: Locust's users wait for their answers, so it sends nothing while a server stands still; use `--users`"
    )]
    Rate,
}

/// The file. It runs with stock Locust 2.x: `locust -f FILE --headless`.
///
/// # Errors
/// The load is one that Locust cannot make.
pub fn of(plan: &Plan, requests: &Requests<'_>) -> Result<String, Unwritable> {
    if plan.mode == Mode::Rate {
        return Err(Unwritable::Rate);
    }
    let mut steps = String::new();
    for step in &plan.steps {
        let _ = writeln!(steps, "    ({}, {}),", seconds(step.end), step.level);
    }
    let mut headers = String::new();
    for (name, value) in requests.headers {
        let _ = writeln!(headers, "    {}: {},", text(name), text(value));
    }
    if !plan.keep_alive {
        headers.push_str("    \"connection\": \"close\",\n");
    }
    let wait = match plan.think {
        Some(think) => format!("between({}, {})", seconds(think.shortest), seconds(think.longest)),
        None => "constant(0)".to_owned(),
    };
    let timeout = plan.timeout.map_or_else(|| "None".to_owned(), seconds);
    let warm_up = if plan.warm_up.is_zero() {
        String::new()
    } else {
        format!(
            "# The first {} s are warm-up: Locust counts them, `kubectl tfserve load` would not.\n",
            seconds(plan.warm_up)
        )
    };
    Ok(format!(
        r#"# Written by `kubectl tfserve load --locustfile`. Run it with Locust 2.x (`pip install locust`):
#   locust -f locustfile.py --headless
from locust import FastHttpUser, LoadTestShape, {wait_function}, task

HOST = {host}
METHOD = {method}
PATH = {path}
HEADERS = {{
{headers}}}
BODY = {body}

{warm_up}# When a step ends, in seconds since the start, and how many users there are until then.
STEPS = [
{steps}]


class User(FastHttpUser):
    host = HOST
    wait_time = {wait}
    connection_timeout = {timeout}
    network_timeout = {timeout}
    # Locust looks at no certificate unless it is told to.
    insecure = False

    @task
    def ask(self):
        with self.client.request(
            METHOD, PATH, data=BODY, headers=HEADERS, catch_response=True, allow_redirects=False
        ) as answer:
            if 200 <= answer.status_code < 300:
                answer.success()
            elif answer.status_code:
                answer.failure(f"HTTP {{answer.status_code}}")


class Steps(LoadTestShape):
    def tick(self):
        for end, users in STEPS:
            if self.get_run_time() < end:
                return users, users
        return None
"#,
        wait_function = if plan.think.is_some() {
            "between"
        } else {
            "constant"
        },
        host = text(requests.host),
        method = text(requests.method),
        path = text(requests.path),
        body = bytes(requests.body),
    ))
}

/// As Python writes a number of seconds.
fn seconds(time: Duration) -> String {
    format!("{}", time.as_secs_f64())
}

/// A string of Python; JSON's escapes are Python's too.
fn text(value: &str) -> String {
    let mut literal = String::from('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => {
                literal.push('\\');
                literal.push(character);
            }
            ' '..='~' => literal.push(character),
            other if u32::from(other) < 0x1_0000 => {
                let _ = write!(literal, "\\u{:04x}", u32::from(other));
            }
            other => {
                let _ = write!(literal, "\\U{:08x}", u32::from(other));
            }
        }
    }
    literal.push('"');
    literal
}

/// Bytes of Python.
fn bytes(value: &[u8]) -> String {
    let mut literal = String::from("b\"");
    for byte in value {
        match byte {
            b'"' | b'\\' => {
                literal.push('\\');
                literal.push(char::from(*byte));
            }
            b' '..=b'~' => literal.push(char::from(*byte)),
            b'\n' => literal.push_str("\\n"),
            other => {
                let _ = write!(literal, "\\x{other:02x}");
            }
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn plan(mode: Mode) -> Plan {
        Plan {
            mode,
            steps: Plan::steps(
                &"1..4".parse().unwrap(),
                Duration::from_secs(60),
                Duration::from_millis(2500),
                None,
            ),
            warm_up: Duration::from_millis(2500),
            think: Some("0.8s..1.2s".parse().unwrap()),
            timeout: Some(Duration::from_secs(10)),
            keep_alive: false,
        }
    }

    const REQUESTS: Requests<'_> = Requests {
        host: "http://127.0.0.1:8501",
        path: "/v1/models/m:predict",
        method: "POST",
        headers: &[],
        body: b"{\"instances\": [\"\\u00e9\", \"\xc3\xa9\"]}\n",
    };

    #[test]
    fn the_whole_file() {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let requests = Requests {
            headers: &headers,
            ..REQUESTS
        };
        insta::assert_snapshot!(of(&plan(Mode::Users), &requests).unwrap());
    }

    #[test]
    fn an_open_loop_is_none_of_locusts() {
        assert_eq!(of(&plan(Mode::Rate), &REQUESTS), Err(Unwritable::Rate));
    }

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(text("a\"\\\n\u{1f600}é"), r#""a\"\\\u000a\U0001f600\u00e9""#);
        assert_eq!(bytes(b"\"\\\x00\n\xff"), r#"b"\"\\\x00\n\xff""#);
    }
}
