//! A program in a terminal of its own: what it shows, and keys.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::support::until;

/// A terminal with a program in it.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    /// Starts a program.
    pub(crate) fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system()
            .openpty(size(columns, rows))
            .expect("a terminal");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let shown = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let mut output = pair.master.try_clone_reader().expect("its output");
        let screen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = output.read(&mut buffer) {
                if length == 0 {
                    break;
                }
                screen.lock().unwrap().process(&buffer[..length]);
            }
        });
        Self {
            keys: pair.master.take_writer().expect("its keyboard"),
            master: pair.master,
            child,
            shown,
        }
    }

    /// What it shows now.
    pub(crate) fn text(&self) -> String {
        self.shown.lock().unwrap().screen().contents()
    }

    /// Whether a full-screen program has the terminal.
    pub(crate) fn is_taken(&self) -> bool {
        let shown = self.shown.lock().unwrap();
        shown.screen().alternate_screen() || shown.screen().hide_cursor()
    }

    /// Whether a cell has a colour.
    pub(crate) fn has_colour(&self) -> bool {
        let shown = self.shown.lock().unwrap();
        let (rows, columns) = shown.screen().size();
        let coloured = |cell: &vt100::Cell| cell.fgcolor() != vt100::Color::Default;
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .any(|(row, column)| shown.screen().cell(row, column).is_some_and(coloured))
    }

    /// Waits until it shows a text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        assert!(
            self.shows(text, std::time::Duration::from_secs(120)),
            "`{text}` does not come:\n{}",
            self.text()
        );
    }

    /// Whether it shows a text within a time.
    pub(crate) fn shows(&self, text: &str, within: std::time::Duration) -> bool {
        let deadline = std::time::Instant::now() + within;
        while std::time::Instant::now() < deadline {
            if self.text().contains(text) {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        false
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("somebody reads");
        self.keys.flush().expect("somebody reads");
    }

    /// Makes it larger or smaller.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.shown.lock().unwrap().screen_mut().set_size(rows, columns);
        self.master.resize(size(columns, rows)).expect("a terminal");
    }

    /// The process.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Waits for its end; whether it ended well.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> bool {
        let status = until("the program ends", || self.child.try_wait().expect("a child"));
        status.success()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        ..PtySize::default()
    }
}
