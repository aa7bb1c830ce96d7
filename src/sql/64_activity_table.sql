-- Activity tables: what each customer did, kept from the shop's tables of events.

CREATE TABLE personalize.activity_table (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	log regclass NOT NULL UNIQUE,
	customers regclass NOT NULL,
	key name NOT NULL,
	key_type regtype NOT NULL,
	zone name,
	default_zone text NOT NULL,
	consent name,
	scores regclass,
	scores_customer name,
	scores_model name,
	scores_score name,
	-- state, as of the last refresh
	built boolean NOT NULL DEFAULT false,
	num_customers bigint NOT NULL DEFAULT 0,
	next_ordinal bigint NOT NULL DEFAULT 0,
	refreshes bigint NOT NULL DEFAULT 0,
	refreshed timestamptz,
	rebuilt timestamptz,
	last_customers bigint,
	last_ms double precision);
COMMENT ON TABLE personalize.activity_table IS 'activity tables: whose customers they keep, and how they stand';

CREATE TABLE personalize.activity_source (
	id integer NOT NULL,
	relation regclass NOT NULL,
	place integer NOT NULL,
	event text,
	event_column name,
	customer name NOT NULL,
	at name NOT NULL,
	amount name,
	PRIMARY KEY (id, place));
COMMENT ON TABLE personalize.activity_source IS 'relations with the events of activity tables: of one kind each, or of the kinds that a column names';

GRANT SELECT ON personalize.activity_table, personalize.activity_source TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('personalize.activity_table', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.activity_source', '');

CREATE FUNCTION personalize.create_activity(name text, customers regclass, key name, events jsonb,
	zone name DEFAULT NULL, default_zone text DEFAULT NULL, consent name DEFAULT NULL, scores jsonb DEFAULT NULL,
	watch jsonb DEFAULT NULL, replica boolean DEFAULT false, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_activity' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_activity(text, regclass, name, jsonb, name, text, name, jsonb, jsonb, boolean, boolean)
    IS 'a table of what each customer did, kept from the shop''s tables of events';

CREATE FUNCTION personalize.drop_activity(activity regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_activity' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_activity(regclass) IS 'drops an activity table that no segment uses, its log and its triggers';
