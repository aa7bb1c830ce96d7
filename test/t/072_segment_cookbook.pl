# The page of twenty segments works as written, and each segment has the members that plain SQL over the shop's tables finds.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cookbook');
my $docs = $node->config_data('--docdir');
chomp $docs;
my $page = "$docs/personalize/segment_cookbook.md";
plan skip_all => "$page is not installed" unless -e $page;

$node->init;
$node->start;
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION personalize;
CREATE SCHEMA shop;
CREATE FUNCTION u(x bigint, seed int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(x, seed) & 1073741823) / 1073741824.0 $$;
CREATE TABLE shop.customers AS
	SELECT i::bigint AS customer_id, (ARRAY['IN', 'GB', 'US', 'DE'])[1 + i % 4] AS country, CASE WHEN i % 5 = 0 THEN 'gold' WHEN i % 7 > 0 THEN 'silver' END AS tier,
		   now() - u(i, 1) * u(i, 1) * interval '400 days' AS registered_at, (ARRAY['Asia/Kolkata', 'Europe/London', 'America/New_York', 'Australia/Lord_Howe', NULL])[1 + i % 5] AS time_zone,
		   CASE i % 3 WHEN 0 THEN '{email,push}' WHEN 1 THEN '{push}' END::text[] AS consents
	  FROM generate_series(1, 3000) AS i;
ALTER TABLE shop.customers ADD PRIMARY KEY (customer_id);
-- Customers buy at paces of their own; some buy nothing.
CREATE TABLE shop.orders AS
	SELECT c * 100 + n AS order_id, c AS customer_id, now() - (u(c, 2) * 40 + n * (4 + 90 * u(c, 3))) * u(c * 100 + n, 4) * 2 * interval '1 day' AS ordered_at,
		   round((20 + 300 * u(c, 5) * u(c * 100 + n, 6))::numeric, 2) AS total
	  FROM generate_series(1, 3000) AS c, generate_series(1, 8) AS n WHERE n <= 9 * u(c, 7) - 1;
-- and some have not come back since last year
INSERT INTO shop.orders SELECT 20000000 + c, c, date_trunc('year', now()) - (1 + 300 * u(c, 14)) * interval '1 day', 45 FROM generate_series(1, 3000) AS c WHERE u(c, 7) < 0.1;
CREATE TABLE shop.returns AS SELECT order_id AS return_id, customer_id, ordered_at + interval '3 days' AS returned_at, total AS refund FROM shop.orders WHERE u(order_id, 8) < 0.15 AND ordered_at < now() - interval '4 days';
CREATE TABLE shop.events AS
	SELECT c AS customer_id, (ARRAY['view', 'view', 'cart', 'email_sent', 'email_sent', 'email_sent', 'email_click'])[1 + (7 * u(c * 100 + n, 9))::int % 7] AS kind,
		   now() - u(c * 100 + n, 10) * u(c, 11) * interval '100 days' AS at
	  FROM generate_series(1, 3000) AS c, generate_series(1, 30) AS n WHERE n <= 35 * u(c, 12);
-- some who put something into the cart buy at once
INSERT INTO shop.orders SELECT 10000000 + row_number() OVER (), customer_id, at + interval '20 minutes', 45 FROM shop.events WHERE kind = 'cart' AND at < now() - interval '1 hour' AND customer_id % 3 = 0;
CREATE TABLE shop.scores AS SELECT c AS customer_id, m AS model, u(c, 13 + length(m)) AS score FROM generate_series(1, 3000) AS c, unnest('{churn_90,next}'::text[]) AS m WHERE c % 6 > 0;
CREATE INDEX ON shop.orders (customer_id);
CREATE INDEX ON shop.returns (customer_id);
CREATE INDEX ON shop.events (customer_id);
CREATE INDEX ON shop.scores (customer_id);
ANALYZE;
END

my $statements = join '', slurp_file($page) =~ /^```sql\n(.*?)^```$/msg;
my ($status, undef, $stderr) = $node->psql('postgres', $statements, on_error_stop => 1);
is($status, 0, 'the page runs as written') or diag($stderr);

# As of the start of a statement, like everything here; windows are half-open, ages as written.
my $now = 'statement_timestamp()';
my $recent = sub { my ($table, $at, $days, $more) = @_; "EXISTS (SELECT FROM shop.$table AS e WHERE e.customer_id = c.customer_id AND e.$at > $now - interval '$days' AND e.$at <= $now" . ($more ? " AND $more" : '') . ')' };
my $sum = sub { my ($what, $table, $at, $days) = @_; "(SELECT $what FROM shop.$table AS e WHERE e.customer_id = c.customer_id AND e.$at > $now - interval '$days' AND e.$at <= $now)" };
my $ever = '10000 days';
my $bought = $recent->('orders', 'ordered_at', $ever);
my $orders = sub { $sum->('count(*)', 'orders', 'ordered_at', shift) };
my $spent = sub { $sum->('coalesce(sum(total), 0)', 'orders', 'ordered_at', shift) };
my $last = $sum->('max(ordered_at)', 'orders', 'ordered_at', $ever);
my $year = sub { "(date_trunc('year', $now AT TIME ZONE z.zone) " . shift . ') AT TIME ZONE z.zone' };
my $in_year = sub { my ($from, $to) = @_; "EXISTS (SELECT FROM shop.orders AS e WHERE e.customer_id = c.customer_id AND e.ordered_at >= " . $year->($from) . " AND e.ordered_at < " . $year->($to) . " AND e.ordered_at <= $now)" };
my $kinds = sub { my ($kind, $days) = @_; "(SELECT count(*) FROM shop.events AS e WHERE e.customer_id = c.customer_id AND e.kind = '$kind' AND e.at > $now - interval '$days' AND e.at <= $now)" };
my $unengaged = $kinds->('email_sent', '90 days') . ' >= 10 AND ' . $kinds->('email_click', '90 days') . ' = 0';
my $just_bought = $recent->('orders', 'ordered_at', '7 days');
my $last_cart = "(SELECT max(e.at) FROM shop.events AS e WHERE e.customer_id = c.customer_id AND e.kind = 'cart' AND e.at <= $now)";

my %oracle = (
	prospects => "NOT $bought",
	welcome => "c.registered_at > $now - interval '7 days' AND NOT $bought",
	new_customers => $orders->($ever) . " = 1 AND $last >= $now - interval '30 days'",
	second_purchase => $orders->($ever) . " = 1 AND $last < $now - interval '30 days' AND $last >= $now - interval '90 days'",
	on_fire => "EXISTS (SELECT FROM shop.orders AS a, shop.orders AS b WHERE a.customer_id = c.customer_id AND b.customer_id = c.customer_id AND a.ordered_at < b.ordered_at
		AND a.ordered_at >= b.ordered_at - interval '14 days' AND b.ordered_at > $now - interval '90 days' AND b.ordered_at <= $now)",
	regulars => "(SELECT count(DISTINCT floor(extract(epoch FROM $now - e.ordered_at) / 2592000)) FROM shop.orders AS e WHERE e.customer_id = c.customer_id AND e.ordered_at > $now - interval '120 days' AND e.ordered_at <= $now) >= 3",
	vips => $orders->('365 days') . ' >= 4 AND ' . $spent->('365 days') . ' >= 1000',
	big_baskets => $recent->('orders', 'ordered_at', '365 days', 'total >= 250'),
	small_baskets => $orders->('365 days') . ' >= 3 AND ' . $sum->('avg(total)', 'orders', 'ordered_at', '365 days') . ' < 60',
	returners => $sum->('count(*)', 'returns', 'returned_at', '365 days') . ' >= 2 AND ' . $sum->('sum(refund)', 'returns', 'returned_at', '365 days') . ' >= 200',
	abandoned_carts => "$last_cart > $now - interval '3 days' AND $last_cart <= $now - interval '1 hour' AND NOT EXISTS (SELECT FROM shop.orders AS e WHERE e.customer_id = c.customer_id
		AND e.ordered_at > $last_cart AND e.ordered_at <= $last_cart + interval '1 hour')",
	browsers => $kinds->('view', '7 days') . ' >= 3 AND ' . $kinds->('cart', '7 days') . " = 0 AND NOT $just_bought",
	just_bought => $just_bought,
	lapsing_vips => $orders->('365 days') . ' >= 4 AND NOT ' . $recent->('orders', 'ordered_at', '60 days') . " AND c.country IN ('IN', 'GB')",
	win_back => $orders->($ever) . " >= 2 AND $last <= $now - interval '180 days'",
	last_year => $in_year->("- interval '1 year'", '') . ' AND NOT ' . $in_year->('', "+ interval '1 year'"),
	likely_to_leave => "EXISTS (SELECT FROM shop.scores AS s WHERE s.customer_id = c.customer_id AND s.model = 'churn_90' AND s.score >= 0.66) AND " . $spent->('365 days') . ' >= 300',
	unengaged => $unengaged,
);

my $zones = "LATERAL (SELECT coalesce(c.time_zone, current_setting('TimeZone'))) AS z(zone)";
sub differ
{
	my ($segment, $condition) = @_;
	return "SELECT (SELECT count(*) FROM shop.customers AS c, $zones WHERE ($condition) IS DISTINCT FROM personalize.in_segment('shop.$segment', c.customer_id) AND (($condition) OR personalize.in_segment('shop.$segment', c.customer_id)))
		|| ' of ' || (SELECT count(*) > 0 FROM shop.$segment())";
}
is($node->safe_psql('postgres', differ($_, $oracle{$_})), '0 of true', "$_: members are those of the SQL") foreach sort keys %oracle;

# Each as its own SQL, which reads the shop's tables only.
foreach my $segment (split /\n/, $node->safe_psql('postgres', 'SELECT segment FROM personalize.segments ORDER BY segment::text'))
{
	my $sql = $node->safe_psql('postgres', "SELECT personalize.segment_sql('$segment')");
	is($node->safe_psql('postgres', "WITH query AS ($sql) SELECT count(*) FILTER (WHERE q.customer_id IS NULL OR s.customer_id IS NULL) || ' of ' || (count(*) > 0)
		FROM query AS q FULL JOIN $segment() AS s USING (customer_id)"), '0 of true', "$segment: the same by segment_sql()");
}

# What no short SQL says: by parts of itself.
is($node->safe_psql('postgres', "SELECT count(*) > 50 AND count(*) < 1500, bool_and('{email}' <@ c.consents), bool_and(NOT ($unengaged)), bool_and(NOT $just_bought) FROM shop.customers AS c JOIN shop.spring() AS s USING (customer_id)"),
	't|t|t|t', 'spring: consent, read, and not just bought');
is($node->safe_psql('postgres', "SELECT count(*) > 10, avg(personalize.frequency(activity)) > 1.5 * (SELECT avg(personalize.frequency(activity)) FROM shop.activity WHERE personalize.frequency(activity) > 0) FROM shop.activity JOIN shop.champions() AS s USING (customer_id)"),
	't|t', 'champions buy more often than others');
is($node->safe_psql('postgres', "SELECT count(*), sum((in_all <> members)::int) FROM (SELECT s.members, (SELECT count(*) FROM personalize.segment(s.segment)) AS in_all FROM personalize.segments AS s WHERE problem IS NULL) AS x"), '20|0',
	'twenty segments, none with a problem, and counts as of the refresh');

# An order in the same transaction, and its rollback; then by a refresh.
is($node->safe_psql('postgres', <<'END'), "f\nt\nf\n0", 'a lapsing VIP who orders is none any more');
SELECT customer_id AS vip FROM shop.lapsing_vips() ORDER BY 1 LIMIT 1 \gset
BEGIN;
INSERT INTO shop.orders VALUES (0, :vip, now(), 10);
SELECT personalize.in_segment('shop.lapsing_vips', :vip);
ROLLBACK;
SELECT personalize.in_segment('shop.lapsing_vips', :vip);
INSERT INTO shop.orders VALUES (0, :vip, now(), 10);
SELECT personalize.in_segment('shop.lapsing_vips', :vip);
CALL personalize.refresh('shop.activity');
SELECT count(*) FROM shop.lapsing_vips WHERE customer_id = :vip;
END
is($node->safe_psql('postgres', differ($_, $oracle{$_})), '0 of true', "$_: so they are after a refresh") foreach qw(lapsing_vips just_bought vips unengaged);
is($node->safe_psql('postgres', "SELECT count(*) FROM personalize.segments AS s, personalize.verify(s.segment)"), '0', 'verify has nothing to say');

$node->stop;
done_testing();
