//! A relay before a server that does something just before a chosen request reaches it: what another session may do
//! between two of the program's round trips.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use pgtriage::demo::cluster::Cluster;

use crate::pooler::{read_message, write_message};

/// Whether it is time, from the texts of a request and of the one before it.
type Moment = dyn FnMut(&str, &str) -> bool + Send;

/// What is to happen once, and before which request.
pub struct Deed {
    pub before: Box<Moment>,
    pub act: Box<dyn FnOnce() + Send>,
}

/// The relay, on a port of 127.0.0.1.
pub struct Relay {
    pub port: u16,
    deed: Arc<Mutex<Option<Deed>>>,
}

impl Relay {
    pub fn start(cluster: &Cluster) -> Self {
        let socket = cluster
            .socket_dir()
            .join(format!(".s.PGSQL.{}", cluster.port()));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let deed = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&deed);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let upstream = UnixStream::connect(&socket).expect("a socket");
                let deed = Arc::clone(&shared);
                let mut back = upstream.try_clone().expect("a socket");
                let mut to_client = client.try_clone().expect("a socket");
                std::thread::spawn(move || std::io::copy(&mut back, &mut to_client));
                // A connection that breaks ends its thread, as it would end the session.
                std::thread::spawn(move || relay(client, upstream, &deed));
            }
        });
        Self { port, deed }
    }

    pub fn uri(&self, role: &str, database: &str) -> String {
        format!(
            "postgresql://{role}@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// From now on, once.
    pub fn prepare(&self, deed: Deed) {
        *self.deed.lock().expect("a deed") = Some(deed);
    }

    /// Whether the deed was done.
    pub fn is_done(&self) -> bool {
        self.deed.lock().expect("a deed").is_none()
    }
}

fn relay(
    mut client: TcpStream,
    mut upstream: UnixStream,
    deed: &Mutex<Option<Deed>>,
) -> std::io::Result<()> {
    // The startup has no type byte.
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut body)?;
    upstream.write_all(&length)?;
    upstream.write_all(&body)?;
    let mut previous = String::new();
    while let Ok(message) = read_message(&mut client) {
        if matches!(message.0, b'Q' | b'P') {
            let text = String::from_utf8_lossy(&message.1).into_owned();
            do_once(deed, &text, &previous);
            previous = text;
        }
        write_message(&mut upstream, &message)?;
    }
    // The other direction holds the socket, too.
    upstream.shutdown(Shutdown::Both)
}

fn do_once(deed: &Mutex<Option<Deed>>, text: &str, previous: &str) {
    let mut held = deed.lock().expect("a deed");
    if held
        .as_mut()
        .is_some_and(|deed| (deed.before)(text, previous))
        && let Some(deed) = held.take()
    {
        (deed.act)();
    }
}
