-- May a statement be planned, may it be run? Returns one row for each thing that speaks against it; none means that everything the statement can reach is
-- trusted and free of side effects.
--
-- $1 names          every identifier in the text, as the server folds it (schemas, types, functions, relations, columns, aliases alike)
-- $2 operators      every operator in the text, and those that syntax implies
-- $3 schemas        the schemas that unqualified names are looked up in
-- $4 trusted roles  besides the bootstrap superuser and extensions
-- $5 writes         whether the statement is to be executed although it writes: then triggers, foreign keys and defaults run as well
-- $6 forbidden      objections that are no answer but an error: asked again in the same breath as the statement, this ends the transaction before the
--                   statement is parsed, should another session have planted something since the first answer
-- $7 lock modes     those that the statement would have to wait for: while it waited, their holder could plant something
--
-- Names are taken for whatever could bear them: a column called `total` counts as a mention of a function `total`, because `t.total` may be a call of it.
-- From there the walk follows what PostgreSQL would look up or expand while it parses, plans and executes: the dependencies in pg_depend, and what hangs on
-- a relation or a type (rules, policies, indexes, defaults, constraints, statistics objects, partitions; domain constraints, casts, operator classes).
-- Dependencies on objects of initdb are not recorded in pg_depend, so calls of those are read from the stored expression trees.
-- The body of a function in an interpreted language is text that is looked up when it runs; each word of it counts as a name,
-- in the schemas above, those that its words name, and those of its own search path.
--
-- Reads pg_catalog (pg_locks among it) only; needs no privilege. Versions 13 and later. Run with search_path = pg_catalog, so that no other schema's operator is used here, and
-- with jit = off: compiling its many branches takes a hundred times as long as running them.
WITH RECURSIVE /* pgtriage */
scope AS (
    SELECT oid
    FROM pg_namespace
    WHERE nspname = ANY ($3::name[]) OR nspname = ANY ($1::name[]) OR nspname = 'pg_catalog'
),
trusted AS (
    -- A database's owner can make every session another role (ALTER DATABASE ... SET role): that role is not the one that connected.
    SELECT oid
    FROM pg_roles
    WHERE oid = 10 OR rolname = ANY ($4::name[]) OR rolname = session_user AND session_user = current_user
),
-- Members of an extension, where both the extension and the object belong to a superuser: an owner may replace the object's body.
packaged AS (
    SELECT d.classid, d.objid
    FROM pg_depend AS d
    JOIN pg_extension AS e ON e.oid = d.refobjid
    JOIN pg_roles AS r ON r.oid = e.extowner
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND r.rolsuper
),
-- Calls that rollback undoes or that have no effect, though they are marked volatile: clocks, randomness, sampling methods, looks at the server's state.
harmless (name) AS (
    VALUES
        ('clock_timestamp'::name), ('timeofday'), ('random'), ('random_normal'), ('gen_random_uuid'), ('uuidv4'), ('uuidv7'), ('uuid_generate_v1'),
        ('uuid_generate_v1mc'), ('uuid_generate_v4'), ('gen_random_bytes'), ('array_sample'), ('array_shuffle'), ('pg_is_in_recovery'), ('current_query'),
        ('bernoulli'), ('system'), ('system_rows'), ('system_time'),
        ('pg_lock_status'), ('pg_prepared_xact'), ('pg_blocking_pids'), ('pg_relation_size'), ('pg_table_size'), ('pg_indexes_size'),
        ('pg_total_relation_size'), ('pg_database_size'), ('pg_tablespace_size'), ('pg_partition_tree'), ('pg_partition_ancestors'),
        ('pg_sequence_last_value'), ('pg_current_wal_lsn'), ('pg_last_wal_receive_lsn'), ('pg_last_wal_replay_lsn'), ('pg_last_xact_replay_timestamp'),
        ('pg_stat_get_recovery_prefetch'), ('pg_stat_get_xact_numscans'), ('pg_stat_get_xact_tuples_returned'), ('pg_stat_get_xact_tuples_fetched'),
        ('pg_stat_get_xact_tuples_inserted'), ('pg_stat_get_xact_tuples_updated'), ('pg_stat_get_xact_tuples_deleted'),
        ('pg_stat_get_xact_tuples_hot_updated'), ('pg_stat_get_xact_function_calls'), ('pg_stat_get_xact_function_total_time'),
        ('pg_stat_get_xact_function_self_time')
),
-- Calls that have an effect, though they are not marked volatile: they assign a transaction id.
effective (name) AS (
    VALUES ('txid_current'::name), ('pg_current_xact_id')
),
-- Functions that execute text, a relation's rules, or what belongs to a type or function that an argument names, so that the walk cannot see it. Several are
-- not volatile: planning alone could run them.
executes_text (name) AS (
    VALUES
        ('query_to_xml'::name), ('query_to_xmlschema'), ('query_to_xml_and_xmlschema'), ('cursor_to_xml'), ('cursor_to_xmlschema'), ('table_to_xml'),
        ('table_to_xmlschema'), ('table_to_xml_and_xmlschema'), ('schema_to_xml'), ('schema_to_xmlschema'), ('schema_to_xml_and_xmlschema'),
        ('database_to_xml'), ('database_to_xmlschema'), ('database_to_xml_and_xmlschema'), ('ts_stat'), ('ts_rewrite'), ('crosstab'), ('crosstab2'),
        ('crosstab3'), ('crosstab4'), ('crosstabn'), ('crosstab_hash'), ('connectby'), ('connectby_text'), ('connectby_text_serial'), ('xpath_table'),
        ('dblink'), ('dblink_exec'), ('dblink_open'), ('dblink_send_query'), ('dblink_record'),
        ('pg_input_is_valid'), ('pg_input_error_info'), ('satisfies_hash_partition')
    UNION
    -- Input functions that are told which type to read, and validators. Those of one argument (textin, which citext is read by) run nothing else; of them,
    -- regtypein reads the modifier of the type that it is given by that type's own function, and such types only a superuser makes.
    SELECT p.proname
    FROM pg_proc AS p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND ('cstring'::regtype = ANY (p.proargtypes::oid[]) AND p.pronargs > 1 OR p.proname LIKE '%\_validator')
),
-- Bodies that call one of them.
calls_text (pattern) AS (
    SELECT '\m(' || string_agg(name::text, '|') || ')\M' FROM executes_text
),
-- early: a domain's constraint, which the server evaluates when it merely reads a constant or a parameter of the type.
-- strength: 2 runs when the statement is executed, 1 may be evaluated when it is planned, 0 may be named by text in a function's body.
seed (class, object, strength) AS (
    SELECT 'pg_proc'::regclass::oid, p.oid, 2
    FROM pg_proc AS p
    WHERE p.proname = ANY ($1::name[]) AND p.pronamespace IN (SELECT oid FROM scope)
    UNION ALL
    SELECT 'pg_operator'::regclass::oid, o.oid, 2
    FROM pg_operator AS o
    WHERE o.oprname = ANY ($2::name[]) AND o.oid >= 16384 AND o.oprnamespace IN (SELECT oid FROM scope)
    UNION ALL
    SELECT 'pg_type'::regclass::oid, t.oid, 2
    FROM pg_type AS t
    WHERE t.typname = ANY ($1::name[]) AND t.oid >= 16384 AND t.typnamespace IN (SELECT oid FROM scope)
    UNION ALL
    SELECT 'pg_class'::regclass::oid, c.oid, 2
    FROM pg_class AS c
    WHERE c.relname = ANY ($1::name[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relnamespace IN (SELECT oid FROM scope)
    UNION ALL
    -- A cast between types of initdb applies to any statement.
    SELECT 'pg_proc'::regclass::oid, k.castfunc, 2
    FROM pg_cast AS k
    WHERE k.castfunc >= 16384 AND k.castsource < 16384 AND k.casttarget < 16384
),
reached (class, object, strength, early, root_class, root) AS (
    SELECT class, object, strength, false, class, object FROM seed
    UNION
    SELECT edge.class, edge.object, least(r.strength, edge.strength),
        r.early OR r.class = 'pg_type'::regclass AND edge.class = 'pg_constraint'::regclass,
        r.root_class, r.root
    FROM reached AS r
    CROSS JOIN LATERAL (
        -- What an object uses by name.
        SELECT d.refclassid AS class, d.refobjid AS object, 2 AS strength
        FROM pg_depend AS d
        WHERE d.classid = r.class AND d.objid = r.object
            AND (
                d.deptype IN ('n', 'a', 'i') AND d.refclassid IN (
                    'pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass
                )
                OR d.deptype = 'n' AND d.refclassid = 'pg_class'::regclass AND r.class <> 'pg_class'::regclass
            )
        UNION ALL
        -- What a system view does when it is written to (pg_settings) is trusted, and planning does not run it.
        SELECT 'pg_rewrite'::regclass, w.oid, 2
        FROM pg_rewrite AS w
        JOIN pg_class AS c ON c.oid = w.ev_class
        WHERE r.class = 'pg_class'::regclass AND w.ev_class = r.object AND c.relkind <> 'm' AND (w.ev_type = '1' OR w.oid >= 16384 OR $5::boolean)
        UNION ALL
        SELECT 'pg_policy'::regclass, p.oid, 2
        FROM pg_policy AS p
        WHERE r.class = 'pg_class'::regclass AND p.polrelid = r.object
        UNION ALL
        SELECT 'pg_class'::regclass, i.indexrelid, 2
        FROM pg_index AS i
        WHERE r.class = 'pg_class'::regclass AND i.indrelid = r.object
        UNION ALL
        SELECT 'pg_attrdef'::regclass, f.oid, CASE WHEN a.attgenerated <> '' OR $5::boolean THEN 2 ELSE 1 END
        FROM pg_attrdef AS f
        JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
        WHERE r.class = 'pg_class'::regclass AND f.adrelid = r.object
        UNION ALL
        SELECT 'pg_constraint'::regclass, k.oid, CASE WHEN $5::boolean THEN 2 ELSE 1 END
        FROM pg_constraint AS k
        WHERE r.class = 'pg_class'::regclass AND k.conrelid = r.object AND k.contype <> 'f'
        UNION ALL
        SELECT 'pg_statistic_ext'::regclass, s.oid, 2
        FROM pg_statistic_ext AS s
        WHERE r.class = 'pg_class'::regclass AND s.stxrelid = r.object
        UNION ALL
        -- Few parents have thousands of partitions each: to the planner every relation has, were pg_class not asked first.
        SELECT 'pg_class'::regclass, h.inhrelid, 2
        FROM pg_class AS c
        JOIN pg_inherits AS h ON h.inhparent = c.oid
        WHERE r.class = 'pg_class'::regclass AND c.oid = r.object AND c.relhassubclass
        UNION ALL
        -- The partition keys above a partition are its constraint.
        SELECT d.refclassid, d.refobjid, 2
        FROM pg_class AS c
        CROSS JOIN LATERAL pg_partition_ancestors(c.oid) AS above (relid)
        JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = above.relid
        WHERE r.class = 'pg_class'::regclass AND c.oid = r.object AND c.relispartition
            AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass)
        UNION ALL
        SELECT 'pg_foreign_server'::regclass, f.ftserver, 2
        FROM pg_foreign_table AS f
        WHERE r.class = 'pg_class'::regclass AND f.ftrelid = r.object
        UNION ALL
        -- To a statement that names no partition, its rows are those of its parent; to a trigger on the partition they are not.
        SELECT 'pg_type'::regclass, c.reltype, 2
        FROM pg_class AS c
        WHERE r.class = 'pg_class'::regclass AND c.oid = r.object AND c.reltype <> 0
            AND (NOT c.relispartition OR $5::boolean)
        UNION ALL
        SELECT 'pg_trigger'::regclass, g.oid, 2
        FROM pg_trigger AS g
        WHERE $5::boolean AND r.class = 'pg_class'::regclass AND g.tgrelid = r.object AND (NOT g.tgisinternal OR g.tgfoid >= 16384)
        UNION ALL
        -- The other table of a foreign key: each has triggers that read or write the other one.
        SELECT 'pg_class'::regclass, g.tgconstrrelid, 2
        FROM pg_trigger AS g
        WHERE $5::boolean AND r.class = 'pg_class'::regclass AND g.tgrelid = r.object AND g.tgconstrrelid <> 0
        UNION ALL
        -- What comes with a type: its columns, its base, its elements, its constraints.
        SELECT 'pg_type'::regclass, part.type, 2
        FROM pg_type AS t
        CROSS JOIN LATERAL (
            VALUES (t.typbasetype), (t.typelem), (t.typarray)
            UNION ALL
            SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped
        ) AS part (type)
        WHERE r.class = 'pg_type'::regclass AND t.oid = r.object AND part.type >= 16384
        UNION ALL
        SELECT 'pg_constraint'::regclass, k.oid, 2
        FROM pg_constraint AS k
        WHERE r.class = 'pg_type'::regclass AND k.contypid = r.object
        UNION ALL
        SELECT 'pg_proc'::regclass, k.castfunc, 2
        FROM pg_cast AS k
        WHERE r.class = 'pg_type'::regclass AND r.object IN (k.castsource, k.casttarget) AND k.castfunc <> 0
        UNION ALL
        SELECT 'pg_opclass'::regclass, o.oid, 2
        FROM pg_opclass AS o
        WHERE r.class = 'pg_type'::regclass AND o.opcintype = r.object
        UNION ALL
        SELECT 'pg_opfamily'::regclass, o.opcfamily, 2
        FROM pg_opclass AS o
        WHERE r.class = 'pg_opclass'::regclass AND o.oid = r.object
        UNION ALL
        SELECT 'pg_proc'::regclass, m.amproc, 2
        FROM pg_amproc AS m
        WHERE r.class = 'pg_opfamily'::regclass AND m.amprocfamily = r.object
        UNION ALL
        SELECT 'pg_operator'::regclass, m.amopopr, 2
        FROM pg_amop AS m
        WHERE r.class = 'pg_opfamily'::regclass AND m.amopfamily = r.object
        UNION ALL
        -- The planner may swap an operator for its commutator or negator.
        SELECT 'pg_operator'::regclass, other.operator, 2
        FROM pg_operator AS o
        CROSS JOIN LATERAL (VALUES (o.oprcom), (o.oprnegate)) AS other (operator)
        WHERE r.class = 'pg_operator'::regclass AND o.oid = r.object AND other.operator >= 16384
        UNION ALL
        -- Calls in stored expressions, of functions of initdb too.
        SELECT 'pg_proc'::regclass, call.function::oid, 2
        FROM (
            SELECT w.ev_qual::text || ' ' || w.ev_action::text
            FROM pg_rewrite AS w
            WHERE r.class = 'pg_rewrite'::regclass AND w.oid = r.object
            UNION ALL
            SELECT concat(p.polqual, ' ', p.polwithcheck)
            FROM pg_policy AS p
            WHERE r.class = 'pg_policy'::regclass AND p.oid = r.object
            UNION ALL
            SELECT f.adbin::text
            FROM pg_attrdef AS f
            WHERE r.class = 'pg_attrdef'::regclass AND f.oid = r.object
            UNION ALL
            SELECT k.conbin::text
            FROM pg_constraint AS k
            WHERE r.class = 'pg_constraint'::regclass AND k.oid = r.object
            UNION ALL
            SELECT concat(i.indexprs, ' ', i.indpred)
            FROM pg_index AS i
            WHERE r.class = 'pg_class'::regclass AND i.indexrelid = r.object
            UNION ALL
            SELECT p.partexprs::text
            FROM pg_partitioned_table AS p
            WHERE r.class = 'pg_class'::regclass AND p.partrelid = r.object
            UNION ALL
            SELECT g.tgqual::text
            FROM pg_trigger AS g
            WHERE r.class = 'pg_trigger'::regclass AND g.oid = r.object
            UNION ALL
            SELECT concat(p.proargdefaults, ' ', to_jsonb(p) ->> 'prosqlbody')
            FROM pg_proc AS p
            WHERE r.class = 'pg_proc'::regclass AND p.oid = r.object AND p.oid >= 16384
        ) AS stored (tree)
        CROSS JOIN LATERAL regexp_matches(stored.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS found (match)
        CROSS JOIN LATERAL (VALUES (found.match[1])) AS call (function)
        WHERE call.function <> '0'
        UNION ALL
        -- An identity column's default has no entry in pg_attrdef.
        SELECT 'pg_proc'::regclass, p.oid, 2
        FROM pg_proc AS p
        WHERE $5::boolean AND r.class = 'pg_class'::regclass AND p.proname = 'nextval' AND p.pronamespace = 'pg_catalog'::regnamespace
            AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = r.object AND a.attidentity <> '' AND NOT a.attisdropped)
        UNION ALL
        -- Whatever a body could name: quoted pieces as they stand, words folded and as they stand.
        SELECT named.class, named.object, 0
        FROM pg_proc AS p
        JOIN pg_language AS l ON l.oid = p.prolang
        CROSS JOIN LATERAL (
            SELECT array_agg(word::name)
            FROM (
                SELECT word FROM regexp_split_to_table(p.prosrc, '"') AS word WHERE octet_length(word) < 64
                UNION
                SELECT lower(word) FROM regexp_split_to_table(p.prosrc, '[\x01-#%-/:-@[-^`{-\x7f]+') AS word WHERE octet_length(word) < 64
                UNION
                SELECT word FROM regexp_split_to_table(p.prosrc, '[\x01-#%-/:-@[-^`{-\x7f]+') AS word WHERE octet_length(word) < 64
            ) AS words
        ) AS body (words)
        CROSS JOIN LATERAL (
            SELECT 'pg_proc'::regclass, f.oid, f.pronamespace
            FROM pg_proc AS f
            WHERE f.proname = ANY (body.words) AND f.oid >= 16384
            UNION ALL
            SELECT 'pg_class'::regclass, c.oid, c.relnamespace
            FROM pg_class AS c
            WHERE c.relname = ANY (body.words) AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            UNION ALL
            SELECT 'pg_type'::regclass, t.oid, t.typnamespace
            FROM pg_type AS t
            WHERE t.typname = ANY (body.words) AND t.oid >= 16384
            UNION ALL
            SELECT 'pg_operator'::regclass, o.oid, o.oprnamespace
            FROM pg_operator AS o
            WHERE o.oid >= 16384 AND (position(o.oprname::text IN p.prosrc) > 0 OR o.oprname = ANY ($2::name[]))
        ) AS named (class, object, namespace)
        JOIN pg_namespace AS n ON n.oid = named.namespace AND (
            n.oid IN (SELECT oid FROM scope) OR n.nspname = ANY (body.words) OR position(n.nspname::text IN p.proconfig::text) > 0
        )
        WHERE r.class = 'pg_proc'::regclass AND p.oid = r.object AND p.oid >= 16384
            AND l.lanname NOT IN ('c', 'internal') AND to_jsonb(p) ->> 'prosqlbody' IS NULL
    ) AS edge
),
judged AS (
    SELECT r.class, r.object, r.strength, r.early, r.root_class, r.root, fact.owner, fact.name, fact.trait
    FROM reached AS r
    CROSS JOIN LATERAL (
        SELECT p.proowner, p.proname,
            CASE
                -- This one of its name takes no text.
                WHEN p.oid = 'pg_catalog.ts_rewrite(tsquery,tsquery,tsquery)'::regprocedure THEN NULL
                WHEN p.oid < 16384 AND p.proname IN (SELECT name FROM executes_text) THEN 'executes_text'
                -- The same functions under whatever name.
                WHEN p.oid >= 16384 AND l.lanname IN ('c', 'internal')
                    AND (p.proname IN (SELECT name FROM executes_text) OR p.prosrc IN (SELECT name::text FROM executes_text)) THEN 'executes_text'
                WHEN p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') AND p.prosrc ~* (SELECT pattern FROM calls_text) THEN 'executes_text'
                -- Of a volatile one it is enough that it is not executed.
                WHEN p.provolatile <> 'v' AND p.pronargs > 0 AND p.prosrc ~* '\mexecute\M' AND l.lanname NOT IN ('c', 'internal') THEN 'executes_text'
                WHEN p.provolatile = 'v' AND p.proname NOT IN (SELECT name FROM harmless) THEN 'volatile'
                WHEN p.oid < 16384 AND p.proname IN (SELECT name FROM effective) THEN 'volatile'
            END
        FROM pg_proc AS p
        JOIN pg_language AS l ON l.oid = p.prolang
        WHERE r.class = 'pg_proc'::regclass AND p.oid = r.object
        UNION ALL
        SELECT o.oprowner, o.oprname, NULL
        FROM pg_operator AS o
        WHERE r.class = 'pg_operator'::regclass AND o.oid = r.object
        UNION ALL
        -- The row type of a relation has no code of its own. Of the others, those that the text itself names must be trusted.
        SELECT t.typowner, t.typname, NULL
        FROM pg_type AS t
        LEFT JOIN pg_class AS c ON c.oid = t.typrelid
        WHERE r.class = 'pg_type'::regclass AND t.oid = r.object AND r.root_class = r.class AND r.root = r.object
            AND (t.typrelid = 0 OR c.relkind = 'c')
            AND NOT EXISTS (
                SELECT
                FROM pg_type AS e
                JOIN pg_class AS ec ON ec.oid = e.typrelid
                WHERE e.typarray = t.oid AND ec.relkind <> 'c'
            )
        UNION ALL
        SELECT c.relowner, c.relname, CASE WHEN c.relkind = 'f' THEN 'foreign' END
        FROM pg_class AS c
        WHERE r.class = 'pg_class'::regclass AND c.oid = r.object AND c.relkind IN ('v', 'f')
        UNION ALL
        SELECT s.srvowner, s.srvname, NULL
        FROM pg_foreign_server AS s
        WHERE r.class = 'pg_foreign_server'::regclass AND s.oid = r.object
    ) AS fact (owner, name, trait)
),
objections AS (
    SELECT j.class, j.object, j.root_class, j.root, j.owner,
        CASE
            WHEN j.owner NOT IN (SELECT oid FROM trusted) AND NOT (
                EXISTS (SELECT FROM packaged AS p WHERE p.classid = j.class AND p.objid = j.object)
                AND EXISTS (SELECT FROM pg_roles AS o WHERE o.oid = j.owner AND o.rolsuper)
            ) THEN 'untrusted'
            WHEN j.trait = 'executes_text' THEN 'executes_text'
            WHEN j.trait = 'volatile' AND j.early AND j.strength >= 1 THEN 'early'
            WHEN j.trait IN ('volatile', 'foreign') AND j.strength = 2 THEN j.trait
        END AS objection
    FROM judged AS j
    UNION ALL
    -- A transaction that was prepared for a two-phase commit has no process.
    SELECT r.class, r.object, r.root_class, r.root, c.relowner, 'locked'
    FROM pg_locks AS l
    JOIN reached AS r ON r.class = 'pg_class'::regclass AND r.object = l.relation
    JOIN pg_class AS c ON c.oid = l.relation
    WHERE l.locktype = 'relation' AND l.mode = ANY ($7::text[]) AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND l.database IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
)
SELECT DISTINCT ON (o.objection, object.type, object.identity)
    CASE
        -- No number: the cast fails, and its message names the object.
        WHEN o.objection = ANY ($6::text[]) THEN ('pgtriage found ' || o.objection || ': ' || object.type || ' ' || object.identity)::int4::text
        ELSE o.objection::text
    END AS objection,
    object.type::text AS kind,
    -- The system's types go by their plain names.
    regexp_replace(object.identity, 'pg_catalog\.(?=[^(]*\))', '', 'g') AS identity,
    pg_get_userbyid(o.owner)::text AS owner,
    CASE
        WHEN o.root_class <> o.class OR o.root <> o.object
            THEN (SELECT via.type || ' ' || regexp_replace(via.identity, 'pg_catalog\.(?=[^(]*\))', '', 'g') FROM pg_identify_object(o.root_class, o.root, 0) AS via)
    END AS via
FROM objections AS o
CROSS JOIN LATERAL pg_identify_object(o.class, o.object, 0) AS object
WHERE o.objection IS NOT NULL
ORDER BY o.objection, object.type, object.identity, via NULLS FIRST
