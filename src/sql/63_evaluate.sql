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
