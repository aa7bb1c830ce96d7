-- Co-occurrence models: a face table to read and a pair table with every exact count.

CREATE FUNCTION personalize.create_cooccurrence(name text, history regclass, measure text DEFAULT 'kernel', neighbors integer DEFAULT 50,
	min_count double precision DEFAULT 0, damping double precision DEFAULT 0, target regclass DEFAULT NULL,
	sequence boolean DEFAULT false, "window" integer DEFAULT NULL, half_life interval DEFAULT NULL, generation interval DEFAULT NULL,
	shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
	p double precision DEFAULT NULL, z double precision DEFAULT NULL,
	lambda double precision DEFAULT NULL, delta double precision DEFAULT NULL, ridge_size integer DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_cooccurrence' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_cooccurrence(text, regclass, text, integer, double precision, double precision, regclass, boolean, integer, interval, interval, double precision, double precision, double precision, double precision, double precision, double precision, double precision, integer, boolean)
    IS 'a maintained co-occurrence model of a history';

CREATE FUNCTION personalize.alter_model(model regclass, measure text DEFAULT NULL, neighbors integer DEFAULT NULL, min_count double precision DEFAULT NULL,
	shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
	p double precision DEFAULT NULL, z double precision DEFAULT NULL,
	lambda double precision DEFAULT NULL, delta double precision DEFAULT NULL, ridge_size integer DEFAULT NULL)
	RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_alter_model' LANGUAGE C;
COMMENT ON FUNCTION personalize.alter_model(regclass, text, integer, double precision, double precision, double precision, double precision, double precision, double precision, double precision, double precision, integer)
    IS 'changes how a model scores, from its exact counts';

CREATE FUNCTION personalize.drop_model(model regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_model' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_model(regclass) IS 'drops a model and its counts';

-- The model is named by text, because a literal then means it and not the matrix value of the same functions.
CREATE FUNCTION personalize.pair_count(model text, a "any", b "any") RETURNS double precision
    AS 'MODULE_PATHNAME', 'personalize_model_pair_count' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION personalize.pair_count(text, "any", "any") IS 'the exact count of a pair in a model';

CREATE FUNCTION personalize.neighbors(model text, item anyelement, k integer DEFAULT NULL, measure text DEFAULT NULL, min_count double precision DEFAULT NULL,
	shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
	p double precision DEFAULT NULL, z double precision DEFAULT NULL)
	RETURNS TABLE (neighbor anyelement, rank integer, score double precision, n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_model_neighbors' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION personalize.neighbors(text, anyelement, integer, text, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'the best neighbors of one item by any measure, from the exact counts of a model';

-- So that an item written as a plain literal means a text.
CREATE FUNCTION personalize.neighbors(model text, item text, k integer DEFAULT NULL, measure text DEFAULT NULL, min_count double precision DEFAULT NULL,
	shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
	p double precision DEFAULT NULL, z double precision DEFAULT NULL)
	RETURNS TABLE (neighbor text, rank integer, score double precision, n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_model_neighbors' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION personalize.neighbors(text, text, integer, text, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'the best neighbors of one item by any measure, from the exact counts of a model';

-- An integer would mean k of a matrix otherwise, and a smallint either. Neighbors are bigint, as they may be larger than the item.
CREATE FUNCTION personalize.neighbors(model text, item integer, k integer DEFAULT NULL, measure text DEFAULT NULL, min_count double precision DEFAULT NULL,
	shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
	p double precision DEFAULT NULL, z double precision DEFAULT NULL)
	RETURNS TABLE (neighbor bigint, rank integer, score double precision, n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_model_neighbors' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION personalize.neighbors(text, integer, integer, text, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'the best neighbors of one item by any measure, from the exact counts of a model';

CREATE FUNCTION personalize.neighbors(model text, item smallint, k integer DEFAULT NULL, measure text DEFAULT NULL, min_count double precision DEFAULT NULL,
	shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
	p double precision DEFAULT NULL, z double precision DEFAULT NULL)
	RETURNS TABLE (neighbor bigint, rank integer, score double precision, n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_model_neighbors' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION personalize.neighbors(text, smallint, integer, text, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'the best neighbors of one item by any measure, from the exact counts of a model';
