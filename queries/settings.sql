-- Planner, memory, parallel, JIT, vacuum, tracking, timeout and logging settings, as a new session of the role has them
-- (reset_val, because this transaction sets some for itself). An explicit list: values that can hold secrets
-- (commands, connection strings, file names) are not in it.
-- Reads: pg_settings. Privileges: shared_preload_libraries is shown to members of pg_read_all_settings only.
-- PostgreSQL 13 and later.
SELECT /* pgtriage */ s.name, s.reset_val AS value, s.unit, s.source, s.pending_restart
FROM pg_settings AS s
WHERE s.name = ANY (ARRAY[
    'seq_page_cost', 'random_page_cost', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost',
    'effective_cache_size', 'effective_io_concurrency', 'default_statistics_target', 'from_collapse_limit',
    'join_collapse_limit', 'geqo', 'geqo_threshold', 'cursor_tuple_fraction', 'constraint_exclusion', 'plan_cache_mode',
    'recursive_worktable_factor',
    'enable_async_append', 'enable_bitmapscan', 'enable_gathermerge', 'enable_hashagg', 'enable_hashjoin',
    'enable_incremental_sort', 'enable_indexonlyscan', 'enable_indexscan', 'enable_material', 'enable_memoize',
    'enable_mergejoin', 'enable_nestloop', 'enable_parallel_append', 'enable_parallel_hash', 'enable_partition_pruning',
    'enable_partitionwise_aggregate', 'enable_partitionwise_join', 'enable_presorted_aggregate', 'enable_seqscan',
    'enable_self_join_elimination', 'enable_group_by_reordering', 'enable_distinct_reordering', 'enable_sort',
    'enable_tidscan',
    'shared_buffers', 'work_mem', 'hash_mem_multiplier', 'maintenance_work_mem', 'autovacuum_work_mem', 'temp_buffers',
    'logical_decoding_work_mem', 'temp_file_limit', 'huge_pages', 'block_size', 'io_method', 'io_workers',
    'max_worker_processes', 'max_parallel_workers', 'max_parallel_workers_per_gather',
    'max_parallel_maintenance_workers', 'parallel_setup_cost', 'parallel_tuple_cost', 'parallel_leader_participation',
    'min_parallel_table_scan_size', 'min_parallel_index_scan_size',
    'jit', 'jit_above_cost', 'jit_inline_above_cost', 'jit_optimize_above_cost',
    'autovacuum', 'autovacuum_max_workers', 'autovacuum_naptime', 'autovacuum_vacuum_threshold',
    'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_max_threshold', 'autovacuum_vacuum_insert_threshold',
    'autovacuum_vacuum_insert_scale_factor', 'autovacuum_analyze_threshold', 'autovacuum_analyze_scale_factor',
    'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_cost_limit', 'autovacuum_freeze_max_age', 'vacuum_cost_delay',
    'vacuum_cost_limit',
    'wal_level', 'wal_buffers', 'wal_compression', 'full_page_writes', 'max_wal_size', 'checkpoint_timeout',
    'checkpoint_completion_target', 'synchronous_commit', 'commit_delay', 'hot_standby_feedback',
    'max_standby_streaming_delay',
    'track_activities', 'track_activity_query_size', 'track_counts', 'track_functions', 'track_io_timing',
    'track_wal_io_timing', 'track_commit_timestamp', 'compute_query_id', 'stats_fetch_consistency',
    'shared_preload_libraries',
    'pg_stat_statements.max', 'pg_stat_statements.track', 'pg_stat_statements.track_utility',
    'pg_stat_statements.track_planning', 'pg_stat_statements.save',
    'auto_explain.log_min_duration', 'auto_explain.log_analyze', 'auto_explain.sample_rate',
    'max_connections', 'superuser_reserved_connections', 'statement_timeout', 'lock_timeout', 'deadlock_timeout',
    'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout', 'log_lock_waits',
    'log_temp_files', 'log_min_duration_statement', 'log_min_duration_sample', 'log_statement_sample_rate',
    'log_transaction_sample_rate', 'log_statement', 'log_duration', 'log_parameter_max_length', 'log_line_prefix', 'default_transaction_isolation', 'default_transaction_read_only',
    'default_table_access_method', 'row_security', 'standard_conforming_strings', 'server_encoding', 'lc_collate',
    'data_checksums', 'fsync', 'debug_assertions', 'TimeZone'])
ORDER BY s.name
