//! One value a node.

use crate::plan::{NodeId, Plan};

/// One value for every node of a plan; a node of another plan has the default.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table<T>(Vec<T>);

impl<T: Clone + Default> Table<T> {
    pub(super) fn new(plan: &Plan) -> Self {
        Self(vec![T::default(); plan.node_count()])
    }

    pub(super) fn get(&self, id: NodeId) -> T {
        self.0.get(id.index()).cloned().unwrap_or_default()
    }

    pub(super) fn set(&mut self, id: NodeId, value: T) {
        if let Some(slot) = self.0.get_mut(id.index()) {
            *slot = value;
        }
    }
}
