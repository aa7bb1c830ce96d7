-- When many answer, and when to send to one.
SET search_path = personalize, pg_catalog;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET extra_float_digits = 0;
-- 440 customers: those with an even number answer soon in the evening and seldom else, the others in the morning, a third of them never; some are seen around at those hours
CREATE TEMP TABLE sends AS
SELECT c AS customer, d AS delivered_at,
	CASE WHEN hashint4(c * 1000 + i) & 127 < CASE WHEN abs(extract(hour FROM d) - CASE c % 2 WHEN 0 THEN 19 ELSE 8 END) <= 2 THEN 80 ELSE 15 END * (c % 3) / 2 THEN d + (hashint4(c + i * 1000) & 127) * interval '1 min' END AS opened_at
  FROM generate_series(1, 440) AS c, generate_series(0, 19) AS i,
	LATERAL (SELECT timestamptz '2026-01-01 00:00+00' + i * interval '4 days' + ((hashint4(i + 7 * c) & 15) + 6) * interval '1 hour' AS d) AS s;
CREATE TEMP TABLE hours AS
SELECT customer, rollup(h) AS hours
  FROM (SELECT customer, response_hours(delivered_at, opened_at, 'UTC') AS h FROM sends GROUP BY customer
		UNION ALL SELECT customer, visit_hours(delivered_at - interval '1 day' + CASE customer % 2 WHEN 0 THEN 20 ELSE 8 END * interval '1 hour', 'UTC') FROM sends WHERE hashint4(customer) % 2 = 0 GROUP BY customer) AS s GROUP BY customer;
CREATE TEMP TABLE model AS SELECT fit_response_model(hours, '2026-04-01') AS all, fit_response_model(hours, '2026-04-01') FILTER (WHERE customer % 2 = 0) AS evening FROM hours;

-- counters: merged in any order, and the same fit
SELECT population_hours(hours, '2026-04-01') = (SELECT rollup(p) FROM (SELECT population_hours(hours, '2026-04-01') AS p FROM hours GROUP BY customer % 7) AS s) AS rolled,
	num_customers(population_hours(hours, '2026-04-01')), octet_length(population_hours_send(population_hours(hours, '2026-04-01'))) AS bytes FROM hours;
SELECT a + b = b + a AS same, a + b = c AS whole, c::text::population_hours = c AS text, a <> b AS different
  FROM (SELECT population_hours(hours, '2026-04-01') FILTER (WHERE customer % 3 = 0) AS a, population_hours(hours, '2026-04-01') FILTER (WHERE customer % 3 > 0) AS b, population_hours(hours, '2026-04-01') AS c FROM hours) AS s;
SELECT population_hours(hours, '2026-04-01', '90 days') = population_hours(hours, '2026-04-01') AS default_half_life, population_hours(hours, '2026-04-01', NULL) = population_hours(hours, '2026-04-01') AS without FROM hours;
SELECT lag_weights(m) = lag_weights("all") AS lags, response_rate(m) = response_rate("all") AS rate, visit_weight(m), held_out(m), visit_weight("all"), held_out("all"), m::text::response_model = m AS text
  FROM (SELECT response_model(population_hours(hours, '2026-04-01'), '2026-04-01') AS m FROM hours) AS s, model;
SELECT round(response_rate("all")::numeric, 4) AS rate, (lag_weights("all"))[1], (SELECT max(w) <= 1.5 AND min(w) > 0 FROM pg_catalog.unnest(lag_weights("all")) AS w) AS bounded, round(response_rate("all", 'click')::numeric, 4) AS clicks FROM model;
SELECT response_rate("all", 'order') FROM model;
SELECT weekday, hour, round(responses::numeric, 2) AS responses, round(hours_at_risk::numeric, 1) AS hours_at_risk, round(rate::numeric, 4) AS rate, round(group_rate::numeric, 4) AS group_rate
  FROM model, response_profile(NULL, "all", as_of => '2026-04-01') WHERE weekday = 3 AND hour BETWEEN 6 AND 10;
SELECT weekday, hour, round(responses::numeric, 2) AS responses, round(hours_at_risk::numeric, 1) AS hours_at_risk, round(visits::numeric, 2) AS visits, round(rate::numeric, 4) AS rate, round(group_rate::numeric, 4) AS group_rate
  FROM model, hours, response_profile(hours, "all", evening, '2026-04-01') WHERE customer = 4 AND weekday = 6 AND hour BETWEEN 17 AND 21;
SELECT count(*), round(avg(group_rate)::numeric, 6) = (SELECT round(response_rate("all")::numeric, 6) FROM model) AS mean FROM model, response_profile(NULL, "all", as_of => '2026-04-01');
SELECT population_hours(hours, '2026-04-01', '1 hour') FROM hours;
SELECT population_hours(hours, 'infinity') FROM hours;
SELECT population_hours(hours, '2026-04-01', '90 days') + population_hours(hours, '2026-04-01', '30 days') FROM hours;
SELECT population_hours(hours, NULL) FROM hours;
SELECT population_hours(hours) IS NULL AS none FROM hours WHERE false;

-- the choice: evenings for some, mornings for others
SELECT customer % 2 AS kind, mode() WITHIN GROUP (ORDER BY extract(hour FROM send_at)::integer) AS hour, count(*), count(*) FILTER (WHERE p_response > p_at_default) AS above_default, count(*) FILTER (WHERE source = 'customer') AS own
  FROM hours, model, best_send_time(hours, population => "all", within => '[2026-04-01,2026-04-02)'::tstzrange, time_zone => 'UTC', valid_for => '3 hours', as_of => '2026-04-01') WHERE customer % 3 > 0 GROUP BY 1 ORDER BY 1;
SELECT send_at, round(p_response::numeric, 4) AS p, policy, round(propensity::numeric, 4) AS propensity, source, round(n_eff::numeric, 3) AS n_eff, round(p_at_default::numeric, 4) AS at_default
  FROM hours, model, best_send_time(hours, population => "all", within => '[2026-04-01,2026-04-02)', time_zone => 'Europe/Berlin', message => 'spring/' || customer, as_of => '2026-04-01') WHERE customer <= 4 ORDER BY customer;
-- no data: of the customer, of anybody; then of a segment
SELECT b.send_at, round(b.p_response::numeric, 4) AS p, b.policy, b.source, b.n_eff
  FROM model, LATERAL (SELECT * FROM best_send_time(NULL, "all", '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01')
	UNION ALL SELECT * FROM best_send_time(NULL, "all", '[2026-04-01,2026-04-02)', 'UTC', segment => evening, as_of => '2026-04-01')
	UNION ALL SELECT * FROM best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01')
	UNION ALL SELECT * FROM best_send_time('{}', NULL, '[2026-04-01,2026-04-02)', 'UTC', default_hour => 17, as_of => '2026-04-01')
	UNION ALL SELECT * FROM best_send_time('{2026-03-01T06:00+00:00 open 60, 2026-03-02T06:00+00:00 open 60}', NULL, '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01')) AS b ORDER BY b.source, b.send_at;
-- customers in one statement are as they are alone
SELECT count(*) AS different FROM (SELECT customer, b::text FROM hours, model, best_send_time(hours, "all", '[2026-04-01,2026-04-02)', CASE customer % 3 WHEN 0 THEN 'UTC' WHEN 1 THEN 'Asia/Kathmandu' ELSE 'America/New_York' END, segment => CASE WHEN customer % 2 = 0 THEN evening END, as_of => '2026-04-01') AS b) AS s
  JOIN (SELECT customer, b::text FROM (SELECT * FROM hours ORDER BY customer DESC) AS h, model, best_send_time(hours, "all", '[2026-04-01,2026-04-02)', CASE customer % 3 WHEN 0 THEN 'UTC' WHEN 1 THEN 'Asia/Kathmandu' ELSE 'America/New_York' END, segment => CASE WHEN customer % 2 = 0 THEN evening END, as_of => '2026-04-01') AS b) AS t USING (customer) WHERE s.b <> t.b;
-- an offer that is good for few hours is sent shortly before they answer
SELECT valid_for, extract(hour FROM send_at) AS hour FROM hours, model, pg_catalog.unnest(ARRAY[interval '1 hour', '3 hours', '48 hours', '10 years']) WITH ORDINALITY AS v(valid_for, i),
	best_send_time(hours, "all", '[2026-04-01,2026-04-02)', 'UTC', valid_for => v.valid_for, as_of => '2026-04-01') WHERE customer = 4 ORDER BY i;

-- exploration, control: by the message's key alone; propensities are those of the log
SELECT policy, count(*), min(round(propensity::numeric, 5)), max(round(propensity::numeric, 5)), count(DISTINCT send_at) AS times
  FROM generate_series(1, 4000) AS i, model, best_send_time(NULL, "all", '[2026-04-01,2026-04-02)', 'UTC', message => 'm' || i, explore => 0.1, control => 0.05, as_of => '2026-04-01') GROUP BY policy ORDER BY policy;
SELECT count(*) FILTER (WHERE a.send_at = b.send_at) AS same_again, count(*) FILTER (WHERE a.send_at = c.send_at) < 200 AS other_salt
  FROM generate_series(1, 1000) AS i, model, best_send_time(NULL, "all", '[2026-04-01,2026-04-02)', 'UTC', message => 'm' || i, explore => 1, as_of => '2026-04-01') AS a,
	best_send_time(NULL, "all", '[2026-04-01,2026-04-02)', 'UTC', message => 'm' || i, explore => 1, as_of => '2026-04-01') AS b,
	best_send_time(NULL, "all", '[2026-04-01,2026-04-02)', 'UTC', message => 'm' || i, explore => 1, salt => 'x', as_of => '2026-04-01') AS c;

-- candidates: what an exploring call may choose
CREATE FUNCTION pg_temp.candidates(span tstzrange, zone text, quiet text DEFAULT NULL, legal text DEFAULT NULL, weekdays text DEFAULT NULL, slot interval DEFAULT '60 min', expires_at timestamptz DEFAULT NULL, as_of timestamptz DEFAULT '1960-01-01')
RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(at, ' ' ORDER BY first) FROM (SELECT to_char(send_at AT TIME ZONE zone, 'Dy HH24:MI') || to_char(send_at, '=HH24:MI') AS at, min(send_at) AS first
		FROM generate_series(1, 600) AS i, personalize.best_send_time(NULL, NULL, span, zone, message => i::text, explore => 1, quiet => quiet, legal => legal, weekdays => weekdays, slot => slot, expires_at => expires_at, as_of => as_of)
		WHERE send_at IS NOT NULL GROUP BY 1) AS s
$$;
SELECT pg_temp.candidates('[2026-03-08 05:00+00,2026-03-08 09:00+00]', 'America/New_York', slot => '30 min') AS new_york_gap;
SELECT pg_temp.candidates('[2026-11-01 04:00+00,2026-11-01 08:00+00]', 'America/New_York', slot => '30 min') AS new_york_twice;
SELECT pg_temp.candidates('[2026-10-03 14:00+00,2026-10-03 18:00+00]', 'Australia/Lord_Howe', slot => '30 min') AS lord_howe_gap;
SELECT pg_temp.candidates('[2026-04-04 13:00+00,2026-04-04 17:00+00]', 'Australia/Lord_Howe', slot => '30 min') AS lord_howe_twice;
SELECT pg_temp.candidates('[2026-04-04 13:00+00,2026-04-04 17:00+00]', 'Asia/Kathmandu') AS kathmandu;
SELECT pg_temp.candidates('[1970-01-01,1970-01-01 03:00+00]', 'Europe/London') AS y1970, pg_temp.candidates('[2100-02-28 22:00+00,2100-03-01 01:00+00)', 'UTC') AS y2100;
SELECT pg_temp.candidates('[2026-04-03 18:00+00,2026-04-04 12:00+00]', 'UTC', quiet => '22:00-08:00') AS over_midnight;
SELECT pg_temp.candidates('[2026-04-05 18:00+00,2026-04-06 08:00+00]', 'UTC', legal => 'sun 22:00-02:00; mon 06:00-08:00') AS over_the_week;
SELECT pg_temp.candidates('[2026-04-03 18:00+00,2026-04-06 12:00+00]', 'UTC', legal => '9-11', weekdays => 'sat-mon') AS weekend, pg_temp.candidates('[2026-04-03 18:00+00,2026-04-06 12:00+00]', 'UTC', legal => '9-11,23:30-24:00', weekdays => 'Monday, FRI', slot => '30 min') AS days;
SELECT pg_temp.candidates('[2026-04-03 09:00+00,2026-04-03 12:00+00)', 'UTC') AS half_open, pg_temp.candidates('(2026-04-03 09:00+00,2026-04-03 12:00+00]', 'UTC') AS other_half, pg_temp.candidates('[2026-04-03 09:00:00.5+00,2026-04-03 11:59:59+00]', 'UTC') AS seconds;
SELECT pg_temp.candidates('[2026-04-03 09:00+00,)', 'UTC', expires_at => '2026-04-03 11:00+00') AS until_expiry, pg_temp.candidates('(,2026-04-03 12:00+00)', 'UTC', as_of => '2026-04-03 09:30+00') AS from_now;

-- no candidate: the first minute that is allowed, or none
SELECT send_at, policy, propensity, p_response > 0 AS p FROM best_send_time(NULL, NULL, '[2026-04-03 09:10+00,2026-04-03 09:50+00]', 'UTC', as_of => '2026-04-01')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, '[2026-04-03 09:10+00,2026-04-03 09:50+00]', 'UTC', quiet => '9:00-9:20', as_of => '2026-04-01')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, '[2026-04-03 09:10+00,2026-04-03 09:50+00]', 'UTC', quiet => '9:00-10:00', as_of => '2026-04-01')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, '[2026-04-03 09:00+00,2026-04-03 09:00+00]', 'UTC', as_of => '2026-04-01')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, '[2026-04-03 09:00+00,2026-04-03 09:00+00)', 'UTC', as_of => '2026-04-01')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, 'empty', 'UTC', as_of => '2026-04-01')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, '[2026-04-03,2026-04-04)', 'UTC', as_of => '2026-04-05')
UNION ALL SELECT send_at, policy, propensity, p_response > 0 FROM best_send_time(NULL, NULL, '[2026-04-03,2026-04-04)', 'UTC', expires_at => '2026-04-02', as_of => '2026-04-01')
ORDER BY send_at, policy;

-- 23 and 1 o'clock are near to each other, and far from 12
SELECT min(abs(extract(hour FROM b.send_at) - 12)) AS from_noon FROM model,
	(SELECT response_hours(d, d + interval '2 min', 'UTC') AS h FROM (SELECT '2026-03-01 00:00+00'::timestamptz + i * interval '1 day' + CASE i % 2 WHEN 0 THEN 23 ELSE 1 END * interval '1 hour' AS d FROM generate_series(0, 19) AS i) AS s) AS c,
	LATERAL (SELECT * FROM best_send_time(h, "all", '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01') UNION ALL SELECT * FROM best_send_time(h, NULL, '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01')) AS b;
-- 500 in the morning with 5 % answered, 20 in the evening with 30 %
SELECT extract(hour FROM b.send_at) AS hour, num_messages(h) FROM model,
	(SELECT response_hours(d, CASE WHEN answered THEN d + interval '5 min' END, 'UTC') AS h FROM (
		SELECT '2025-09-01 10:00+00'::timestamptz + i * interval '10 hours 5 min' - (i * interval '10 hours 5 min' - date_trunc('day', i * interval '10 hours 5 min')) AS d, i % 20 = 0 AS answered FROM generate_series(1, 500) AS i
		UNION ALL SELECT '2025-09-01 20:00+00'::timestamptz + i * interval '10 days', i % 10 < 3 FROM generate_series(1, 20) AS i) AS s) AS c,
	LATERAL (SELECT * FROM best_send_time(h, "all", '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01') UNION ALL SELECT * FROM best_send_time(h, NULL, '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01')) AS b ORDER BY 1;
-- all at one hour, none answered: that hour is not the best for it
SELECT extract(hour FROM b.send_at) <> 10 AS elsewhere FROM (SELECT response_hours('2026-02-01 10:00+00'::timestamptz + i * interval '1 day', NULL, 'UTC') AS h FROM generate_series(0, 40) AS i) AS c,
	best_send_time(h, NULL, '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01') AS b;
-- what machines opened is unknown, not unanswered
SELECT a.p_response = b.p_response AS unknown, a.p_response > c.p_response AS not_a_no, a.n_eff = b.n_eff AS n
  FROM model, best_send_time('{2026-03-20T10:00+00:00 open 5, 2026-03-21T10:00+00:00, 2026-03-22T10:00+00:00 machine, 2026-03-23T10:00+00:00 machine}', "all", '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01') AS a,
	best_send_time('{2026-03-20T10:00+00:00 open 5, 2026-03-21T10:00+00:00}', "all", '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01') AS b,
	best_send_time('{2026-03-20T10:00+00:00 open 5, 2026-03-21T10:00+00:00, 2026-03-22T10:00+00:00, 2026-03-23T10:00+00:00}', "all", '[2026-04-01,2026-04-02)', 'UTC', as_of => '2026-04-01') AS c;
-- a message that is still out has been at risk until now, not for two days
SELECT round(sum(hours_at_risk)::numeric / 5, 4) AS hours FROM response_profile('{2026-03-30T22:30+00:00}', NULL, as_of => '2026-03-31 00:30+00') WHERE weekday < 6;
-- the customer moved: hours of the day stay
SELECT (send_at AT TIME ZONE zone)::time AS local FROM pg_catalog.unnest(ARRAY['Europe/Berlin', 'Asia/Kathmandu', 'America/New_York']) AS zone,
	best_send_time((SELECT response_hours('2026-03-01 06:00+00'::timestamptz + i * interval '1 day', '2026-03-01 06:30+00'::timestamptz + i * interval '1 day', 'Europe/Berlin') FROM generate_series(0, 20) AS i), NULL, '[2026-04-01,2026-04-03)', zone, legal => '5-22', as_of => '2026-04-01');

-- what is refused
SELECT best_send_time(NULL, NULL, NULL, 'UTC');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', NULL);
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'Mars/Olympus');
SELECT best_send_time(NULL, NULL, '[2026-04-01,)', 'UTC', as_of => '2026-04-01');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-06-02)', 'UTC', as_of => '2026-04-01');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', slot => '1 minute');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', valid_for => '-1 day');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', default_hour => 24, as_of => '2026-04-01');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', explore => 'NaN', as_of => '2026-04-01');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', control => 1.1, as_of => '2026-04-01');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', quiet => '22:00-22:00');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', quiet => '22:00');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', quiet => '22:60-23:00');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', legal => 'mon-fry 8-20');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', legal => 'mon 8-20 tue');
SELECT best_send_time(NULL, NULL, '[2026-04-01,2026-04-02)', 'UTC', weekdays => '');

-- evaluation
SELECT sum(messages) AS messages, sum(log_loss) < sum(log_loss_global) AS below_global, sum(log_loss) < sum(log_loss_population) AS below_population, sum(log_loss_population) < sum(log_loss_global) AS hours_help
  FROM hours, (SELECT fit_response_model(hours, '2026-03-01') AS m FROM hours) AS f, response_log_loss(hours, m, '2026-03-01', as_of => '2026-04-01');
SELECT snips(1, 0.5, 1), snips(0.5, 0.5, 3) FROM generate_series(1, 199);
SELECT (s).n, (s).enough, round((s).effective_size::numeric, 6) AS effective_size, round((s).estimate::numeric, 6) AS estimate
  FROM (SELECT snips(CASE i % 10 WHEN 0 THEN 0.9 ELSE 0.1 END, 0.1, CASE i % 10 WHEN 0 THEN 1 ELSE 0 END) AS s FROM generate_series(1, 2000) AS i) AS s;
SELECT round((s).estimate::numeric, 6) AS estimate, (s).enough FROM (SELECT snips(CASE WHEN i % 24 = 9 THEN 1 ELSE 0 END, 1 / 24.0, CASE WHEN i % 24 = 9 AND i % 5 = 0 THEN 1 ELSE 0 END) AS s FROM generate_series(1, 12000) AS i) AS s;
SELECT snips(NULL, 0.5, 1), snips(0.5, 0.5, 1) FILTER (WHERE false);
SELECT snips(1, 0, 1);
SELECT snips(1.5, 1, 1);
SELECT snips(1, 1, 'NaN');

-- channels
SELECT best_channel(channel, channel_value(delivered, responses, 0.1, 20, cost), last_response) FILTER (WHERE opted_in) AS opted_in, best_channel(channel, channel_value(delivered, responses, 0.1, 20, cost), last_response) AS all
  FROM (VALUES ('mail', 40, 8, 0.01, '2026-03-01'::timestamptz, true), ('push', 5, 2, 0.001, '2026-03-05', true), ('sms', 0, 0, 0.09, NULL, true), ('letter', 2, 2, 0.9, '2026-01-01', false)) AS v(channel, delivered, responses, cost, last_response, opted_in);
SELECT best_channel(channel, 1, last_response) FROM (VALUES ('mail', NULL::timestamptz), ('push', '2026-03-05'), ('sms', '2026-03-04')) AS v(channel, last_response);
SELECT best_channel(channel, 1, NULL) FROM (VALUES ('push'), ('mail'), ('mai'), (NULL)) AS v(channel);
SELECT best_channel('mail', 'NaN', NULL);
SELECT channel_value(5, 6, 0.1, 20);

-- with workers: the same bytes
CREATE TABLE public.send_time_hours WITH (parallel_workers = 2) AS SELECT * FROM hours;
CREATE TABLE public.send_time_sends WITH (parallel_workers = 2) AS SELECT * FROM sends;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT fit_response_model(hours, '2026-04-01') FROM public.send_time_hours;
SELECT fit_response_model(w.hours, '2026-04-01') = (SELECT "all" FROM model) AS fit, rollup(w.hours) = (SELECT rollup(hours) FROM hours) AS rolled FROM public.send_time_hours AS w;
SELECT population_hours(w.hours, '2026-04-01') = (SELECT population_hours(hours, '2026-04-01') FROM hours) AS counted FROM public.send_time_hours AS w;
SELECT response_hours(delivered_at, opened_at, 'UTC') = (SELECT response_hours(delivered_at, opened_at, 'UTC') FROM sends) AS messages, visit_hours(delivered_at, 'UTC') = (SELECT visit_hours(delivered_at, 'UTC') FROM sends) AS visits,
	snips(1, 0.5, customer % 3) = (SELECT snips(1, 0.5, customer % 3) FROM sends) AS snips, best_channel(customer::text, customer % 7, delivered_at) = (SELECT best_channel(customer::text, customer % 7, delivered_at) FROM sends) AS channel
  FROM public.send_time_sends;
DROP TABLE public.send_time_hours, public.send_time_sends;
