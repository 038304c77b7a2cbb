//! One statement: as written, repaired, or as the equivalent SELECT; with values of columns, of types, or none;
//! executed, planned, or refused.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::catalog::Tables;
use super::defaults::without_domains;
use super::fault::Fault;
use super::grant::grant;
use super::guard::{Hold, TextVerdict, judge_text};
use super::link::{ProbeSession, Settings};
use super::paths::RolePaths;
use super::step::{Step, Verdicts, Wanted};
use super::values::{Known, Source, carried_types};
use super::{Mode, ProbeOptions, Variants, spelled, twice};
use crate::ids::quote_ident;
use crate::snapshot::{
    Execution, ParameterValue, ParameterVariant, PlanRecord, PlannedText, ProbeStatus, Rejection,
    Role, Scans, Statement,
};
use crate::sql::lexer::{TokenKind, tokens};
use crate::sql::mentions::Mentions;
use crate::sql::parameters::{Parameters, parameters};
use crate::sql::rewrite::{cast_parameters, equivalent_select, repair};
use crate::units::Millis;

/// What a role that may read all tables lacks for a statement that writes.
const AS_A_WRITER: &str = "connect as a role that may write its tables, such as the application's";

/// What became of a statement, and its plans.
#[derive(Debug)]
pub(super) struct Probed {
    pub status: ProbeStatus,
    pub hold: Option<Hold>,
    /// What the server says of a text that it rejects.
    pub rejection: Option<Rejection>,
    pub plans: Vec<PlanRecord>,
}

impl Probed {
    pub(super) fn without_plan(status: ProbeStatus, hold: Hold) -> Self {
        Self {
            status,
            hold: Some(hold),
            rejection: None,
            plans: Vec::new(),
        }
    }
}

/// What all statements of a run share.
pub(super) struct Context<'a> {
    pub session: &'a ProbeSession,
    pub options: &'a ProbeOptions,
    pub settings: &'a Settings,
    pub role: &'a Role,
    pub paths: &'a RolePaths,
    /// When the budget ends.
    pub budget_end: Instant,
}

/// A text that stands for the statement.
struct Candidate {
    text: String,
    planned_text: PlannedText,
}

impl Context<'_> {
    /// Probes one statement. `Err` only where the session is lost.
    pub(super) async fn probe(
        &self,
        statement: &Statement,
        text: &str,
        tables: &mut Tables,
    ) -> Result<Probed, Fault> {
        let mentions = Mentions::of(text);
        if let TextVerdict::Refused(hold) = judge_text(&mentions) {
            return Ok(Probed::without_plan(ProbeStatus::Refused, hold));
        }
        let mut first_fault = None;
        for path in self.search_paths(statement, &mentions, tables) {
            let attempt = Attempt {
                context: self,
                statement,
                path: &path,
                verdicts: Verdicts::default(),
            };
            match attempt.texts(text, tables).await {
                Err(fault) if fault.is_lost() => return Err(fault),
                Err(fault) if fault.is_unknown_name() => {
                    first_fault.get_or_insert(fault);
                }
                Err(fault) => {
                    first_fault = Some(fault);
                    break;
                }
                Ok(probed) => return Ok(self.with_caveats(probed, &mentions, &path, tables)),
            }
        }
        let hold = first_fault.as_ref().map_or_else(
            || Hold::new("no plan was found"),
            |fault| {
                let hold = self.failure(fault, &self.schemas_of(statement, &mentions, tables));
                let lacks_write = fault.is_permission()
                    && self.role.read_all_data
                    && !mentions.effects.is_empty();
                let remedy = lacks_write.then(|| AS_A_WRITER.to_owned());
                Hold {
                    remedy: remedy.or(hold.remedy),
                    ..hold
                }
            },
        );
        Ok(Probed {
            rejection: first_fault.as_ref().and_then(Fault::rejection),
            ..Probed::without_plan(ProbeStatus::Failed, hold)
        })
    }

    /// The role's own path; that of the role that ran the statement; the schema that has the tables.
    pub(super) fn search_paths(
        &self,
        statement: &Statement,
        mentions: &Mentions,
        tables: &Tables,
    ) -> Vec<Vec<String>> {
        let own = self.session.schemas().to_vec();
        let mut paths = vec![own.clone()];
        let theirs = self
            .paths
            .of(statement.key.userid, statement.role.as_deref());
        let schema = tables.missing_schema(mentions, &own).map(|schema| {
            let mut path = vec![schema];
            path.extend(own);
            path
        });
        for path in theirs.into_iter().chain(schema) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }

    /// The schemas of the tables that the statement may mean.
    fn schemas_of(
        &self,
        statement: &Statement,
        mentions: &Mentions,
        tables: &Tables,
    ) -> BTreeSet<String> {
        let paths = self.search_paths(statement, mentions, tables);
        paths
            .iter()
            .flat_map(|path| tables.mentioned(mentions, path))
            .map(|table| table.name.schema.clone())
            .collect()
    }

    /// What ended an execution, and how it would go on: with a longer limit, the one that was the shorter.
    pub(super) fn stopped(&self, fault: &Fault) -> Hold {
        if !fault.is_timeout() {
            return self.failure(fault, &BTreeSet::new());
        }
        let flag = if Instant::now() >= self.budget_end {
            format!("--budget {}", twice(self.options.budget))
        } else {
            format!("--timeout {}", twice(self.options.timeout))
        };
        Hold {
            reason: fault.to_string(),
            remedy: Some(flag),
        }
    }

    /// What kept the statement from being planned; no flag gives the planner more time.
    fn failure(&self, fault: &Fault, schemas: &BTreeSet<String>) -> Hold {
        let role = quote_ident(&self.role.name);
        let remedy = if fault.is_permission() {
            Some(grant(
                &fault.to_string(),
                self.session.major(),
                schemas,
                &role,
            ))
        } else if fault.is_lock_timeout() {
            Some("run again when no other session locks the table".to_owned())
        } else {
            None
        };
        Hold {
            reason: fault.to_string(),
            remedy,
        }
    }

    /// Row-level security filters rows for this role: others may have other plans.
    fn with_caveats(
        &self,
        mut probed: Probed,
        mentions: &Mentions,
        path: &[String],
        tables: &Tables,
    ) -> Probed {
        if self.role.superuser || self.role.bypass_rls || probed.plans.is_empty() {
            return probed;
        }
        let filtered = tables
            .mentioned(mentions, path)
            .find(|table| table.row_security);
        if let Some(table) = filtered {
            let caveat = format!(
                "row-level security of {} applies to {}: its plan may differ from the application's",
                table.name, self.role.name
            );
            let remedy = format!("ALTER ROLE {} BYPASSRLS", quote_ident(&self.role.name));
            probed.hold = Some(match probed.hold {
                Some(hold) => Hold {
                    reason: format!("{}; {caveat}", hold.reason),
                    remedy: hold.remedy.or(Some(remedy)),
                },
                None => Hold {
                    reason: caveat,
                    remedy: Some(remedy),
                },
            });
        }
        probed
    }
}

/// One statement under one search path.
pub(super) struct Attempt<'a> {
    pub context: &'a Context<'a>,
    pub statement: &'a Statement,
    pub path: &'a [String],
    pub verdicts: Verdicts,
}

impl Attempt<'_> {
    /// Tries the texts that may stand for the statement, until the server takes one.
    async fn texts(&self, text: &str, tables: &mut Tables) -> Result<Probed, Fault> {
        let mut told: Option<Fault> = None;
        for repaired in repair(text) {
            let as_written = repaired.what.is_empty();
            let candidate = Candidate {
                text: repaired.text,
                planned_text: if as_written {
                    PlannedText::AsWritten
                } else {
                    PlannedText::Repaired
                },
            };
            match self.text(&candidate, tables).await {
                Err(fault) if fault.is_permission() => {
                    return self.reading(&candidate.text, tables, fault).await;
                }
                // The user knows the text as written: what the server says of that one is reported, unless it is about
                // a parameter where a constant stood.
                Err(fault)
                    if fault.is_broken_text() && as_written && !fault.is_about_placeholder() =>
                {
                    told = Some(fault);
                }
                Err(fault) if fault.is_broken_text() => {
                    told.get_or_insert(fault);
                }
                done => return done,
            }
        }
        Err(told.unwrap_or_else(|| Fault::Unreadable("the text is empty".to_owned())))
    }

    /// The SELECT that reads what the statement reads, for a role that may not write.
    async fn reading(
        &self,
        text: &str,
        tables: &mut Tables,
        denied: Fault,
    ) -> Result<Probed, Fault> {
        let Ok(select) = equivalent_select(text) else {
            return Err(denied);
        };
        let candidate = Candidate {
            text: select.text,
            planned_text: PlannedText::EquivalentSelect,
        };
        let mut probed = match self.text(&candidate, tables).await {
            Err(fault) if fault.is_lost() => return Err(fault),
            Err(_) => return Err(denied),
            Ok(probed) => probed,
        };
        if probed.status != ProbeStatus::Refused {
            probed.hold = Some(Hold {
                reason: format!("{denied}: the plan is of the equivalent SELECT"),
                remedy: None,
            });
        }
        Ok(probed)
    }

    /// Plans one text, first with typical values, then with others that differ.
    async fn text(&self, candidate: &Candidate, tables: &mut Tables) -> Result<Probed, Fault> {
        let text = candidate.text.as_str();
        let count = parameter_count(text);
        if count == 0 {
            let step = self.runs(text, &[], self.wanted(candidate, 1)).await?;
            return Ok(self.probed(candidate, vec![(ParameterVariant::None, Vec::new(), step)]));
        }
        let uses = parameters(text, &tables.under(self.path));
        self.sample(&uses, tables).await?;
        let types = carried_types(&uses, &tables.under(self.path));
        if types.is_empty() {
            return self.variants(candidate, &uses, count, tables).await;
        }
        let with_casts = Candidate {
            text: cast_parameters(text, &types),
            planned_text: PlannedText::Repaired,
        };
        match self.variants(&with_casts, &uses, count, tables).await {
            Err(fault) if fault.is_broken_text() => {
                self.variants(candidate, &uses, count, tables).await
            }
            done => done,
        }
    }

    async fn variants(
        &self,
        candidate: &Candidate,
        uses: &Parameters,
        count: u32,
        tables: &Tables,
    ) -> Result<Probed, Fault> {
        let text = candidate.text.as_str();
        let under = tables.under(self.path);
        let mut known = Known {
            uses,
            count,
            types: None,
            tables: &under,
            source: Source::Columns,
            given: &self.context.options.given,
        };
        let types;
        let mut typical = known.choose(ParameterVariant::Typical);
        if typical.is_none() {
            types = match self.types(text).await? {
                Ok(types) => types,
                Err(hold) => return Ok(Probed::without_plan(ProbeStatus::Refused, hold)),
            };
            known.types = Some(&types);
            typical = known.choose(ParameterVariant::Typical);
        }
        let Some(values) = typical else {
            return self.generic(candidate, &[]).await;
        };
        if known.lacks(&values) {
            return self.generic(candidate, &values).await;
        }
        let wanted = self.wanted(candidate, 1);
        let step = match self.runs(text, &values, wanted).await {
            Err(fault) if fault.is_of_statement() => {
                return self.by_type(candidate, uses, count, tables).await;
            }
            step => step?,
        };
        let mut steps = vec![(known.variant(ParameterVariant::Typical), values, step)];
        for variant in [ParameterVariant::MostCommon, ParameterVariant::Rare] {
            self.further(candidate, &known, variant, &mut steps).await?;
        }
        Ok(self.probed(candidate, steps))
    }

    /// Another plan, if the values of this kind differ; a failure here spoils nothing.
    async fn further(
        &self,
        candidate: &Candidate,
        known: &Known<'_>,
        variant: ParameterVariant,
        steps: &mut Vec<(ParameterVariant, Vec<ParameterValue>, Step)>,
    ) -> Result<(), Fault> {
        let values = known.choose(variant).unwrap_or_default();
        let same = |other: &[ParameterValue]| {
            other.len() == values.len()
                && other.iter().zip(&values).all(|(a, b)| a.value == b.value)
        };
        if values.is_empty() || steps.iter().any(|(_, other, _)| same(other)) {
            return Ok(());
        }
        let wanted = match variant {
            ParameterVariant::Rare if self.context.options.executed == Variants::Common => {
                Wanted::Plan(None)
            }
            _ => self.wanted(candidate, 2),
        };
        match self.runs(&candidate.text, &values, wanted).await {
            Err(fault) if fault.is_lost() => Err(fault),
            Err(_) => Ok(()),
            Ok(step) => {
                steps.push((variant, values, step));
                Ok(())
            }
        }
    }

    /// Values that fit the types alone, else none at all.
    async fn by_type(
        &self,
        candidate: &Candidate,
        uses: &Parameters,
        count: u32,
        tables: &Tables,
    ) -> Result<Probed, Fault> {
        let types = match self.types(&candidate.text).await? {
            Ok(types) => types,
            Err(hold) => return Ok(Probed::without_plan(ProbeStatus::Refused, hold)),
        };
        let under = tables.under(self.path);
        let mut known = Known {
            uses,
            count,
            types: Some(&types),
            tables: &under,
            source: Source::Columns,
            given: &self.context.options.given,
        };
        for source in [Source::Columns, Source::Types] {
            known.source = source;
            let Some(values) = known.choose(ParameterVariant::Typical) else {
                continue;
            };
            if known.lacks(&values) {
                continue;
            }
            let wanted = self.wanted(candidate, 1);
            match self.runs(&candidate.text, &values, wanted).await {
                Err(fault) if fault.is_of_statement() => {}
                step => {
                    let variant = known.variant(ParameterVariant::Typical);
                    let steps = vec![(variant, values, step?)];
                    return Ok(self.probed(candidate, steps));
                }
            }
        }
        let values = known.choose(ParameterVariant::Typical).unwrap_or_default();
        match self.generic(candidate, &values).await {
            Err(fault) if fault.is_of_constraint() => {
                let values = without_domains(values, &types);
                self.generic(candidate, &values).await
            }
            done => done,
        }
    }

    /// The plan without values.
    async fn generic(
        &self,
        candidate: &Candidate,
        values: &[ParameterValue],
    ) -> Result<Probed, Fault> {
        let hold = Hold::new("no value is known for a parameter: planned, not executed");
        let step = self
            .step(&candidate.text, values, Wanted::Generic(hold))
            .await?;
        let values = values
            .iter()
            .map(|value| ParameterValue {
                value: None,
                origin: "generic plan".to_owned(),
                observed: false,
                ..value.clone()
            })
            .collect();
        Ok(self.probed(candidate, vec![(ParameterVariant::Generic, values, step)]))
    }

    /// Whether to execute: as far as the mode, the kind of text, the time and the budget allow.
    fn wanted(&self, candidate: &Candidate, runs: u32) -> Wanted {
        let options = self.context.options;
        if options.mode != Mode::Analyze {
            return Wanted::Plan(Some(Hold {
                reason: "planned, not executed, as --probe plan says".to_owned(),
                remedy: Some("--probe analyze".to_owned()),
            }));
        }
        if candidate.planned_text == PlannedText::EquivalentSelect {
            return Wanted::Plan(None);
        }
        let mean = self.mean();
        let left = self
            .context
            .budget_end
            .saturating_duration_since(Instant::now());
        if mean > options.timeout {
            return Wanted::Plan(Some(Hold {
                reason: format!(
                    "its mean time of {} is more than the timeout of {}: planned, not executed",
                    spelled(mean),
                    spelled(options.timeout)
                ),
                remedy: Some(format!("--timeout {}", twice(mean))),
            }));
        }
        if mean.saturating_mul(runs) > left {
            return Wanted::Plan(Some(Hold {
                reason: format!(
                    "its mean time of {} is more than what is left of the budget ({}): planned, not executed",
                    spelled(mean),
                    spelled(left)
                ),
                remedy: Some(format!("--budget {}", twice(options.budget.max(mean)))),
            }));
        }
        Wanted::Analyze
    }

    fn mean(&self) -> Duration {
        let counters = &self.statement.counters;
        let mean = crate::units::ratio(
            counters.total_exec_time_ms.get(),
            crate::units::float(counters.calls),
        );
        Duration::try_from_secs_f64(mean.unwrap_or_default() / 1000.0).unwrap_or(Duration::MAX)
    }

    /// Gathers the steps into an outcome: what the first one says.
    fn probed(
        &self,
        candidate: &Candidate,
        steps: Vec<(ParameterVariant, Vec<ParameterValue>, Step)>,
    ) -> Probed {
        let mut probed = Probed {
            status: ProbeStatus::Failed,
            hold: None,
            rejection: None,
            plans: Vec::new(),
        };
        for (index, (variant, parameters, step)) in steps.into_iter().enumerate() {
            match step {
                Step::Refused(hold) if index == 0 => {
                    return Probed::without_plan(ProbeStatus::Refused, hold);
                }
                Step::Refused(_) => {}
                Step::Plan {
                    plan,
                    elapsed,
                    execution,
                    hold,
                    runs,
                    planned_again,
                } => {
                    if index == 0 {
                        probed.status = match execution {
                            Execution::Analyzed => ProbeStatus::Analyzed,
                            Execution::Planned => ProbeStatus::Planned,
                        };
                        probed.hold = hold;
                    }
                    probed.plans.push(PlanRecord {
                        key: self.statement.key.clone(),
                        variant,
                        execution,
                        planned_text: candidate.planned_text,
                        scans: Scans::AsSet,
                        text: (candidate.planned_text != PlannedText::AsWritten)
                            .then(|| candidate.text.clone()),
                        parameters,
                        round_trip_ms: Some(Millis(elapsed.as_secs_f64() * 1000.0)),
                        runs_ms: runs,
                        planned_again_ms: planned_again,
                        plan,
                    });
                }
            }
        }
        probed
    }
}

/// The highest parameter number in a text.
pub(super) fn parameter_count(text: &str) -> u32 {
    tokens(text)
        .filter(|token| token.kind == TokenKind::Param)
        .filter_map(|token| token.text.strip_prefix('$')?.parse().ok())
        .max()
        .unwrap_or_default()
}
