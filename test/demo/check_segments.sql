-- Every segment is what plain SQL over the orders finds, at one instant; and verify finds no difference. VIPs have :vip_orders orders and spent :vip_spent.
CREATE FUNCTION pg_temp.require(holds boolean, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF holds IS NOT TRUE THEN
		RAISE EXCEPTION '%', what;
	END IF;
END $$;

WITH bought AS MATERIALIZED (
	SELECT customer_id, count(*) FILTER (WHERE in_year) AS orders, sum(total) FILTER (WHERE in_year) AS spent, min(ordered_at) AS first, max(ordered_at) AS last,
		-- the numbers of RFM now, and when its limits were fitted
		(statement_timestamp() AT TIME ZONE zone)::date - (max(ordered_at) FILTER (WHERE in_year) AT TIME ZONE zone)::date AS days,
		(fitted AT TIME ZONE zone)::date - (max(ordered_at) FILTER (WHERE in_fit) AT TIME ZONE zone)::date AS fit_days, NULLIF(count(*) FILTER (WHERE in_fit), 0) AS fit_orders
	  FROM shop.order_totals, personalize.rfm_fit,
	  LATERAL (VALUES (ordered_at > statement_timestamp() - interval '365 days', ordered_at > fitted - interval '365 days' AND ordered_at <= fitted)) AS w(in_year, in_fit)
	 WHERE ordered_at <= statement_timestamp()
	 GROUP BY customer_id, zone, fitted
), limits AS (
	SELECT percentile_disc('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY fit_days DESC) AS r, percentile_disc('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY fit_orders) AS f FROM bought
), plain(segment, customer_id) AS (
	SELECT 'vips', customer_id FROM bought WHERE orders >= :vip_orders AND spent >= :vip_spent
	UNION ALL
	SELECT 'lapsing_vips', customer_id FROM bought WHERE orders >= :vip_orders AND spent >= :vip_spent AND last <= statement_timestamp() - interval '60 days'
	UNION ALL
	SELECT 'new_customers', customer_id FROM bought WHERE first > statement_timestamp() - interval '30 days'
	UNION ALL
	SELECT 'win_back', customer_id FROM bought WHERE last <= statement_timestamp() - interval '180 days'
	UNION ALL
	-- a score of 4 or 5 beats three of the four limits
	SELECT 'likely', customer_id FROM bought, limits WHERE days < r[3] AND orders > f[3]
), kept(segment, customer_id) AS (
	SELECT s, customer_id FROM shop.customers, unnest('{vips,lapsing_vips,new_customers,win_back,likely}'::text[]) AS s WHERE personalize.in_segment(('shop.' || s)::regclass, customer_id)
)
SELECT pg_temp.require(count(p) > 0 AND count(*) FILTER (WHERE p IS NULL OR k IS NULL) = 0, format('segment %s differs from plain SQL, or is empty', segment))
  FROM plain AS p FULL JOIN kept AS k USING (segment, customer_id) GROUP BY segment;
SELECT pg_temp.require(count(*) = 5 AND bool_and(problem IS NULL), 'not five segments without a problem') FROM personalize.segments;

-- The activity with all that its segments keep.
SELECT pg_temp.require(count(*) = 0, format('verify finds %s differences', count(*))) FROM personalize.verify('shop.activity');
SELECT pg_temp.require(count(v) = 0, format('verify finds differences of %s', segment)) FROM personalize.segments LEFT JOIN LATERAL personalize.verify(segment) AS v ON true GROUP BY segment;

-- A purchase takes a customer out of the lapsing VIPs at once; a rollback brings the customer back.
SELECT min(customer_id) AS who FROM shop.lapsing_vips() \gset
BEGIN;
CALL shop.buy(:who);
SELECT pg_temp.require(NOT personalize.in_segment('shop.lapsing_vips', :who) AND :who NOT IN (SELECT customer_id FROM shop.lapsing_vips()), 'a purchase does not count at once');
ROLLBACK;
SELECT pg_temp.require(personalize.in_segment('shop.lapsing_vips', :who) AND :who IN (SELECT customer_id FROM shop.lapsing_vips()), 'a rollback does not count at once');
