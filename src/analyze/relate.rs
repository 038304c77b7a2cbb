//! Which claim explains which, and the order in which a reader should see them.
//!
//! One statement with one cause is one bottleneck: that it is slow, reads much and leads the list follows from the
//! cause.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use super::merge::Claim;
use super::severity;
use crate::checks::workload::Workload;
use crate::checks::{Depth, Thresholds, row_misestimate};
use crate::finding::{Action, CheckId, Finding, Severity};
use crate::ids::QueryId;
use crate::units::Millis;

/// A cause explains what is seen of a statement if it stands for this share of the time that is seen.
const MIN_EXPLAINED: f64 = 0.5;

/// Findings in a reader's order.
pub struct Related {
    /// The worst first, an explained one never before the one that explains it.
    pub findings: Vec<Finding>,
    /// The time at stake in those that nothing explains, each statement's counted once.
    pub stake: Millis,
}

/// Links claims about the same statements, lets causes explain what follows from them, and weighs and sorts.
pub fn relate(workload: &Workload<'_>, thresholds: &Thresholds, mut claims: Vec<Claim>) -> Related {
    let others = Others::of(&claims);
    let leads: Vec<Option<usize>> = claims.iter().map(|claim| others.lead(claim)).collect();
    let roots: Vec<Option<usize>> = leads.iter().map(|lead| root(&leads, *lead)).collect();
    for (place, root) in roots.iter().enumerate() {
        if let Some(root) = root {
            level(&mut claims, place, *root);
        }
    }
    let ids: Vec<String> = claims.iter().map(Claim::id).collect();
    let of_statement = by_statement(&claims, &ids);
    let mut findings = Vec::with_capacity(claims.len());
    let mut stakes = Stakes::default();
    let scope = workload.snapshot().scope;
    for ((claim, root), id) in claims.into_iter().zip(&roots).zip(&ids) {
        let related = related(&claim.draft.location().queryids, &of_statement, id);
        let parts = claim.parts.clone();
        let (draft, id) = (claim.costed(workload), claim.check.meta().id);
        let mut finding = severity::stamp(draft, id, scope, thresholds);
        finding.explained_by = root.and_then(|root| ids.get(root)).cloned();
        finding.related = related;
        stakes.add(&finding, &parts);
        findings.push(finding);
    }
    cap(&mut findings);
    findings.sort_by(order);
    Related {
        findings,
        stake: stakes.total(),
    }
}

/// Claims by what they have in common with others, so that a hundred thousand statements need no comparison of each
/// with each.
struct Others<'c> {
    claims: &'c [Claim],
    of_family: BTreeMap<usize, Vec<usize>>,
    of_table: BTreeMap<&'c str, Vec<usize>>,
    of_node: BTreeMap<&'c str, Vec<usize>>,
    of_subject: BTreeMap<(CheckId, &'c str), usize>,
    /// What other claims name as their cause.
    followed: BTreeSet<(CheckId, &'c str)>,
}

impl<'c> Others<'c> {
    fn of(claims: &'c [Claim]) -> Self {
        let mut of_family: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut of_table: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut of_node: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut of_subject = BTreeMap::new();
        for (place, claim) in claims.iter().enumerate() {
            let subject = claim.draft.subject().as_str();
            of_subject.insert((claim.check.meta().id, subject), place);
            for family in claim.parts.keys() {
                of_family.entry(*family).or_default().push(place);
            }
            if let Some(table) = &claim.draft.location().table {
                of_table.entry(table).or_default().push(place);
            }
            if let Some(node) = &claim.draft.location().node {
                of_node.entry(node).or_default().push(place);
            }
        }
        let causes = claims.iter().flat_map(|claim| claim.draft.causes());
        let followed = causes.map(|cause| (cause.check, cause.subject.as_str()));
        let followed = followed.collect();
        Self {
            claims,
            of_family,
            of_table,
            of_node,
            of_subject,
            followed,
        }
    }

    /// A wrong row count that a spill or a loop follows from: an index leaves both as they are.
    fn is_followed_misestimate(&self, claim: &Claim) -> bool {
        let id = claim.check.meta().id;
        let key = (id, claim.draft.subject().as_str());
        id == row_misestimate::ID && self.followed.contains(&key)
    }

    /// The cause that the check itself names.
    fn named(&self, claim: &Claim) -> Option<usize> {
        let mut causes = claim.draft.causes().iter();
        causes.find_map(|cause| {
            let key = (cause.check, cause.subject.as_str());
            self.of_subject.get(&key).copied()
        })
    }

    fn beside(
        &self,
        claim: &'c Claim,
        places: Option<&'c Vec<usize>>,
    ) -> impl Iterator<Item = (usize, &'c Claim)> {
        let claims = self.claims;
        let places = places.into_iter().flatten();
        places
            .filter_map(move |place| Some((*place, claims.get(*place)?)))
            .filter(move |(_, other)| !std::ptr::eq(*other, claim))
    }

    /// The claim that explains `claim`.
    fn lead(&'c self, claim: &'c Claim) -> Option<usize> {
        if let Some(place) = self.named(claim) {
            return Some(place);
        }
        let strongest = |one: &(usize, &Claim), other: &(usize, &Claim)| {
            let part = |other: &Claim| other.part_of(claim);
            let depth = one.1.check.depth().cmp(&other.1.check.depth());
            depth
                .then(part(one.1).total_cmp(&part(other.1)))
                .then_with(|| other.1.draft.subject().cmp(one.1.draft.subject()))
        };
        if claim.check.depth() > Depth::Resource {
            let location = claim.draft.location();
            let of_table = location
                .table
                .as_deref()
                .and_then(|table| self.of_table.get(table));
            let of_node = location
                .node
                .as_deref()
                .and_then(|node| self.of_node.get(node));
            let mend = self
                .beside(claim, of_table)
                .filter(|(_, other)| mends(other, claim) && !self.is_followed_misestimate(claim));
            // What is wrong with a table as a whole is wrong with each scan of it.
            let of_whole = self
                .beside(claim, of_table)
                .filter(|(_, other)| other.draft.location().columns.is_empty());
            let cause = self
                .beside(claim, of_node)
                .chain(of_whole)
                .filter(|(_, other)| is_cause(other, claim));
            return mend.chain(cause).max_by(strongest).map(|(place, _)| place);
        }
        // What is seen of a statement is seen of one family.
        let family = claim.parts.keys().next()?;
        let others = || {
            let others = self.beside(claim, self.of_family.get(family));
            others.filter(|(_, other)| other.part_of(claim) > 0.0)
        };
        let id = claim.check.meta().id;
        let sure = others().filter(|(_, other)| other.check.always_explains().contains(&id));
        let likely = others().filter(|(_, other)| {
            let enough = other.part_of(claim) >= MIN_EXPLAINED * claim.stake();
            claim.check.may_follow() && other.check.depth() > claim.check.depth() && enough
        });
        let found = sure.max_by(strongest).or_else(|| likely.max_by(strongest));
        found.map(|(place, _)| place)
    }
}

/// Whether `cause` says of the same node of the same statement why it is as `claim` says.
fn is_cause(cause: &Claim, claim: &Claim) -> bool {
    let id = claim.check.meta().id;
    let same_statement = if claim.parts.is_empty() {
        cause.draft.location().query == claim.draft.location().query
    } else {
        cause
            .parts
            .keys()
            .any(|family| claim.parts.contains_key(family))
    };
    same_statement && cause.check.always_explains().contains(&id)
}

/// Whether the advice of `cause` mends what a plan, a loop or a foreign key shows.
fn mends(cause: &Claim, claim: &Claim) -> bool {
    let (at, of) = (cause.draft.location(), claim.draft.location());
    let same_table = at.table.is_some() && at.table == of.table;
    if !same_table {
        return false;
    }
    let action = |claim: &Claim| claim.draft.recommendation().kind;
    if action(cause) == Action::Analyze && action(claim) == Action::Analyze {
        return at.columns.is_empty() && !of.columns.is_empty();
    }
    let leading = at.columns.first();
    let covers = leading.is_some_and(|column| of.columns.contains(column));
    // An index serves a foreign key whoever asked for it.
    let asked = claim.check.depth() == Depth::ForeignKey;
    let shared = asked || claim.parts.is_empty() || cause.part_of(claim) > 0.0;
    let index = matches!(cause.check.depth(), Depth::ForeignKey | Depth::Index);
    // An index leaves a loop what it is: it mends what asks for an index.
    let asks = action(claim) == Action::CreateIndex;
    let mended = if asks {
        covers
    } else {
        outweighs(cause, claim)
    };
    index && cause.check.depth() > claim.check.depth() && shared && mended
}

/// Whether an index on all the columns that the planner counts wrongly saves a good part of what the wrong count costs:
/// then the statement has one bottleneck, and how its rows are counted comes after it.
fn outweighs(index: &Claim, misestimate: &Claim) -> bool {
    let (has, counted) = (
        &index.draft.location().columns,
        &misestimate.draft.location().columns,
    );
    let is_misestimate = misestimate.check.meta().id == row_misestimate::ID;
    let same = !counted.is_empty() && counted.iter().all(|column| has.contains(column));
    let stake = misestimate.stake();
    is_misestimate && same && stake > 0.0 && index.part_of(misestimate) >= MIN_EXPLAINED * stake
}

/// The end of a chain of explanations.
fn root(leads: &[Option<usize>], lead: Option<usize>) -> Option<usize> {
    let mut root = lead?;
    // Depths grow along a chain, but for equal ones it must end as well.
    for _ in 0..leads.len() {
        match leads.get(root).copied().flatten() {
            Some(next) => root = next,
            None => break,
        }
    }
    Some(root)
}

/// What a counter cannot tell the time of (temporary files) stands for no more than the time of its cause in the plan.
fn level(claims: &mut [Claim], place: usize, root: usize) {
    let Some((of_cause, of_claim)) = claims.get(root).zip(claims.get(place)) else {
        return;
    };
    let explained = of_cause.check.always_explains();
    if !explained.contains(&of_claim.check.meta().id) {
        return;
    }
    let parts = of_claim.parts.iter().map(|(family, part)| {
        let caused = of_cause.parts.get(family).copied();
        (*family, caused.map_or(*part, |caused| caused.min(*part)))
    });
    let parts = parts.collect();
    if let Some(claim) = claims.get_mut(place) {
        claim.parts = parts;
    }
}

type OfStatement = BTreeMap<QueryId, BTreeSet<String>>;

fn by_statement(claims: &[Claim], ids: &[String]) -> OfStatement {
    let mut of_statement = OfStatement::new();
    for (claim, id) in claims.iter().zip(ids) {
        for queryid in &claim.draft.location().queryids {
            of_statement.entry(*queryid).or_default().insert(id.clone());
        }
    }
    of_statement
}

/// More links than this help nobody.
const MAX_RELATED: usize = 20;

fn related(queryids: &[QueryId], of_statement: &OfStatement, id: &str) -> Vec<String> {
    let ids: BTreeSet<&String> = queryids
        .iter()
        .filter_map(|queryid| of_statement.get(queryid))
        .flatten()
        .filter(|other| *other != id)
        .collect();
    ids.into_iter().take(MAX_RELATED).cloned().collect()
}

/// Nothing is worse than what explains it.
fn cap(findings: &mut [Finding]) {
    let severities: BTreeMap<String, Severity> = findings
        .iter()
        .map(|finding| (finding.id.clone(), finding.severity))
        .collect();
    for finding in findings {
        let lead = finding.explained_by.as_ref();
        if let Some(lead) = lead.and_then(|id| severities.get(id)) {
            finding.severity = finding.severity.min(*lead);
        }
    }
}

fn order(one: &Finding, other: &Finding) -> Ordering {
    let rank = |finding: &Finding| (Reverse(finding.severity), finding.explained_by.is_some());
    let time = |finding: &Finding| finding.impact.time_ms.unwrap_or_default().get();
    rank(one)
        .cmp(&rank(other))
        .then(time(other).total_cmp(&time(one)))
        .then_with(|| one.id.cmp(&other.id))
}

/// The largest part of each family's time that a bottleneck has at stake.
#[derive(Default)]
struct Stakes(BTreeMap<usize, f64>);

impl Stakes {
    fn add(&mut self, finding: &Finding, parts: &BTreeMap<usize, f64>) {
        if finding.explained_by.is_some() || finding.severity == Severity::Info {
            return;
        }
        for (family, part) in parts {
            let largest = self.0.entry(*family).or_default();
            *largest = largest.max(*part);
        }
    }

    fn total(&self) -> Millis {
        Millis(self.0.values().sum())
    }
}
