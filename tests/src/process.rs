//! A server process of a test.

use std::process::{Child, Command, Stdio};

/// A child process that is killed when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Process(Option<Child>);

impl Process {
    /// Starts a command without output, after killing the process that runs.
    ///
    /// # Panics
    ///
    /// If the program is not installed.
    pub(crate) fn start(&mut self, command: &mut Command) {
        self.kill();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let program = command.get_program().display();
        self.0 = Some(child.unwrap_or_else(|error| {
            panic!("{error}: `{program}` is not installed; `tests/run` installs it")
        }));
    }

    /// Returns whether the process ended by itself, as a server does whose port is taken.
    pub(crate) fn has_ended(&mut self) -> bool {
        let child = self.0.as_mut();
        child.is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Kills the process, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a signal through the shell, whose `kill` exists on every system.
    ///
    /// # Panics
    ///
    /// If the process does not run.
    pub(crate) fn signal(&self, name: &str) {
        let child = self.0.as_ref().expect("the process runs");
        let line = format!("kill -{name} {}", child.id());
        let status = Command::new("sh").args(["-c", &line]).status();
        assert!(status.is_ok_and(|status| status.success()), "{line}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
