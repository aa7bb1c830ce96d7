-- Nearest sessions after random changes of sessions: always the table that plain SQL makes of the clicks, and that a fresh build makes.
\ir lib/oracle.sql

SELECT set_config('test.role', 'visitor_' || pg_backend_pid(), false) AS role \gset
CREATE ROLE :role;
CREATE SCHEMA shop AUTHORIZATION :role;
GRANT USAGE ON SCHEMA public, personalize TO :role;
SET ROLE :role;

-- Keys of all kinds for the same clicks; times that are often the same, and some of them about to leave the horizon.
CREATE TABLE shop.click (session bigint, item int, at timestamptz,
	visit uuid GENERATED ALWAYS AS (md5(session::text)::uuid) STORED, visitor text GENERATED ALWAYS AS ('v' || session % 97 || '/' || session) STORED,
	name text GENERATED ALWAYS AS ('item ' || item) STORED);
CREATE INDEX ON shop.click (session);
CREATE INDEX ON shop.click (visit);
CREATE INDEX ON shop.click (visitor);

-- A few items are in most of the sessions, so that lists are cut; others in fewer than a list has places.
CREATE FUNCTION shop.clicks(seed int, first int, n int) RETURNS TABLE (session bigint, item int, at timestamptz) LANGUAGE sql AS $$
	SELECT s, least(random_below(seed, s * 100 + c, 60), random_below(seed + 1, s * 100 + c, 60), random_below(seed + 2, s * 100 + c, 60))::int,
		   date_trunc('hour', now()) - random_below(seed + 3, s, 90) * interval '12 hours' + c / 3 * interval '1 minute'
	  FROM generate_series(first, first + n - 1) AS s, generate_series(1, 1 + random_below(seed + 4, s, 7)::int) AS c
$$;

INSERT INTO shop.click (session, item, at) SELECT * FROM shop.clicks(1, 1, 1500);

CREATE PROCEDURE shop.create_models(suffix text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM create_history('shop.number_h' || suffix, 'shop.click', 'session', 'item', happened => 'at');
	PERFORM create_history('shop.uuid_h' || suffix, 'shop.click', 'visit', 'name', happened => 'at', horizon => '40 days');
	PERFORM create_history('shop.text_h' || suffix, 'shop.click', 'visitor', 'item', happened => 'at');
	PERFORM create_sessions('shop.number' || suffix, ('shop.number_h' || suffix)::regclass, recent => 15);
	PERFORM create_sessions('shop.number_short' || suffix, ('shop.number_h' || suffix)::regclass, recent => 4, longest => 3);
	PERFORM create_sessions('shop.uuid' || suffix, ('shop.uuid_h' || suffix)::regclass, recent => 10);
	PERFORM create_sessions('shop.text' || suffix, ('shop.text_h' || suffix)::regclass, recent => 3);
	PERFORM create_sessions('shop.text_all' || suffix, ('shop.text_h' || suffix)::regclass, recent => 10000);
END $$;

-- What a model has to hold, by its registry row, from the clicks alone.
CREATE FUNCTION shop.expected(model regclass) RETURNS TABLE (item text, n double precision, sessions text[], happened timestamptz[]) LANGUAGE plpgsql AS $$
DECLARE
	s personalize.sessions;
	h personalize.history;
BEGIN
	SELECT * INTO STRICT s FROM personalize.sessions WHERE relation = model;
	SELECT * INTO STRICT h FROM personalize.history WHERE id = s.history_id;
	RETURN QUERY EXECUTE format(
		'WITH entry AS (SELECT DISTINCT %1$I AS session, %2$I AS item, max(at) OVER (PARTITION BY %1$I) AS happened FROM shop.click'
		'                WHERE $1 IS NULL OR at >= $1),'
		' counted AS (SELECT *, count(*) OVER (PARTITION BY session) AS size FROM entry),'
		' ranked AS (SELECT *, count(*) OVER (PARTITION BY item) AS n,'
		'                   row_number() OVER (PARTITION BY item ORDER BY happened DESC, session %3$s) AS rank'
		'              FROM counted WHERE size <= $2)'
		'SELECT item::text, n::double precision, array_agg(session::text ORDER BY rank), array_agg(happened ORDER BY rank)'
		'  FROM ranked WHERE rank <= $3 GROUP BY item, n',
		h.basket, h.item, CASE h.basket_type WHEN 'text'::regtype THEN 'COLLATE "C"' ELSE '' END)
		USING h.horizon_start, coalesce(s.longest, 1000000), s.recent;
END $$;

CREATE PROCEDURE shop.check_models(what text) LANGUAGE plpgsql AS $$
DECLARE
	s personalize.sessions;
	differing bigint;
	v record;
BEGIN
	FOR s IN SELECT * FROM personalize.sessions ORDER BY id LOOP
		EXECUTE format('WITH m AS (SELECT item::text, n, sessions::text[], happened FROM %1$s), e AS (SELECT * FROM shop.expected(%2$L))'
					   ' SELECT count(*) FROM ((TABLE m EXCEPT TABLE e) UNION ALL (TABLE e EXCEPT TABLE m)) AS d', s.relation, s.relation) INTO differing;
		PERFORM fail_unless(differing = 0, format('%s: %s: %s rows differ from plain SQL', what, s.relation, differing));
		SELECT * INTO v FROM verify(s.relation) LIMIT 1;
		PERFORM fail_unless(v.what IS NULL, format('%s: %s: verify: %s', what, s.relation, v));
	END LOOP;
END $$;

CREATE PROCEDURE shop.refresh_all() LANGUAGE plpgsql AS $$
DECLARE
	h regclass;
BEGIN
	FOR h IN SELECT relation FROM personalize.history ORDER BY id LOOP
		CALL personalize.refresh(h, rebuild => false);
	END LOOP;
END $$;

-- One kind of change a turn; how much of it depends on the turn, too.
CREATE PROCEDURE shop.change(turn int) LANGUAGE plpgsql AS $$
DECLARE
	size int := 1 + random_below(50, turn, 30)::int;
	popular int := random_below(51, turn, 6)::int;
BEGIN
	CASE random_below(52, turn, 9)
		WHEN 0 THEN	-- new sessions
			INSERT INTO shop.click (session, item, at) SELECT * FROM shop.clicks(turn, 10000 + turn * 100, size);
		WHEN 1 THEN	-- sessions go on
			INSERT INTO shop.click (session, item, at) SELECT session, random_below(turn, session, 60), now() FROM shop.click ORDER BY at DESC LIMIT size;
		WHEN 2 THEN	-- the most recent sessions of a popular item go
			DELETE FROM shop.click WHERE session IN (SELECT c.session FROM shop.click AS c WHERE c.item = popular ORDER BY at DESC LIMIT size);
		WHEN 3 THEN	-- they only lose it
			DELETE FROM shop.click AS c WHERE c.item = popular AND session IN (SELECT session FROM shop.click ORDER BY at DESC LIMIT size * 4);
		WHEN 4 THEN	-- old ones go
			DELETE FROM shop.click WHERE session IN (SELECT session FROM shop.click ORDER BY at LIMIT size);
		WHEN 5 THEN	-- a session was of another time after all
			UPDATE shop.click SET at = at - interval '30 days' WHERE session IN (SELECT session FROM shop.click ORDER BY at DESC LIMIT size / 4 + 1);
		WHEN 6 THEN	-- an item becomes another
			UPDATE shop.click AS c SET item = (c.item + turn) % 60 WHERE session % 40 = size;
		WHEN 7 THEN	-- sessions are one
			UPDATE shop.click SET session = session - 1 WHERE session % 50 = size;
		ELSE		-- nothing comes of it
			BEGIN
				DELETE FROM shop.click WHERE session % 3 = 0;
				RAISE EXCEPTION 'undone';
			EXCEPTION WHEN raise_exception THEN
			END;
	END CASE;
END $$;

CREATE PROCEDURE shop.turns(first int, last int) LANGUAGE plpgsql AS $$
BEGIN
	FOR turn IN first..last LOOP
		CALL shop.change(turn);
		IF random_below(60, turn, 3) > 0 THEN
			CALL shop.refresh_all();
			CALL shop.check_models('turn ' || turn);
		END IF;
	END LOOP;
	CALL shop.refresh_all();
	CALL shop.check_models('turn ' || last);
END $$;

SET client_min_messages = warning;
CALL shop.create_models('');
CALL shop.check_models('built');
CALL shop.turns(1, 60);

-- Time passes.
INSERT INTO shop.click (session, item, at) SELECT 900000 + s, s % 60, now() - interval '40 days' + s * interval '10 milliseconds' FROM generate_series(1, 100) AS s;
CALL shop.refresh_all();
CALL shop.check_models('about to expire');
SELECT pg_sleep(1.1);
CALL shop.refresh_all();
CALL shop.check_models('expired');

-- Little memory: lists in ranges, changes in rounds.
SET maintenance_work_mem = '1MB';
INSERT INTO shop.click (session, item, at) SELECT * FROM shop.clicks(5, 100000, 6000);
CALL shop.refresh_all();
CALL shop.check_models('many at once');
DELETE FROM shop.click WHERE session > 100000 AND session % 8 < 7;
CALL shop.refresh_all();
CALL shop.check_models('many deleted');
CALL shop.create_models('_little');
CALL shop.check_models('built with little memory');
RESET maintenance_work_mem;
CALL shop.turns(61, 70);

-- What widgets make of it: the same as SQL that goes through all of the sessions.
CREATE FUNCTION shop.weight(kind text, distance int, linear float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE kind WHEN 'linear' THEN linear WHEN 'quadratic' THEN linear * linear WHEN 'inverse' THEN 1.0 / distance WHEN 'same' THEN 1
		   ELSE ln(2::float8) / ln(1::float8 + distance) END
$$;
CREATE FUNCTION shop.plain(clicks int[], options jsonb) RETURNS TABLE (item int, score float8) LANGUAGE sql STABLE AS $$
	WITH o AS (SELECT (options->>'k')::int AS k, (options->>'recent')::int AS recent, least((options->>'last')::int, cardinality(clicks)) AS length,
					  (options->>'idf')::float8 AS idf, options->>'decay' AS decay, options->>'match' AS match),
		entry AS (SELECT session, c.item, happened FROM (SELECT session, e.item, max(max(at)) OVER (PARTITION BY session) AS happened FROM shop.click AS e GROUP BY session, e.item) AS c),
		n AS (SELECT e.item, count(*)::float8 AS n, (SELECT count(DISTINCT session) FROM entry) AS sessions FROM entry AS e GROUP BY e.item),
		visit AS (SELECT c.item, min(cardinality(clicks) - place + 1)::int AS distance FROM unnest(clicks) WITH ORDINALITY AS c(item, place), o
				   WHERE cardinality(clicks) - place < length GROUP BY c.item),
		listed AS (SELECT e.*, distance, row_number() OVER (PARTITION BY e.item ORDER BY happened DESC, session) AS place FROM entry AS e JOIN visit USING (item)),
		candidate AS (SELECT session, happened, sum(shop.weight(decay, distance, (length - distance + 1)::float8 / (SELECT count(*) FROM visit))) AS similarity,
							 row_number() OVER (ORDER BY happened DESC, session) AS place
						FROM listed, o WHERE place <= least(recent, 15) GROUP BY session, happened),
		nearest AS (SELECT c.*, row_number() OVER (ORDER BY round(similarity::numeric, 9) DESC, happened DESC, session) AS nearness FROM candidate AS c, o WHERE place <= recent),
		matched AS (SELECT session, similarity, min(distance) AS distance FROM nearest JOIN entry USING (session) JOIN visit USING (item), o WHERE nearness <= k GROUP BY session, similarity)
	SELECT e.item, sum(similarity * shop.weight(match, distance, greatest(1 - 0.1 * distance, 0))) * CASE WHEN max(sessions) > max(n) THEN ln(max(sessions / n)) ^ max(idf) ELSE 1 END
	  FROM matched JOIN entry AS e USING (session) JOIN n USING (item), o WHERE e.item <> clicks[cardinality(clicks)]
	 GROUP BY e.item HAVING sum(shop.weight(match, distance, greatest(1 - 0.1 * distance, 0))) > 0
$$;
CREATE PROCEDURE shop.compare_calls(turns int) LANGUAGE plpgsql AS $$
DECLARE
	kinds text[] := '{linear,quadratic,log,inverse,same}';
	options jsonb;
	clicks int[];
	v record;
BEGIN
	FOR turn IN 1..turns LOOP
		options := jsonb_build_object('k', 1 + random_below(70, turn, 40), 'recent', 1 + random_below(71, turn, 60), 'last', 1 + random_below(72, turn, 14),
									  'idf', random_below(73, turn, 3), 'decay', kinds[1 + random_below(74, turn, 5)], 'match', kinds[1 + random_below(75, turn, 5)]);
		clicks := ARRAY(SELECT random_below(76, turn * 100 + i, 62)::int FROM generate_series(1, 1 + random_below(77, turn, 13)) AS i);
		PERFORM alter_widget('shop.next', sources => jsonb_build_object('shop.number', options));
		SELECT r.item AS got_item, r.score AS got, p.item, p.score INTO v
		  FROM (SELECT item, score FROM shop.next(session => clicks, k => 1000) WHERE score > 0) AS r
		  FULL JOIN (SELECT item, score / max(score) OVER () AS score FROM shop.plain(clicks, options)) AS p USING (item)
		 WHERE abs(coalesce(r.score, -1) - coalesce(p.score, -1)) > 1e-9 LIMIT 1;
		PERFORM fail_unless(NOT FOUND, format('call %s, clicks %s, options %s: %s', turn, clicks, options, v));
	END LOOP;
END $$;
-- few sessions are enough, and plain SQL is slow
DELETE FROM shop.click WHERE session % 4 > 0;
CALL shop.refresh_all();
SELECT create_widget('shop.next', sources => '{"shop.number": 1}', histories => '{"clicked": "shop.number_h"}');
CALL shop.compare_calls(150);

-- A rebuild leaves what is right, and finds what is not.
UPDATE shop.number SET n = n + 1, sessions = sessions[1:2], happened = happened[1:2] WHERE item = 3;
SELECT fail_unless((SELECT count(*) FROM verify('shop.number') WHERE item = '3') = 2, 'a row that was changed');
DELETE FROM shop.number WHERE item = 2;
INSERT INTO shop.number VALUES (-5, 1, '{1}', '{2024-01-01}');
SELECT fail_unless((SELECT array_agg(what || ' ' || item ORDER BY item) FROM verify('shop.number') WHERE what = 'face') = '{face -5,face 2}', 'rows too many and too few');
CALL personalize.refresh('shop.number', rebuild => true);
CALL shop.check_models('rebuilt');

TRUNCATE shop.click;
CALL personalize.refresh('shop.number');
CALL personalize.refresh('shop.uuid');
CALL personalize.refresh('shop.text');
CALL personalize.refresh('shop.number_little');
CALL personalize.refresh('shop.uuid_little');
CALL personalize.refresh('shop.text_little');
CALL shop.check_models('empty');
SELECT fail_unless((SELECT count(*) FROM shop.number) = 0, 'no click, no row');

RESET ROLE;
DROP SCHEMA shop CASCADE;
DROP OWNED BY :role;
DROP ROLE :role;
