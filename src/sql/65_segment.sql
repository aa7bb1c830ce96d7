-- Segments: which customers a rule holds for, kept exact at every instant.

CREATE TABLE personalize.segment (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	outside regclass NOT NULL UNIQUE,
	chunks regclass NOT NULL UNIQUE,
	changes regclass NOT NULL UNIQUE,
	activity_id integer NOT NULL,
	key_type regtype NOT NULL,
	-- alter_segment changes these three
	rule personalize.rule NOT NULL,
	version integer NOT NULL,
	uses regclass[] NOT NULL,
	-- state, as of the last refresh of the activity
	built boolean NOT NULL DEFAULT false,
	built_version integer NOT NULL DEFAULT 0,
	num_members bigint NOT NULL DEFAULT 0,
	refreshed timestamptz,
	rebuilt timestamptz,
	last_members bigint);
COMMENT ON TABLE personalize.segment IS 'segments: their rules, and the tables with their members';
GRANT SELECT ON personalize.segment TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('personalize.segment', '');
