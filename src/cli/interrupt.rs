//! Ctrl-C and termination: the first asks for an orderly end, the second ends at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;

/// Tells whether the user wants the run to end.
#[derive(Debug, Clone)]
pub struct Interrupt {
    asked: watch::Receiver<bool>,
}

impl Interrupt {
    /// Listens from now on; to be called within the runtime.
    ///
    /// # Errors
    /// Where the operating system refuses to deliver signals.
    pub fn listen() -> io::Result<Self> {
        let (ask, asked) = watch::channel(false);
        let mut signals = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        tokio::spawn(async move {
            loop {
                let [interrupt, terminate, hangup] = &mut signals;
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                if *ask.borrow() {
                    std::process::exit(Exit::Interrupted.code().into());
                }
                ask.send_replace(true);
            }
        });
        Ok(Self { asked })
    }

    /// Whether the end was asked for.
    pub fn asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// How the run ended, if it ended as `otherwise` unless interrupted.
    pub fn exit(&self, otherwise: Exit) -> Exit {
        if self.asked() {
            Exit::Interrupted
        } else {
            otherwise
        }
    }

    /// Becomes ready when the end is asked for.
    pub async fn wait(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The flag itself, for those who watch it.
    pub fn flag(&self) -> watch::Receiver<bool> {
        self.asked.clone()
    }
}
