-- Nearest sessions (VMIS-kNN): of each item the most recent sessions that have it.

CREATE TABLE personalize.sessions (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	history_id integer NOT NULL,
	item_type regtype NOT NULL,
	basket_type regtype NOT NULL,
	recent integer NOT NULL,
	longest integer,
	-- state, as of the last refresh
	built boolean NOT NULL DEFAULT false,
	num_sessions bigint NOT NULL DEFAULT 0,
	refreshed timestamptz,
	rebuilt timestamptz,
	last_items bigint,
	last_ms double precision);
COMMENT ON TABLE personalize.sessions IS 'models of nearest sessions: how many sessions of each item they keep';
GRANT SELECT ON personalize.sessions TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('personalize.sessions', '');

CREATE FUNCTION personalize.create_sessions(name text, history regclass, recent integer DEFAULT 500, longest integer DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_sessions' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_sessions(text, regclass, integer, integer, boolean)
    IS 'a maintained model of nearest sessions: of each item the most recent baskets of a history that have it';
