-- Drop-off against simulators whose answer is known: visitors who leave by a Weibull distribution of shape 0.6, seeded.
\ir lib/oracle.sql

CREATE FUNCTION uniform(seed bigint, i bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
	$$ SELECT (random_below(seed, i, 1 << 30) + 0.5) / (1 << 30) $$;

-- Shape k with this mean: the scale is mean / Γ(1 + 1/k), and Γ(1 + 1/0.6) = 1.5045755.
CREATE FUNCTION weibull(seed bigint, i bigint, mean double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS
	$$ SELECT mean / 1.504575488251556 * power(-ln(uniform(seed, i)), 1 / 0.6) $$;
CREATE FUNCTION present(t double precision, mean double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS
	$$ SELECT exp(-power(t * 1.504575488251556 / mean, 0.6)) $$;
-- What a trigger at t is truly worth, and the most that any is.
CREATE FUNCTION utility(t double precision, mean double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS
	$$ SELECT (1 - exp(-t / 8)) * (present(t, mean) - present(t + 10, mean)) - 0.02 * present(t + 10, mean) $$;
CREATE FUNCTION most(mean double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS
	$$ SELECT max(utility(t / 10.0, mean)) FROM generate_series(30, 3000) AS t $$;
CREATE FUNCTION trigger_seconds(d dropoff) RETURNS double precision LANGUAGE sql IMMUTABLE AS
	$$ SELECT extract(epoch FROM (best_trigger(d)).trigger_after)::double precision $$;

-- Why the mean is a bad time: most are gone.
SELECT fail_unless(abs(present(24, 24) - 0.28) < 0.005, 'of Weibull 0.6, 28 % are present at the mean');
SELECT fail_unless(abs(survival_at(d, 24) - 0.28) < 0.01 AND abs(mean_dwell(d) / 24 - 1) < 0.03 AND abs((median(d)).estimate / (24 / 1.504575488251556 * power(ln(2), 1 / 0.6)) - 1) < 0.03,
				   'share present at the mean, the mean and the median are those of the distribution: ' || survival_at(d, 24) || ', ' || mean_dwell(d) || ', ' || median(d))
  FROM (SELECT dropoff(weibull(1, i, 24), 'exit') AS d FROM generate_series(1, 50000) AS i) AS s;
-- Where seconds are bins, it is Kaplan-Meier.
SELECT fail_unless(count(*) = 61 AND max(abs(survival_at(d, t) - survival_at(k, t - 1e-6))) < 1e-12, 'survival is that of km, but for ' || max(abs(survival_at(d, t) - survival_at(k, t - 1e-6))))
  FROM (SELECT dropoff(weibull(1, i, 24), CASE WHEN i % 3 = 0 THEN 'exit' ELSE 'convert' END) AS d, km(weibull(1, i, 24), true) AS k FROM generate_series(1, 3000) AS i) AS s, generate_series(0, 60) AS t;
-- 95 % limits hold about as often as they say.
SELECT fail_unless(count(*) FILTER (WHERE (m).lower <= truth AND (m).upper >= truth) BETWEEN 180 AND 200, 'limits of the median hold ' || count(*) FILTER (WHERE (m).lower <= truth AND (m).upper >= truth) || ' times of 200')
  FROM (SELECT median(dropoff(weibull(seed, i, 60), CASE WHEN uniform(-seed, i) < 0.8 THEN 'exit' ELSE 'advance' END)) AS m, 60 / 1.504575488251556 * power(ln(2), 1 / 0.6) AS truth
		  FROM generate_series(1000, 1199) AS seed, generate_series(1, 400) AS i GROUP BY seed) AS s;

-- How much of the best utility is reached with few views.
CREATE TABLE reached AS
SELECT mean, n, avg(utility(trigger_seconds(d), mean) / most(mean)) AS share
  FROM (SELECT mean, n, seed, dropoff(weibull(seed, i, mean), 'exit') AS d
		  FROM (VALUES (24), (45)) AS m(mean), (VALUES (200, 60), (2000, 20)) AS v(n, seeds), generate_series(1, seeds) AS seed, generate_series(1, n) AS i GROUP BY mean, n, seed) AS s
 GROUP BY mean, n;
SELECT fail_unless(share >= CASE n WHEN 200 THEN 0.90 ELSE 0.95 END, 'with ' || n || ' views of mean ' || mean || ' s the trigger reaches ' || round(share::numeric, 3) || ' of the best') FROM reached;
SELECT fail_unless(count(*) = 4, 'each of them was tried') FROM reached;
-- Hazards fall from the first second on, and the trigger does not follow them down to 0.
SELECT fail_unless(trigger_seconds(dropoff(weibull(5, i, 24), 'exit')) BETWEEN 5 AND 12, 'the trigger is near 8 s') FROM generate_series(1, 20000) AS i;

-- A quarter of the tabs is left open: what was seen last counts, by heartbeats of 5 s, and nothing is added.
CREATE TABLE visit AS SELECT i, weibull(7, i, 24) AS dwell, uniform(8, i) < 0.25 AS left_open FROM generate_series(1, 20000) AS i;
CREATE TABLE method AS
SELECT dropoff(dwell, 'exit') AS clean, dropoff(CASE WHEN left_open THEN floor(dwell / 5) * 5 + 2.5 ELSE dwell END, 'exit') AS seen,
	   dropoff(CASE WHEN left_open THEN floor(dwell / 5) * 5 + 2.5 ELSE dwell END, CASE WHEN left_open THEN 'open' ELSE 'exit' END) AS censored,
	   avg(CASE WHEN left_open THEN dwell + 1800 ELSE dwell END) AS mean_with_timeouts FROM visit;
SELECT fail_unless(abs(trigger_seconds(seen) - trigger_seconds(clean)) <= 2 AND abs(trigger_seconds(censored) - trigger_seconds(clean)) <= 2,
				   'timeouts do not move the trigger: ' || trigger_seconds(clean) || ', ' || trigger_seconds(seen) || ', ' || trigger_seconds(censored)) FROM method;
SELECT fail_unless(least(utility(trigger_seconds(seen), 24), utility(trigger_seconds(censored), 24)) >= 0.95 * most(24), 'nor cost utility') FROM method;
SELECT fail_unless(mean_with_timeouts BETWEEN 420 AND 520 AND utility(mean_with_timeouts, 24) < 0.01 * most(24), 'the mean with timeouts is ' || mean_with_timeouts || ' s, and useless') FROM method;
-- Those that go on to another page compete; they neither are exits nor stay at risk.
SELECT fail_unless(abs(exit_incidence(d, 0, 600) - 0.5) < 0.02 AND abs(survival_at(d, 24) - 0.28) < 0.01, 'half leave, half go on: ' || exit_incidence(d, 0, 600) || ', ' || survival_at(d, 24))
  FROM (SELECT dropoff(dwell, CASE WHEN i % 2 = 0 THEN 'exit' ELSE 'advance' END) AS d FROM visit) AS s;

-- Segments with few views: with parents the trigger is never much worse than the parents' alone, and better than the segment's own.
SELECT fail_unless(with_parents > alone AND with_parents > 0.93, 'shrunk ' || with_parents || ', alone ' || alone)
  FROM (SELECT avg(utility(extract(epoch FROM (best_trigger(d, ARRAY[site])).trigger_after)::double precision, 24) / most(24)) AS with_parents, avg(utility(trigger_seconds(d), 24) / most(24)) AS alone
		  FROM (SELECT seed, dropoff(weibull(seed, i, 24), 'exit') AS d FROM generate_series(300, 339) AS seed, generate_series(1, 120) AS i GROUP BY seed) AS s,
			   (SELECT dropoff(weibull(9, i, 30), 'exit') AS site FROM generate_series(1, 5000) AS i) AS p) AS x;

-- Efficacy: who stays long buys more often, and a trigger adds 10 points at any time.  Who is still there in both arms says so; the arms as they are do not.
CREATE TABLE trial AS
SELECT i, CASE WHEN i % 2 = 0 THEN 5 + random_below(11, i, 30) END::double precision AS planned, weibull(12, i, 60) AS dwell FROM generate_series(1, 60000) AS i;
ALTER TABLE trial ADD converted boolean;
UPDATE trial SET converted = uniform(13, i) < least(0.6, dwell / 200) + CASE WHEN planned <= dwell THEN 0.1 ELSE 0 END;
SELECT fail_unless(count(*) = 6 AND bool_and(abs(t.difference - 0.1) < 4 * t.std_error AND abs(t.efficacy - 0.1) < 0.05), 'efficacy by bucket: ' || string_agg(t.start || ' ' || t.difference, ', '))
  FROM (SELECT trigger_efficacy(planned, dwell, converted) AS e FROM trial) AS s, efficacy_table(e) AS t WHERE t.start > 3 AND t.start < 35;
SELECT fail_unless(abs(avg(converted::int) FILTER (WHERE planned BETWEEN 20 AND 30 AND planned <= dwell) - avg(converted::int) FILTER (WHERE planned IS NULL) - 0.1) > 0.1, 'and without the condition it would be wrong')
  FROM trial;
