-- Popularity: decayed counts of items, by segments of the customers, and what is ranked by them.

CREATE TABLE personalize.popularity (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	counts regclass NOT NULL UNIQUE,
	members regclass UNIQUE,
	history_id integer NOT NULL,
	target_id integer,
	kind text NOT NULL,
	item_type regtype NOT NULL,
	half_life interval,
	baseline interval,
	alpha double precision,
	kappa double precision NOT NULL,
	segments regclass,
	key name,
	by name[],
	keep integer NOT NULL,
	-- state, as of the last refresh
	built boolean NOT NULL DEFAULT false,
	first_epochs integer[],
	as_of timestamptz,
	refreshed timestamptz,
	rebuilt timestamptz,
	last_items bigint,
	last_ms double precision);
COMMENT ON TABLE personalize.popularity IS 'popularity, trending, conversion and repeat models: what they count and how they rank';
GRANT SELECT ON personalize.popularity TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('personalize.popularity', '');

CREATE FUNCTION personalize.popularity_counters(chunk integer, sums bytea, OUT code integer, OUT epoch integer, OUT sum bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_popularity_counters' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 32;
COMMENT ON FUNCTION personalize.popularity_counters(integer, bytea)
    IS 'what a row of counters of a popularity model holds: sums by item, as codes of the catalog, and epoch';

CREATE FUNCTION personalize.create_popularity(name text, history regclass, half_life interval DEFAULT '30 days',
	segments regclass DEFAULT NULL, key name DEFAULT NULL, by name[] DEFAULT NULL, kappa double precision DEFAULT 20,
	keep integer DEFAULT 1000, watch jsonb DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_popularity' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_popularity(text, regclass, interval, regclass, name, name[], double precision, integer, jsonb, boolean)
    IS 'a maintained list of the most popular items of a history, by segments of its baskets';

CREATE FUNCTION personalize.create_trending(name text, history regclass, half_life interval DEFAULT '6 hours', baseline interval DEFAULT '7 days',
	alpha double precision DEFAULT 1, segments regclass DEFAULT NULL, key name DEFAULT NULL, by name[] DEFAULT NULL,
	kappa double precision DEFAULT 20, keep integer DEFAULT 1000, watch jsonb DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_trending' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_trending(text, regclass, interval, interval, double precision, regclass, name, name[], double precision, integer, jsonb, boolean)
    IS 'a maintained list of the items that come more often now than they used to, by segments';

CREATE FUNCTION personalize.create_conversion(name text, history regclass, target regclass, half_life interval DEFAULT '90 days',
	segments regclass DEFAULT NULL, key name DEFAULT NULL, by name[] DEFAULT NULL, kappa double precision DEFAULT 20,
	keep integer DEFAULT 1000, watch jsonb DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_conversion' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_conversion(text, regclass, regclass, interval, regclass, name, name[], double precision, integer, jsonb, boolean)
    IS 'a maintained list of the items whose baskets in one history most often have them in another, too, by segments';

CREATE FUNCTION personalize.create_repeat(name text, history regclass, half_life interval DEFAULT NULL,
	segments regclass DEFAULT NULL, key name DEFAULT NULL, by name[] DEFAULT NULL, kappa double precision DEFAULT 20,
	keep integer DEFAULT 10000, watch jsonb DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_repeat' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_repeat(text, regclass, interval, regclass, name, name[], double precision, integer, jsonb, boolean)
    IS 'maintained rates of those who bought an item again among those who bought it, by segments';
