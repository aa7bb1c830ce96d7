-- Segments and what customers are worth, for a person to read.
SELECT format(E'\n  %-20s %8s  %s', 'segment', 'members', 'rule');
SELECT format('  %-20s %8s  %s', split_part(segment::text, '.', 2), to_char(members, 'FM999,999'), rule) FROM personalize.segments ORDER BY members DESC, segment::text;

SELECT format(E'\n  %-40s %9s   %s', 'as sets: vips & likely', to_char(personalize.cardinality(personalize.segment_set('shop.vips') OPERATOR(personalize.&) personalize.segment_set('shop.likely')), 'FM999,990'),
	format('%s times as many as by chance', round(lift::numeric, 1))) FROM personalize.segment_overlap('{shop.vips,shop.likely}');
SELECT format('  %-40s %9s', 'as sets: vips - likely', to_char(personalize.cardinality(personalize.segment_set('shop.vips') OPERATOR(personalize.-) personalize.segment_set('shop.likely')), 'FM999,990'));
SELECT format('  %-40s %9s   %s', 'WHERE in_segment(…) AND country = …', to_char(count(*), 'FM999,990'), 'lapsing VIPs of the United Kingdom')
  FROM shop.customers AS c WHERE personalize.in_segment('shop.lapsing_vips', c.customer_id) AND c.country = 'United Kingdom';

-- The lapsing VIP who spent most; and what a purchase makes of that at once, and only for who sees it.
SELECT v.customer_id AS who, c.name AS who_name
  FROM shop.lapsing_vips() AS v JOIN shop.customers AS c USING (customer_id) JOIN shop.buyers AS b USING (customer_id) ORDER BY personalize.total_value(b.b) DESC, 1 LIMIT 1 \gset
SELECT format(E'\nWhy %s is one of them\n  %-46s %-6s %-52s %s', :'who_name', 'condition', 'holds', 'found', 'without an event, until');
SELECT format('  %-46s %-6s %-52s %s', repeat('  ', depth) || condition, CASE WHEN value THEN 'yes' WHEN NOT value THEN 'no' END, evidence,
	CASE WHEN isfinite(stable_until) THEN to_char(stable_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') ELSE 'for ever' END)
  FROM personalize.segment_explain('shop.lapsing_vips', :who) ORDER BY place;

SELECT personalize.in_segment('shop.lapsing_vips', :who) AS member, count(*) AS members FROM shop.lapsing_vips() \gset before_
BEGIN;
CALL shop.buy(:who);
SELECT personalize.in_segment('shop.lapsing_vips', :who) AS member, count(*) AS members FROM shop.lapsing_vips() \gset bought_
ROLLBACK;
SELECT personalize.in_segment('shop.lapsing_vips', :who) AS member, count(*) AS members FROM shop.lapsing_vips() \gset after_
SELECT format('  %-46s %-6s %s', what, CASE WHEN member THEN 'yes' ELSE 'no' END, format('%s members', to_char(members, 'FM999,990')))
  FROM (VALUES (1, 'a lapsing VIP', :'before_member'::boolean, :before_members), (2, 'after BEGIN and a purchase', :'bought_member', :bought_members),
	(3, 'after ROLLBACK', :'after_member', :after_members)) AS v(place, what, member, members) ORDER BY place;

-- Value. Where no model can be fitted that is what is said, and rates of customers alike stand in for it.
SELECT format(E'\nWhat customers will buy: %s', CASE WHEN personalize.is_fallback(m) THEN format(E'no model, as %s.\n  Instead, the rates at which customers alike have ordered lately:', personalize.problem(m))
	ELSE format('a model of %s customers', to_char(personalize.parameter(m, 'customers'), 'FM999,999')) END) FROM shop.value_model;
SELECT format('  %-24s %7s %10s  %22s %20s %20s', 'customer', 'orders', 'spent', 'orders within 90 days', 'chance of none', 'worth, half a year');
SELECT format('  %-24s %7s %10s  %22s %20s %20s', c.name, personalize.frequency(b) + 1, to_char(personalize.total_value(b), 'FM999,990.00'),
	round(personalize.expected_purchases(b, m, '90 days')::numeric, 1), round(100 * personalize.churn_risk(b, m, '90 days')::numeric, 1) || ' %', coalesce(to_char(worth, 'FM999,990.00'), 'not known'))
  FROM (SELECT *, personalize.lifetime_value(b, m, '180 days', margin => 0.3) AS worth FROM shop.buyers, shop.value_model ORDER BY worth DESC NULLS LAST, personalize.total_value(b) DESC, customer_id LIMIT 3) AS x
  JOIN shop.customers AS c USING (customer_id) ORDER BY worth DESC NULLS LAST, personalize.total_value(b) DESC, customer_id;
SELECT format('  as of 90 days ago: %s orders predicted, %s came%s', to_char(predicted_orders, 'FM999,999'), to_char(actual_orders, 'FM999,999'), coalesce(': ' || problem, ''))
  FROM shop.value_calibration WHERE bucket IS NULL;
