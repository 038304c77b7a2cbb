//! Counters of a statement by name, as values and as places in the capture.

use super::{Member, Workload};
use crate::finding::Formula;
use crate::snapshot::StatementCounters;
use crate::units::float;

/// A counter of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Executions.
    Calls,
    /// Rows returned or affected.
    Rows,
    /// Execution time in milliseconds.
    ExecTime,
    /// Shared blocks found in buffers.
    SharedHit,
    /// Shared blocks read.
    SharedRead,
    /// Time of reading shared blocks in milliseconds.
    SharedReadTime,
    /// Blocks read from temporary files.
    TempRead,
    /// Blocks written to temporary files.
    TempWritten,
    /// Bytes of write-ahead log.
    WalBytes,
    /// Full page images in the write-ahead log.
    WalPages,
    /// Times planned.
    Plans,
    /// Planning time in milliseconds.
    PlanTime,
}

impl Field {
    /// The value; `None` where the server does not count it.
    pub fn read(self, counters: &StatementCounters) -> Option<f64> {
        Some(match self {
            Self::Calls => float(counters.calls),
            Self::Rows => float(counters.rows),
            Self::ExecTime => counters.total_exec_time_ms.get(),
            Self::SharedHit => float(counters.shared.hit.get()),
            Self::SharedRead => float(counters.shared.read.get()),
            Self::SharedReadTime => counters.shared_io?.read_ms.get(),
            Self::TempRead => float(counters.temp.read.get()),
            Self::TempWritten => float(counters.temp.written.get()),
            Self::WalBytes => float(counters.wal.bytes.get()),
            Self::WalPages => float(counters.wal.full_page_images),
            Self::Plans => float(counters.plans?),
            Self::PlanTime => counters.total_plan_time_ms?.get(),
        })
    }

    /// Its place below a statement of the capture.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Calls => "/counters/calls",
            Self::Rows => "/counters/rows",
            Self::ExecTime => "/counters/total_exec_time_ms",
            Self::SharedHit => "/counters/shared/hit",
            Self::SharedRead => "/counters/shared/read",
            Self::SharedReadTime => "/counters/shared_io/read_ms",
            Self::TempRead => "/counters/temp/read",
            Self::TempWritten => "/counters/temp/written",
            Self::WalBytes => "/counters/wal/bytes",
            Self::WalPages => "/counters/wal/full_page_images",
            Self::Plans => "/counters/plans",
            Self::PlanTime => "/counters/total_plan_time_ms",
        }
    }

    /// The operand of a formula that gives a member's value in the window.
    pub(super) fn term(self, workload: &Workload<'_>, member: Member) -> Option<String> {
        self.read(workload.counters(member)?)?;
        let path = self.path();
        let now = Formula::at(&format!("/statements/{}{path}", member.statement));
        Some(match workload.delta(member)?.base {
            Some(base) => {
                let then = Formula::at(&format!("/samples/0/statements/{base}{path}"));
                format!("({now} - {then})")
            }
            None => now,
        })
    }
}
