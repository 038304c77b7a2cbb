-- The change of the pull request: somebody takes the index for superfluous.
DROP INDEX orders_customer_id_placed_at_idx;
