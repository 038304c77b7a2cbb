-- The bytes of a block and the blocks of a file, which a large relation has several of.
-- Reads: pg_settings. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ current_setting('block_size')::int8 AS block_size,
       (SELECT s.setting::int8 FROM pg_settings AS s WHERE s.name = 'segment_size') AS segment_blocks
