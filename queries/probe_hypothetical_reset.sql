-- Forgets all hypothetical indexes of this session. Same surroundings as probe_hypothetical.sql.
SELECT /* pgtriage */ hypopg_reset()
