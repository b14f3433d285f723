//! The real program as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// How long a relay may take to become ready before the test gives up on it.
const READY_MAX: Duration = Duration::from_secs(30);

/// `relaybell` in `folder`, with a clean environment.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relaybell"));
    command.args(arguments).current_dir(folder).env_clear();
    command
}

/// Runs `relaybell` in `folder` to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// What a run wrote to stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a run wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A serving relay. Killed when dropped.
pub struct Serving {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its log, record by record.
    pub log: mpsc::Receiver<Value>,
}

impl Serving {
    /// Starts `relaybell serve` in `folder` and waits until it says that it is ready.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, "info", &[])
    }

    /// The same, with this log filter and environment.
    pub fn start_with(folder: &Path, log: &str, environment: &[(&str, &str)]) -> Self {
        Self::wait_until_ready(
            command(folder, &["serve", "--log-format", "json", "--log", log]).envs(environment.iter().copied()),
        )
    }

    /// Starts it as systemd does: it is given `listener`, and told where to say how it is.
    pub fn start_on(folder: &Path, listener: &TcpListener, manager: &Path) -> Self {
        // The number of its process is known only to the process itself.
        let hand_over = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve --log-format json";
        let handed = OwnedFd::from(listener.try_clone().unwrap());
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", hand_over, env!("CARGO_BIN_EXE_relaybell")]).current_dir(folder).env_clear();
        Self::wait_until_ready(shell.env("NOTIFY_SOCKET", manager).stdin(handed))
    }

    #[expect(clippy::zombie_processes, reason = "a relay that does not start fails the test; others are waited for")]
    fn wait_until_ready(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let record = serde_json::from_str(&line).unwrap_or_else(|_| Value::String(line));
                if tell.send(record).is_err() {
                    return;
                }
            }
        });
        loop {
            let record = log.recv_timeout(READY_MAX).expect("the relay becomes ready");
            if record["message"] == "relaybell is ready" {
                let address = record["address"].as_str().unwrap().parse().unwrap();
                return Self { child, address, log };
            }
            assert!(record.is_object(), "the relay did not start: {record}");
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal by name, as `kill -NAME` does.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for a log record for which `is` holds.
    pub fn wait_for_log(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let record = self.log.recv_timeout(READY_MAX).unwrap_or_else(|_| panic!("no log record: {what}"));
            if is(&record) {
                return record;
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Ended already in most tests; then there is nothing to kill.
        if self.child.try_wait().unwrap().is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}
