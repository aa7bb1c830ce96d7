-- The registry: which catalogs, histories and models there are.  Written by the functions below only; readable by everybody,
-- like the server's own catalogs.  Columns that name relations are regclass, so that dump and restore carry them over.

CREATE SEQUENCE personalize.registry_id AS integer;
COMMENT ON SEQUENCE personalize.registry_id IS 'ids of catalogs, histories and models';

CREATE TABLE personalize.catalog (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	item_type regtype NOT NULL,
	implicit boolean NOT NULL,
	products regclass,
	log regclass UNIQUE,
	item name,
	available name,
	price name,
	category name,
	created name,
	item_group name,
	refreshed timestamptz);
COMMENT ON TABLE personalize.catalog IS 'catalogs: item keys and their codes, and where their attributes come from';

CREATE TABLE personalize.history (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	log regclass NOT NULL UNIQUE,
	catalog_id integer NOT NULL,
	interactions regclass NOT NULL,
	basket name NOT NULL,
	item name NOT NULL,
	happened name,
	weight name,
	event name,
	events text[],
	event_weights integer[],
	basket_type regtype NOT NULL,
	item_type regtype NOT NULL,
	max_basket integer,
	horizon interval,
	-- state, as of the last refresh
	built boolean NOT NULL DEFAULT false,
	horizon_start timestamptz,
	num_baskets bigint NOT NULL DEFAULT 0,
	refreshes bigint NOT NULL DEFAULT 0,
	refreshed timestamptz,
	rebuilt timestamptz,
	last_baskets bigint,
	last_ms double precision);
COMMENT ON TABLE personalize.history IS 'histories: one compact row per basket, kept from interactions';

CREATE TABLE personalize.model (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	pairs regclass NOT NULL UNIQUE,
	history_id integer NOT NULL,
	target_id integer,
	sequence boolean NOT NULL,
	"window" integer,
	damping double precision NOT NULL,
	half_life interval,
	generation_days integer,
	weighted boolean NOT NULL,
	item_type regtype NOT NULL,
	-- scoring: alter_model may change it; parameters are NULL where the measure takes none
	measure text NOT NULL,
	shrinkage double precision,
	a double precision,
	b double precision,
	p double precision,
	z double precision,
	lambda double precision,
	delta double precision,
	ridge_size integer,
	neighbors integer NOT NULL,
	min_count double precision NOT NULL,
	-- state, as of the last refresh
	built boolean NOT NULL DEFAULT false,
	first_generation integer NOT NULL DEFAULT 0,
	totals bigint[],
	refreshed timestamptz,
	rebuilt timestamptz,
	last_pairs bigint,
	last_items bigint,
	last_ms double precision);
COMMENT ON TABLE personalize.model IS 'co-occurrence models: what they count and how they score';

CREATE TABLE personalize.watch (
	id integer NOT NULL,
	relation regclass NOT NULL,
	key text NOT NULL,
	expression boolean NOT NULL,
	PRIMARY KEY (id, relation));
COMMENT ON TABLE personalize.watch IS 'tables whose changes are logged for a history or catalog, and what gives the key of a changed row';

GRANT SELECT ON personalize.catalog, personalize.history, personalize.model, personalize.watch TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('personalize.registry_id', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.catalog', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.history', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.model', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.watch', '');
