//! A snapshot without the target's data: every literal becomes a token.

use std::collections::BTreeMap;

use super::{
    Column, Gap, Index, ParameterValue, PlanRecord, ProbeOutcome, Snapshot, Table, UNREADABLE,
    WhatIf, distribution,
};
use crate::sql::redact::Redactor;

/// Replaces literals by tokens, in place: in statements, plans and their parameters, column statistics, index
/// expressions and predicates, and the server's messages. Names of tables, columns, roles and settings stay.
pub fn redact(snapshot: &mut Snapshot, redactor: &mut Redactor) {
    // Messages may quote what was bound, wherever in the snapshot they stand.
    let parameters = snapshot.plans.iter().flat_map(|plan| &plan.parameters);
    for value in parameters
        .filter(|parameter| parameter.observed)
        .filter_map(|parameter| parameter.value.as_ref())
    {
        redactor.learn_secret(value);
    }
    for statement in &mut snapshot.statements {
        sql(&mut statement.query, redactor);
    }
    for table in &mut snapshot.tables {
        redact_table(table, redactor);
    }
    distribution::redact(&mut snapshot.distributions);
    for index in &mut snapshot.indexes {
        redact_index(index, redactor);
    }
    for probe in &mut snapshot.probes {
        redact_probe(probe, redactor);
    }
    for plan in &mut snapshot.plans {
        redact_plan(plan, redactor);
    }
    for what_if in &mut snapshot.what_if {
        redact_what_if(what_if, redactor);
    }
    for Gap { reason, .. } in &mut snapshot.gaps {
        *reason = redactor.message(reason);
    }
    // A log may have been read after all else was redacted, and what is read first is numbered first.
    redact_logs(snapshot, redactor);
    snapshot.redacted = true;
}

fn redact_logs(snapshot: &mut Snapshot, redactor: &mut Redactor) {
    let Some(logs) = &mut snapshot.logs else {
        return;
    };
    for family in &mut logs.families {
        family.query = redactor.sql(&family.query);
    }
    let excerpts = logs.loops.iter_mut().flat_map(|found| &mut found.excerpts);
    for line in excerpts.flat_map(|excerpt| &mut excerpt.lines) {
        line.statement = redactor.sql(&line.statement);
        sql(&mut line.parameters, redactor);
    }
}

fn sql(text: &mut Option<String>, redactor: &mut Redactor) {
    if let Some(text) = text.as_mut().filter(|text| *text != UNREADABLE) {
        *text = redactor.sql(text);
    }
}

fn values(values: &mut [String], redactor: &mut Redactor) {
    for value in values {
        *value = redactor.value(value);
    }
}

fn redact_table(table: &mut Table, redactor: &mut Redactor) {
    sql(&mut table.partition_key, redactor);
    let columns = table.columns.iter_mut();
    for statistics in columns.filter_map(|column: &mut Column| column.statistics.as_mut()) {
        values(&mut statistics.most_common_values, redactor);
        values(&mut statistics.histogram_bounds, redactor);
    }
}

fn redact_index(index: &mut Index, redactor: &mut Redactor) {
    for key in &mut index.keys {
        sql(&mut key.expression, redactor);
    }
    sql(&mut index.predicate, redactor);
}

fn redact_probe(probe: &mut ProbeOutcome, redactor: &mut Redactor) {
    let rejection = probe.rejection.as_mut();
    let hint = rejection.and_then(|rejection| rejection.hint.as_mut());
    for reason in probe.reason.iter_mut().chain(hint) {
        *reason = redactor.message(reason);
    }
}

fn redact_plan(record: &mut PlanRecord, redactor: &mut Redactor) {
    sql(&mut record.text, redactor);
    // A list of thousands of keys has few origins.
    let mut origins: BTreeMap<String, String> = BTreeMap::new();
    for ParameterValue { value, origin, .. } in &mut record.parameters {
        if let Some(value) = value {
            *value = redactor.value(value);
        }
        let redacted = origins
            .entry(origin.clone())
            .or_insert_with(|| redactor.message(origin));
        origin.clone_from(redacted);
    }
    redactor.plan(&mut record.plan);
}

fn redact_what_if(what_if: &mut WhatIf, redactor: &mut Redactor) {
    for index in &mut what_if.indexes {
        for key in &mut index.keys {
            key.expr = redactor.sql(&key.expr);
        }
        sql(&mut index.predicate, redactor);
    }
}
