//! A pooler in transaction mode, as strict as one can be: every transaction of a client runs on the next server
//! connection, and a client's request is only looked at when the one before it has been answered.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};

use pgtriage::demo::cluster::Cluster;

/// A message of the protocol: its type and its body.
pub type Message = (u8, Vec<u8>);

pub fn read_message(from: &mut impl Read) -> std::io::Result<Message> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes")) as usize;
    let mut body = vec![0; length - 4];
    from.read_exact(&mut body)?;
    Ok((head[0], body))
}

pub fn write_message(to: &mut impl Write, (kind, body): &Message) -> std::io::Result<()> {
    let length = u32::try_from(body.len() + 4).expect("a length");
    let mut bytes = vec![*kind];
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    to.write_all(&bytes)
}

/// A connection to the server.
struct Upstream {
    stream: UnixStream,
}

impl Upstream {
    fn open(cluster: &Cluster, role: &str, database: &str) -> (Self, Vec<Message>) {
        let path = cluster
            .socket_dir()
            .join(format!(".s.PGSQL.{}", cluster.port()));
        let mut stream = UnixStream::connect(path).expect("a socket");
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        body.extend(
            format!("user\0{role}\0database\0{database}\0client_encoding\0UTF8\0\0").bytes(),
        );
        let length = u32::try_from(body.len() + 4).expect("a length");
        stream.write_all(&length.to_be_bytes()).expect("a startup");
        stream.write_all(&body).expect("a startup");
        let mut greeting = Vec::new();
        loop {
            let message = read_message(&mut stream).expect("a greeting");
            if message.0 == b'Z' {
                return (Self { stream }, greeting);
            }
            greeting.push(message);
        }
    }

    /// The first value of a query.
    fn value(&mut self, sql: &str) -> String {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        write_message(&mut self.stream, &(b'Q', body)).expect("a query");
        let mut value = String::new();
        loop {
            let (kind, body) = read_message(&mut self.stream).expect("an answer");
            match kind {
                b'D' => value = String::from_utf8_lossy(&body[6..]).into_owned(),
                b'E' => panic!("{sql}: {}", String::from_utf8_lossy(&body)),
                b'Z' => return value,
                _ => {}
            }
        }
    }
}

/// The pooler, on a port of 127.0.0.1.
pub struct Pooler {
    pub port: u16,
    idle: Arc<(Mutex<Vec<Upstream>>, Condvar)>,
    size: usize,
}

impl Pooler {
    /// Pools so many connections of a role.
    pub fn start(cluster: &Cluster, role: &str, database: &str, size: usize) -> Self {
        let mut greeting = Vec::new();
        let mut upstreams = Vec::new();
        for _ in 0..size {
            let (upstream, messages) = Upstream::open(cluster, role, database);
            upstreams.push(upstream);
            greeting = messages;
        }
        let idle = Arc::new((Mutex::new(upstreams), Condvar::new()));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let pool = Arc::clone(&idle);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (pool, greeting) = (Arc::clone(&pool), greeting.clone());
                std::thread::spawn(move || serve(client, &pool, &greeting));
            }
        });
        Self { port, idle, size }
    }

    /// The first value of a query, on every server connection once all are idle.
    pub fn values(&self, sql: &str) -> Vec<String> {
        let (lock, freed) = &*self.idle;
        let mut idle = lock.lock().expect("a pool");
        while idle.len() < self.size {
            idle = freed.wait(idle).expect("a pool");
        }
        idle.iter_mut()
            .map(|upstream| upstream.value(sql))
            .collect()
    }
}

/// Serves one client until it leaves.
fn serve(mut client: TcpStream, pool: &(Mutex<Vec<Upstream>>, Condvar), greeting: &[Message]) {
    if !greet(&mut client, greeting).unwrap_or(false) {
        return;
    }
    let (lock, freed) = pool;
    let mut held: Option<Upstream> = None;
    while let Ok(request) = read_request(&mut client) {
        let mut upstream = held.take().unwrap_or_else(|| {
            let mut idle = lock.lock().expect("a pool");
            while idle.is_empty() {
                idle = freed.wait(idle).expect("a pool");
            }
            idle.remove(0)
        });
        for message in &request {
            write_message(&mut upstream.stream, message).expect("a server");
        }
        let in_transaction = loop {
            let message = read_message(&mut upstream.stream).expect("a server");
            let status = (message.0 == b'Z').then(|| message.1[0]);
            // A client that has left is read to the end of its request all the same.
            drop(write_message(&mut client, &message));
            if let Some(status) = status {
                break status != b'I';
            }
        };
        if in_transaction {
            held = Some(upstream);
        } else {
            lock.lock().expect("a pool").push(upstream);
            freed.notify_all();
        }
    }
    if let Some(mut upstream) = held {
        upstream.value("ROLLBACK");
        lock.lock().expect("a pool").push(upstream);
        freed.notify_all();
    }
}

/// The messages up to a Query or a Sync.
fn read_request(client: &mut TcpStream) -> std::io::Result<Vec<Message>> {
    let mut request = Vec::new();
    loop {
        let message = read_message(client)?;
        let kind = message.0;
        if kind == b'X' {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        request.push(message);
        if matches!(kind, b'Q' | b'S') {
            return Ok(request);
        }
    }
}

/// Answers the startup; `false` for what is no session.
fn greet(client: &mut TcpStream, greeting: &[Message]) -> std::io::Result<bool> {
    loop {
        let mut head = [0; 8];
        client.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[..4].try_into().expect("four bytes")) as usize;
        let code = u32::from_be_bytes(head[4..].try_into().expect("four bytes"));
        let mut body = vec![0; length - 8];
        client.read_exact(&mut body)?;
        match code {
            80_877_102 => return Ok(false),
            80_877_103 | 80_877_104 => client.write_all(b"N")?,
            _ => break,
        }
    }
    for message in greeting {
        write_message(client, message)?;
    }
    write_message(client, &(b'Z', vec![b'I']))?;
    Ok(true)
}
