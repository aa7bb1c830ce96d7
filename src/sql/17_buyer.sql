-- What a customer's orders say about those to come.

CREATE TYPE personalize.buyer;

CREATE FUNCTION personalize.buyer_in(cstring)
    RETURNS personalize.buyer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_in';
COMMENT ON FUNCTION personalize.buyer_in(cstring) IS 'text input of buyer';

CREATE FUNCTION personalize.buyer_out(personalize.buyer)
    RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_out';
COMMENT ON FUNCTION personalize.buyer_out(personalize.buyer) IS 'text output of buyer';

CREATE FUNCTION personalize.buyer_recv(internal)
    RETURNS personalize.buyer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_recv';
COMMENT ON FUNCTION personalize.buyer_recv(internal) IS 'binary input of buyer';

CREATE FUNCTION personalize.buyer_send(personalize.buyer)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_send';
COMMENT ON FUNCTION personalize.buyer_send(personalize.buyer) IS 'binary output of buyer';

CREATE TYPE personalize.buyer (
    INPUT = personalize.buyer_in,
    OUTPUT = personalize.buyer_out,
    RECEIVE = personalize.buyer_recv,
    SEND = personalize.buyer_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE personalize.buyer IS 'what a customer paid, by day: {2026-01-31:29.5,2026-03-01:12}';

CREATE TYPE personalize.buyer_model;

CREATE FUNCTION personalize.buyer_model_in(cstring)
    RETURNS personalize.buyer_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_in';
COMMENT ON FUNCTION personalize.buyer_model_in(cstring) IS 'text input of buyer_model';

CREATE FUNCTION personalize.buyer_model_out(personalize.buyer_model)
    RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_out';
COMMENT ON FUNCTION personalize.buyer_model_out(personalize.buyer_model) IS 'text output of buyer_model';

CREATE FUNCTION personalize.buyer_model_recv(internal)
    RETURNS personalize.buyer_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_recv';
COMMENT ON FUNCTION personalize.buyer_model_recv(internal) IS 'binary input of buyer_model';

CREATE FUNCTION personalize.buyer_model_send(personalize.buyer_model)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_send';
COMMENT ON FUNCTION personalize.buyer_model_send(personalize.buyer_model) IS 'binary output of buyer_model';

CREATE TYPE personalize.buyer_model (
    INPUT = personalize.buyer_model_in,
    OUTPUT = personalize.buyer_model_out,
    RECEIVE = personalize.buyer_model_recv,
    SEND = personalize.buyer_model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = plain
);
COMMENT ON TYPE personalize.buyer_model IS 'a fitted model of buying, times in weeks: mbg/nbd r=0.52 alpha=6.2 a=0.89 b=1.6 p=6.2 q=3.7 v=15.4';

CREATE FUNCTION personalize.buyer_add(state internal, at date, amount double precision)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_add_date';
COMMENT ON FUNCTION personalize.buyer_add(internal, date, double precision)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_add(state internal, at timestamp, amount double precision)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_add_timestamp';
COMMENT ON FUNCTION personalize.buyer_add(internal, timestamp, double precision)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_add(state internal, at timestamptz, amount double precision)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_add_timestamp';
COMMENT ON FUNCTION personalize.buyer_add(internal, timestamptz, double precision)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_combine';
COMMENT ON FUNCTION personalize.buyer_combine(internal, internal)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_serialize';
COMMENT ON FUNCTION personalize.buyer_serialize(internal)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_deserialize';
COMMENT ON FUNCTION personalize.buyer_deserialize(bytea, internal)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_final(state internal)
    RETURNS personalize.buyer
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_final';
COMMENT ON FUNCTION personalize.buyer_final(internal)
    IS 'support of the aggregate buyer';

CREATE FUNCTION personalize.buyer_rollup(state internal, b personalize.buyer)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_rollup';
COMMENT ON FUNCTION personalize.buyer_rollup(internal, personalize.buyer)
    IS 'support of the aggregate rollup';

CREATE AGGREGATE personalize.buyer(at date, amount double precision) (
    STYPE = internal,
    SFUNC = personalize.buyer_add,
    COMBINEFUNC = personalize.buyer_combine,
    SERIALFUNC = personalize.buyer_serialize,
    DESERIALFUNC = personalize.buyer_deserialize,
    FINALFUNC = personalize.buyer_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.buyer(date, double precision)
    IS 'what a customer paid, by day; refunds are negative';

CREATE AGGREGATE personalize.buyer(at timestamp, amount double precision) (
    STYPE = internal,
    SFUNC = personalize.buyer_add,
    COMBINEFUNC = personalize.buyer_combine,
    SERIALFUNC = personalize.buyer_serialize,
    DESERIALFUNC = personalize.buyer_deserialize,
    FINALFUNC = personalize.buyer_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.buyer(timestamp, double precision)
    IS 'what a customer paid, by day; refunds are negative';

CREATE AGGREGATE personalize.buyer(at timestamptz, amount double precision) (
    STYPE = internal,
    SFUNC = personalize.buyer_add,
    COMBINEFUNC = personalize.buyer_combine,
    SERIALFUNC = personalize.buyer_serialize,
    DESERIALFUNC = personalize.buyer_deserialize,
    FINALFUNC = personalize.buyer_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.buyer(timestamptz, double precision)
    IS 'what a customer paid, by day of UTC; refunds are negative';

CREATE AGGREGATE personalize.rollup(b personalize.buyer) (
    STYPE = internal,
    SFUNC = personalize.buyer_rollup,
    COMBINEFUNC = personalize.buyer_combine,
    SERIALFUNC = personalize.buyer_serialize,
    DESERIALFUNC = personalize.buyer_deserialize,
    FINALFUNC = personalize.buyer_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.buyer)
    IS 'buyers that are one customer';

CREATE FUNCTION personalize.buyer_merge(x personalize.buyer, y personalize.buyer)
    RETURNS personalize.buyer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_merge';
COMMENT ON FUNCTION personalize.buyer_merge(personalize.buyer, personalize.buyer)
    IS 'both buyers as one, for the operator +';

CREATE OPERATOR personalize.+ (
    LEFTARG = personalize.buyer,
    RIGHTARG = personalize.buyer,
    FUNCTION = personalize.buyer_merge,
    COMMUTATOR = OPERATOR(personalize.+)
);
COMMENT ON OPERATOR personalize.+ (personalize.buyer, personalize.buyer) IS 'both buyers as one';

CREATE FUNCTION personalize.buyer_eq(personalize.buyer, personalize.buyer)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_eq';
COMMENT ON FUNCTION personalize.buyer_eq(personalize.buyer, personalize.buyer)
    IS 'whether both are the same, for the operator =';

CREATE FUNCTION personalize.buyer_ne(personalize.buyer, personalize.buyer)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_ne';
COMMENT ON FUNCTION personalize.buyer_ne(personalize.buyer, personalize.buyer)
    IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.= (
    LEFTARG = personalize.buyer,
    RIGHTARG = personalize.buyer,
    FUNCTION = personalize.buyer_eq,
    COMMUTATOR = OPERATOR(personalize.=),
    NEGATOR = OPERATOR(personalize.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel
);
COMMENT ON OPERATOR personalize.= (personalize.buyer, personalize.buyer) IS 'the same days and amounts';

CREATE OPERATOR personalize.<> (
    LEFTARG = personalize.buyer,
    RIGHTARG = personalize.buyer,
    FUNCTION = personalize.buyer_ne,
    COMMUTATOR = OPERATOR(personalize.<>),
    NEGATOR = OPERATOR(personalize.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR personalize.<> (personalize.buyer, personalize.buyer) IS 'other days or amounts';

CREATE FUNCTION personalize.frequency(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_frequency';
COMMENT ON FUNCTION personalize.frequency(personalize.buyer, date)
    IS 'repeat orders, x: days with an order but for the first';

CREATE FUNCTION personalize.recency(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_recency';
COMMENT ON FUNCTION personalize.recency(personalize.buyer, date)
    IS 'weeks from the first order to the last, t_x';

CREATE FUNCTION personalize.age(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_age';
COMMENT ON FUNCTION personalize.age(personalize.buyer, date)
    IS 'weeks since the first order, T';

CREATE FUNCTION personalize.mean_value(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_mean_value';
COMMENT ON FUNCTION personalize.mean_value(personalize.buyer, date)
    IS 'mean value of repeat orders; NULL without any above 0';

CREATE FUNCTION personalize.total_value(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_total_value';
COMMENT ON FUNCTION personalize.total_value(personalize.buyer, date)
    IS 'what was paid less what was given back';

CREATE FUNCTION personalize.first_order(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS date
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_first';
COMMENT ON FUNCTION personalize.first_order(personalize.buyer, date)
    IS 'day of the first order';

CREATE FUNCTION personalize.last_order(b personalize.buyer, as_of date DEFAULT current_date)
    RETURNS date
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_last';
COMMENT ON FUNCTION personalize.last_order(personalize.buyer, date)
    IS 'day of the last order';

CREATE FUNCTION personalize.orders_between(b personalize.buyer, after date, until date)
    RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_orders';
COMMENT ON FUNCTION personalize.orders_between(personalize.buyer, date, date)
    IS 'days with an order after one day and up to another';

CREATE FUNCTION personalize.fit_buyers_add(state internal, b personalize.buyer, as_of date)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_add';
COMMENT ON FUNCTION personalize.fit_buyers_add(internal, personalize.buyer, date)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_add(state internal, b personalize.buyer, as_of date, kind text)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_add';
COMMENT ON FUNCTION personalize.fit_buyers_add(internal, personalize.buyer, date, text)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_add(state internal, frequency integer, recency double precision, age double precision, mean_value double precision, customers bigint)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_add_group';
COMMENT ON FUNCTION personalize.fit_buyers_add(internal, integer, double precision, double precision, double precision, bigint)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_add(state internal, frequency integer, recency double precision, age double precision, mean_value double precision, customers bigint, kind text)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_add_group';
COMMENT ON FUNCTION personalize.fit_buyers_add(internal, integer, double precision, double precision, double precision, bigint, text)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_combine';
COMMENT ON FUNCTION personalize.fit_buyers_combine(internal, internal)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_serialize';
COMMENT ON FUNCTION personalize.fit_buyers_serialize(internal)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_deserialize';
COMMENT ON FUNCTION personalize.fit_buyers_deserialize(bytea, internal)
    IS 'support of the aggregate fit_buyers';

CREATE FUNCTION personalize.fit_buyers_final(state internal)
    RETURNS personalize.buyer_model
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_fit_buyers_final';
COMMENT ON FUNCTION personalize.fit_buyers_final(internal)
    IS 'support of the aggregate fit_buyers';

CREATE AGGREGATE personalize.fit_buyers(b personalize.buyer, as_of date) (
    STYPE = internal,
    SFUNC = personalize.fit_buyers_add,
    COMBINEFUNC = personalize.fit_buyers_combine,
    SERIALFUNC = personalize.fit_buyers_serialize,
    DESERIALFUNC = personalize.fit_buyers_deserialize,
    FINALFUNC = personalize.fit_buyers_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_buyers(personalize.buyer, date)
    IS 'model of all buyers as of a day, MBG/NBD with Gamma-Gamma';

CREATE AGGREGATE personalize.fit_buyers(b personalize.buyer, as_of date, kind text) (
    STYPE = internal,
    SFUNC = personalize.fit_buyers_add,
    COMBINEFUNC = personalize.fit_buyers_combine,
    SERIALFUNC = personalize.fit_buyers_serialize,
    DESERIALFUNC = personalize.fit_buyers_deserialize,
    FINALFUNC = personalize.fit_buyers_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_buyers(personalize.buyer, date, text)
    IS 'model of all buyers as of a day: bg/nbd, mbg/nbd or pareto/nbd';

CREATE AGGREGATE personalize.fit_buyers(frequency integer, recency double precision, age double precision, mean_value double precision, customers bigint) (
    STYPE = internal,
    SFUNC = personalize.fit_buyers_add,
    COMBINEFUNC = personalize.fit_buyers_combine,
    SERIALFUNC = personalize.fit_buyers_serialize,
    DESERIALFUNC = personalize.fit_buyers_deserialize,
    FINALFUNC = personalize.fit_buyers_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_buyers(integer, double precision, double precision, double precision, bigint)
    IS 'model of grouped customers in weeks, MBG/NBD with Gamma-Gamma';

CREATE AGGREGATE personalize.fit_buyers(frequency integer, recency double precision, age double precision, mean_value double precision, customers bigint, kind text) (
    STYPE = internal,
    SFUNC = personalize.fit_buyers_add,
    COMBINEFUNC = personalize.fit_buyers_combine,
    SERIALFUNC = personalize.fit_buyers_serialize,
    DESERIALFUNC = personalize.fit_buyers_deserialize,
    FINALFUNC = personalize.fit_buyers_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_buyers(integer, double precision, double precision, double precision, bigint, text)
    IS 'model of grouped customers in weeks: bg/nbd, mbg/nbd or pareto/nbd';

CREATE FUNCTION personalize.problem(m personalize.buyer_model)
    RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_problem';
COMMENT ON FUNCTION personalize.problem(personalize.buyer_model)
    IS 'why a model has no parameters; NULL if it has';

CREATE FUNCTION personalize.buyer_model_eq(personalize.buyer_model, personalize.buyer_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_eq';
COMMENT ON FUNCTION personalize.buyer_model_eq(personalize.buyer_model, personalize.buyer_model)
    IS 'whether both are the same, for the operator =';

CREATE FUNCTION personalize.buyer_model_ne(personalize.buyer_model, personalize.buyer_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_ne';
COMMENT ON FUNCTION personalize.buyer_model_ne(personalize.buyer_model, personalize.buyer_model)
    IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.= (
    LEFTARG = personalize.buyer_model,
    RIGHTARG = personalize.buyer_model,
    FUNCTION = personalize.buyer_model_eq,
    COMMUTATOR = OPERATOR(personalize.=),
    NEGATOR = OPERATOR(personalize.<>),
    RESTRICT = pg_catalog.eqsel,
    JOIN = pg_catalog.eqjoinsel
);
COMMENT ON OPERATOR personalize.= (personalize.buyer_model, personalize.buyer_model) IS 'the same model';

CREATE OPERATOR personalize.<> (
    LEFTARG = personalize.buyer_model,
    RIGHTARG = personalize.buyer_model,
    FUNCTION = personalize.buyer_model_ne,
    COMMUTATOR = OPERATOR(personalize.<>),
    NEGATOR = OPERATOR(personalize.=),
    RESTRICT = pg_catalog.neqsel,
    JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR personalize.<> (personalize.buyer_model, personalize.buyer_model) IS 'another model';

CREATE FUNCTION personalize.is_fallback(m personalize.buyer_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_is_fallback';
COMMENT ON FUNCTION personalize.is_fallback(personalize.buyer_model)
    IS 'whether predictions are rates of customers alike, as nothing could be fitted';

CREATE FUNCTION personalize.fallback_rates(m personalize.buyer_model, OUT weeks integer, OUT recency_above double precision, OUT recency_up_to double precision,
        OUT orders_from integer, OUT orders_to integer, OUT customers bigint, OUT buyers bigint, OUT rate double precision)
    RETURNS SETOF record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 16
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_rates';
COMMENT ON FUNCTION personalize.fallback_rates(personalize.buyer_model)
    IS 'by weeks since the last order and number of orders, how many customers ordered in the last weeks; all of them last';

CREATE FUNCTION personalize.shrink(m personalize.buyer_model, pooled personalize.buyer_model, full_at bigint DEFAULT 1000)
    RETURNS personalize.buyer_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_shrink';
COMMENT ON FUNCTION personalize.shrink(personalize.buyer_model, personalize.buyer_model, bigint)
    IS 'model of a part of the customers, drawn to that of all the more, the fewer they are';

CREATE FUNCTION personalize.parameter(m personalize.buyer_model, name text)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_model_parameter';
COMMENT ON FUNCTION personalize.parameter(personalize.buyer_model, text)
    IS 'a parameter or figure of the fit by its name in the text of the model';

CREATE FUNCTION personalize.expected_purchases(b personalize.buyer, m personalize.buyer_model, horizon interval, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_expected';
COMMENT ON FUNCTION personalize.expected_purchases(personalize.buyer, personalize.buyer_model, interval, date)
    IS 'orders to be expected within the horizon';

CREATE FUNCTION personalize.expected_purchases(frequency integer, recency double precision, age double precision, m personalize.buyer_model, horizon double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_expected_numbers';
COMMENT ON FUNCTION personalize.expected_purchases(integer, double precision, double precision, personalize.buyer_model, double precision)
    IS 'orders to be expected within the horizon; all times in weeks';

CREATE FUNCTION personalize.probability_alive(b personalize.buyer, m personalize.buyer_model, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_alive';
COMMENT ON FUNCTION personalize.probability_alive(personalize.buyer, personalize.buyer_model, date)
    IS 'chance that the customer has not dropped out; not the chance to buy';

CREATE FUNCTION personalize.probability_alive(frequency integer, recency double precision, age double precision, m personalize.buyer_model)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_alive_numbers';
COMMENT ON FUNCTION personalize.probability_alive(integer, double precision, double precision, personalize.buyer_model)
    IS 'chance that the customer has not dropped out; all times in weeks';

CREATE FUNCTION personalize.churn_risk(b personalize.buyer, m personalize.buyer_model, horizon interval DEFAULT '90 days', as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_churn';
COMMENT ON FUNCTION personalize.churn_risk(personalize.buyer, personalize.buyer_model, interval, date)
    IS 'chance of no order within the horizon';

CREATE FUNCTION personalize.churn_risk(frequency integer, recency double precision, age double precision, m personalize.buyer_model, horizon double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_churn_numbers';
COMMENT ON FUNCTION personalize.churn_risk(integer, double precision, double precision, personalize.buyer_model, double precision)
    IS 'chance of no order within the horizon; all times in weeks';

CREATE FUNCTION personalize.expected_spend(b personalize.buyer, m personalize.buyer_model, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_spend';
COMMENT ON FUNCTION personalize.expected_spend(personalize.buyer, personalize.buyer_model, date)
    IS 'value to be expected of each order';

CREATE FUNCTION personalize.expected_spend(frequency integer, mean_value double precision, m personalize.buyer_model)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_spend_numbers';
COMMENT ON FUNCTION personalize.expected_spend(integer, double precision, personalize.buyer_model)
    IS 'value to be expected of each order';

CREATE FUNCTION personalize.lifetime_value(b personalize.buyer, m personalize.buyer_model, horizon interval, discount double precision DEFAULT 0.1, margin double precision DEFAULT 1, as_of date DEFAULT current_date)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_buyer_lifetime';
COMMENT ON FUNCTION personalize.lifetime_value(personalize.buyer, personalize.buyer_model, interval, double precision, double precision, date)
    IS 'value of the orders to be expected within the horizon, discounted by the year';

CREATE FUNCTION personalize.churn_band(risk double precision)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN risk < 0.33 THEN 'low' WHEN risk <= 0.66 THEN 'medium' WHEN risk <= 1 THEN 'high' END $$;
COMMENT ON FUNCTION personalize.churn_band(double precision)
    IS 'low below 0.33, high above 0.66, medium between';

-- Equal predictions share a bucket: whom a cut between them would take is not for what happened to decide.
CREATE FUNCTION personalize.calibration(predicted double precision[], actual double precision[], buckets integer DEFAULT 10)
    RETURNS TABLE (bucket integer, customers bigint, predicted_orders double precision, actual_orders double precision, problem text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT s.bucket, s.customers, s.p, s.a,
           CASE WHEN s.bucket IS NULL AND pg_catalog.abs(s.p OPERATOR(pg_catalog.-) s.a) OPERATOR(pg_catalog.>) (0.15::pg_catalog.float8 OPERATOR(pg_catalog.*) s.a)
                THEN 'the total is off by more than 15 %' END
      FROM (SELECT t.bucket, pg_catalog.count(*) AS customers, pg_catalog.sum(t.p ORDER BY t.p) AS p, pg_catalog.sum(t.a ORDER BY t.a) AS a
              FROM (SELECT u.p, u.a, (1 OPERATOR(pg_catalog.+) (((pg_catalog.rank() OVER (ORDER BY u.p) OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.*) buckets)
                                      OPERATOR(pg_catalog./) pg_catalog.count(*) OVER ()))::pg_catalog.int4 AS bucket
                      FROM ROWS FROM (pg_catalog.unnest(predicted), pg_catalog.unnest(actual)) AS u(p, a)
                     WHERE u.p IS NOT NULL AND u.a IS NOT NULL) AS t
             GROUP BY GROUPING SETS ((t.bucket), ())) AS s
     ORDER BY s.bucket
    $$;
COMMENT ON FUNCTION personalize.calibration(double precision[], double precision[], integer)
    IS 'predicted against actual orders by bucket of the prediction, and in total where bucket is NULL';
