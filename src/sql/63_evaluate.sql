-- What a widget would have recommended, against what customers did afterwards.

CREATE FUNCTION personalize.evaluate_widget(widget text, since timestamptz, k integer DEFAULT 20, until timestamptz DEFAULT NULL,
	event text DEFAULT NULL, repeats boolean DEFAULT false, given text DEFAULT 'customer',
	segments regclass DEFAULT NULL, key name DEFAULT NULL, by name DEFAULT NULL,
	sample double precision DEFAULT 1, resamples integer DEFAULT 1000, confidence double precision DEFAULT 0.95, seed bigint DEFAULT 0,
	negatives integer DEFAULT NULL)
	RETURNS TABLE (segment text, metric text, customers bigint,
		widget_mean double precision, widget_low double precision, widget_high double precision,
		popularity_mean double precision, popularity_low double precision, popularity_high double precision,
		difference double precision, difference_low double precision, difference_high double precision)
    AS 'MODULE_PATHNAME', 'personalize_evaluate_widget' LANGUAGE C ROWS 50;
COMMENT ON FUNCTION personalize.evaluate_widget(text, timestamptz, integer, timestamptz, text, boolean, text, regclass, name, name, double precision, integer, double precision, bigint, integer)
    IS 'metrics of a widget made from what was known at a time, on what customers did afterwards, against popularity';

-- A type of its own, as columns of RETURNS TABLE cannot have the names of arguments.
CREATE TYPE personalize.model_trial AS (
	measure text, a double precision, b double precision, p double precision, shrinkage double precision, damping double precision,
	current boolean, customers bigint, ndcg_at double precision, recall_at double precision, precision_at double precision,
	average_precision double precision, reciprocal_rank double precision, hit_at double precision);
COMMENT ON TYPE personalize.model_trial IS 'a line of tune_model: parameters, and how a model with them does';

CREATE FUNCTION personalize.tune_model(model regclass, since timestamptz, k integer DEFAULT 20, until timestamptz DEFAULT NULL,
	customers regclass DEFAULT NULL, repeats boolean DEFAULT false,
	a double precision[] DEFAULT '{0.3,0.5,0.7}', b double precision[] DEFAULT '{0.3,0.5,0.7}',
	p double precision[] DEFAULT '{1,2}', shrinkage double precision[] DEFAULT '{0}', damping double precision[] DEFAULT NULL,
	sample double precision DEFAULT 1, seed bigint DEFAULT 0)
	RETURNS SETOF personalize.model_trial
    AS 'MODULE_PATHNAME', 'personalize_tune_model' LANGUAGE C ROWS 20;
COMMENT ON FUNCTION personalize.tune_model(regclass, timestamptz, integer, timestamptz, regclass, boolean, double precision[], double precision[], double precision[], double precision[], double precision[], double precision, bigint)
    IS 'parameters of the kernel by how well a model of what was known at a time predicts what customers did afterwards, best first';
