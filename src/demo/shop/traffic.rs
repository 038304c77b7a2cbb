//! The shop's programs at work: several clients at once, each a loop over statements of `workload.sql`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::future::try_join_all;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Client, Row, Statement};

use super::random::Random;
use super::size::{Scale, Table};
use super::{Counter, OnProgress, Phase, Script, Shop, ShopError, failed, statement};

const WORKLOAD: &str = include_str!("workload.sql");
const SAMPLE: &str = include_str!("sample.sql");

/// Progress of one client from its first round to its last.
const POINTS: u64 = 1000;

/// How old the oldest order is (`load.sql`).
const DAYS: i64 = 729;

/// Rows of `page_of_events`.
const PAGE: i64 = 50;

/// What a client does, round by round. How many rounds: so that the planted bottlenecks take seconds and all clients
/// end within some fifteen seconds on two cores.
#[derive(Debug, Clone, Copy)]
enum Program {
    /// Visitors: only statements that an index serves.
    Storefront,
    /// Pages of orders, with the items of each order.
    BackOffice,
    /// Customers who look at their orders, or leave.
    Accounts,
    /// The payment provider's notifications, the list of what is unsettled, and the log page by page.
    Payments,
    /// Reports and the product feed.
    Reports,
}

const PROGRAMS: [Program; 7] = [
    Program::Storefront,
    Program::Storefront,
    Program::BackOffice,
    Program::BackOffice,
    Program::Accounts,
    Program::Payments,
    Program::Reports,
];

impl Program {
    const fn rounds(self) -> u64 {
        match self {
            Self::Storefront => 2500,
            Self::BackOffice => 2000,
            Self::Accounts => 40,
            Self::Payments => 24,
            Self::Reports => 12,
        }
    }
}

/// Values that the clients ask for.
#[derive(Debug)]
struct Samples {
    sessions: Vec<(i64, String)>,
    payments: Vec<String>,
    cities: Vec<[String; 3]>,
}

/// The connected clients.
#[derive(Debug)]
pub(super) struct Clients {
    sessions: Vec<Session>,
    samples: Samples,
    scale: Scale,
    traffic: Scale,
    sent: AtomicU64,
}

/// One client's connection.
#[derive(Debug)]
struct Session {
    program: Program,
    client: Client,
    prepared: BTreeMap<&'static str, Statement>,
    random: Random,
}

impl Clients {
    pub(super) async fn connect(shop: &Shop) -> Result<Self, ShopError> {
        let mut sessions = Vec::new();
        for (seed, program) in (1..).zip(PROGRAMS) {
            sessions.push(Session {
                program,
                client: shop.connect().await?,
                prepared: BTreeMap::new(),
                random: Random(seed),
            });
        }
        Ok(Self {
            sessions,
            samples: Samples::read(&shop.connect().await?).await?,
            scale: shop.scale,
            traffic: shop.traffic,
            sent: AtomicU64::new(0),
        })
    }

    /// Prepares what the programs send. After the counters' reset: `pg_stat_statements` replaces the constants of a
    /// text when it is prepared, and keeps what it first sees.
    pub(super) async fn prepare(&mut self) -> Result<(), ShopError> {
        let script = Script::new(WORKLOAD);
        for session in &mut self.sessions {
            for (name, sql) in script.iter() {
                let ready = session.client.prepare(sql).await;
                let ready = ready.map_err(failed(format!("prepare {name}")))?;
                session.prepared.insert(name, ready);
            }
        }
        Ok(())
    }

    /// Returns the number of statements sent.
    pub(super) async fn work(self, progress: &mut OnProgress<'_>) -> Result<u64, ShopError> {
        let Self {
            sessions,
            samples,
            scale,
            traffic,
            sent,
        } = self;
        let points = POINTS * u64::try_from(sessions.len()).unwrap_or(0);
        let counter = Counter::new(Phase::Traffic, points, progress);
        try_join_all(sessions.into_iter().map(|session| {
            let (counter, samples, sent) = (&counter, &samples, &sent);
            async move {
                let rounds = traffic.rounds(session.program.rounds());
                let mut worker = Worker {
                    session,
                    samples,
                    scale,
                    sent,
                };
                for round in 0..rounds {
                    worker.round(round).await?;
                    counter.add(POINTS * (round + 1) / rounds - POINTS * round / rounds);
                }
                Ok::<_, ShopError>(())
            }
        }))
        .await?;
        Ok(sent.load(Ordering::Relaxed))
    }
}

impl Samples {
    async fn read(client: &Client) -> Result<Self, ShopError> {
        let script = Script::new(SAMPLE);
        let rows = async |name: &str| {
            let rows = client.query(statement(&script, name)?, &[]).await;
            rows.map_err(failed(format!("sample {name}")))
        };
        let get = |row: &Row, column: usize| row.try_get(column).unwrap_or_default();
        Ok(Self {
            sessions: rows("sessions")
                .await?
                .iter()
                .map(|row| (row.try_get(0).unwrap_or_default(), get(row, 1)))
                .collect(),
            payments: rows("payments").await?.iter().map(|r| get(r, 0)).collect(),
            cities: rows("cities")
                .await?
                .iter()
                .map(|row| [get(row, 0), get(row, 1), get(row, 2)])
                .collect(),
        })
    }
}

struct Worker<'a> {
    session: Session,
    samples: &'a Samples,
    scale: Scale,
    sent: &'a AtomicU64,
}

impl Worker<'_> {
    async fn round(&mut self, round: u64) -> Result<(), ShopError> {
        match self.session.program {
            Program::Storefront => self.visit(round).await,
            Program::BackOffice => self.page_of_orders().await,
            Program::Accounts => self.account(round).await,
            Program::Payments => self.payment(round).await,
            Program::Reports => self.report(round).await,
        }
    }

    async fn visit(&mut self, round: u64) -> Result<(), ShopError> {
        let Some((session, token)) = self.session.random.pick(&self.samples.sessions) else {
            return Ok(());
        };
        let customer = self.id(Table::Customers);
        let product = self.id(Table::Products);
        self.send("session_by_token", &[token]).await?;
        let category = self.id(Table::Categories);
        self.send("category_page", &[&category]).await?;
        self.send("product", &[&product]).await?;
        self.send("product_reviews", &[&product]).await?;
        let payload = Json(serde_json::json!({"product": product}));
        self.send("add_event", &[&customer, &"view", &payload])
            .await?;
        if round.is_multiple_of(4) {
            self.send("touch_session", &[session]).await?;
            self.send("customer", &[&customer]).await?;
        }
        if round.is_multiple_of(10) {
            let cart: Vec<i64> = (0..5).map(|_| self.id(Table::Products)).collect();
            self.send("cart", &[&cart]).await?;
            self.run_job().await?;
        }
        if round.is_multiple_of(20) {
            self.check_out(round).await?;
        }
        if round.is_multiple_of(50) {
            let day = self.session.random.id(DAYS - 1);
            let (from, to) = (days_ago(day), days_ago(day - 1));
            self.send("orders_of_a_day", &[&from, &to]).await?;
        }
        Ok(())
    }

    /// An order with its items and its payment, in one transaction.
    async fn check_out(&mut self, round: u64) -> Result<(), ShopError> {
        // The last customers are those whose accounts are erased.
        let customer = self
            .session
            .random
            .id(self.scale.rows(Table::Customers) / 2);
        let reference = format!("pay_{}_{round}", self.session.random.0);
        let total = 4_200;
        self.transaction(async |worker| {
            let rows = worker.send("add_order", &[&customer, &total]).await?;
            let order: Option<i64> = rows.first().and_then(|row| row.try_get(0).ok());
            for _ in 0..3 {
                let product = worker.id(Table::Products);
                worker
                    .send("add_item", &[&order, &product, &1, &1_400])
                    .await?;
            }
            worker
                .send("add_payment", &[&order, &reference, &total])
                .await?;
            Ok(())
        })
        .await
    }

    async fn run_job(&mut self) -> Result<(), ShopError> {
        self.transaction(async |worker| {
            let rows = worker.send("next_job", &[]).await?;
            if let Some(job) = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok()) {
                worker.send("finish_job", &[&job]).await?;
            }
            Ok(())
        })
        .await
    }

    /// The loop of an N+1: what an object-relational mapper does when nobody told it to fetch the items along.
    async fn page_of_orders(&mut self) -> Result<(), ShopError> {
        let from = days_ago(self.session.random.id(DAYS - 30) + 30);
        for order in self.send("page_of_orders", &[&from]).await? {
            let order: Option<i64> = order.try_get(0).ok();
            self.send("items_of_order", &[&order]).await?;
        }
        Ok(())
    }

    async fn account(&mut self, round: u64) -> Result<(), ShopError> {
        let customer = self.id(Table::Customers);
        self.send("orders_of_customer", &[&customer]).await?;
        if round.is_multiple_of(8) {
            let leaving = self.scale.rows(Table::Customers) - i64::try_from(round / 8).unwrap_or(0);
            let anybody_left = leaving > self.scale.rows(Table::Customers) * 99 / 100;
            if anybody_left {
                self.send("erase_customer", &[&leaving]).await?;
            }
        }
        Ok(())
    }

    async fn payment(&mut self, round: u64) -> Result<(), ShopError> {
        if let Some(reference) = self.session.random.pick(&self.samples.payments) {
            self.send("payment_by_reference", &[reference]).await?;
        }
        if round.is_multiple_of(3) {
            self.send("unsettled_payments", &[]).await?;
        }
        if round.is_multiple_of(4) {
            // Far down the log, where somebody looks for what happened last winter.
            let half = self.scale.rows(Table::Events) / 2;
            let offset = half + self.session.random.id((half - PAGE).max(1));
            self.send("page_of_events", &[&offset]).await?;
        }
        Ok(())
    }

    async fn report(&mut self, round: u64) -> Result<(), ShopError> {
        if let Some([city, region, country]) = self.session.random.pick(&self.samples.cities) {
            self.send("visitors_of_city", &[city, region, country])
                .await?;
        }
        if round.is_multiple_of(3) {
            self.send("product_feed", &[]).await?;
        }
        if round.is_multiple_of(7) {
            self.send("time_between_orders", &[]).await?;
        }
        if round.is_multiple_of(10) {
            self.send("revenue_by_status", &[]).await?;
        }
        Ok(())
    }

    fn id(&mut self, table: Table) -> i64 {
        self.session.random.id(self.scale.rows(table))
    }

    async fn transaction(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<(), ShopError>,
    ) -> Result<(), ShopError> {
        self.control("BEGIN").await?;
        work(self).await?;
        self.control("COMMIT").await
    }

    /// Over the simple protocol, as drivers do: of a prepared BEGIN, `pg_stat_statements` counts the first call only.
    async fn control(&self, command: &str) -> Result<(), ShopError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let done = self.session.client.batch_execute(command).await;
        done.map_err(failed(format!("run {command}")))
    }

    async fn send(
        &self,
        name: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ShopError> {
        let prepared = self
            .session
            .prepared
            .get(name)
            .ok_or_else(|| ShopError::NoSuchStatement { name: name.into() })?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let rows = self.session.client.query(prepared, parameters).await;
        rows.map_err(failed(format!("run {name}")))
    }
}

fn days_ago(days: i64) -> SystemTime {
    let seconds = u64::try_from(days).unwrap_or(0) * 24 * 60 * 60;
    SystemTime::now() - Duration::from_secs(seconds)
}
