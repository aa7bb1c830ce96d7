# The pages of customer value, RFM and lookalikes work as written: every statement runs, and makes rows.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('pages');
my $docs = $node->config_data('--docdir');
chomp $docs;
plan skip_all => "$docs/personalize is not installed" unless -e "$docs/personalize/customer-value.md";

$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION personalize; CREATE SCHEMA shop');
# A year of a shop: most customers order once or twice and some drop out; products in six categories.
$node->safe_psql('postgres', <<'END');
CREATE TABLE shop.customers AS SELECT i AS customer_id, (ARRAY['GB', 'DE', 'FR'])[1 + i * i % 7 % 4] AS country, 'c' || i || '@example.com' AS email FROM generate_series(1, 3000) AS i;
CREATE TABLE shop.products AS SELECT i AS product_id, 'category ' || i % 6 AS category, 'brand ' || i % 11 AS brand, 4.0 + i % 90 AS price FROM generate_series(1, 200) AS i;
CREATE FUNCTION uniform(x bigint, seed int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT ((hashint8extended(x, seed) & 1073741823) + 0.5) / 1073741824.0 $$;
CREATE TABLE shop.orders AS
	SELECT customer_id * 100 + n AS order_id, customer_id, now() - interval '370 days' + (first + coalesce(days, 0)) * interval '1 day' AS ordered_at,
		   (20 / (uniform(customer_id, 1) + 0.3) * -(ln(uniform(customer_id * 100 + n, 2)) + ln(uniform(customer_id * 100 + n, 3)) + ln(uniform(customer_id * 100 + n, 4))) / 3)::numeric(12, 2) AS total
	  FROM (SELECT *, sum(gap) OVER (PARTITION BY customer_id ORDER BY n) AS days, bool_or(leaves) OVER (PARTITION BY customer_id ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gone
			  FROM (SELECT customer_id, n, customer_id % 250 AS first, CASE WHEN n > 0 THEN -ln(uniform(customer_id * 100 + n, 5)) / -ln(uniform(customer_id, 6)) * 50 END AS gap,
						   uniform(customer_id * 100 + n, 7) < power(uniform(customer_id, 8), 2) AS leaves FROM shop.customers, generate_series(0, 40) AS n) AS o) AS o
	 WHERE gone IS NOT TRUE AND first + coalesce(days, 0) < 370;
CREATE TABLE shop.order_lines AS
	SELECT order_id, customer_id, 1 + abs(hashint8(order_id * 13 + i * i * (customer_id % 5))) % 200 AS product_id, 1 AS quantity, ordered_at FROM shop.orders, generate_series(1, 3) AS i;
CREATE TABLE shop.events AS SELECT customer_id, 'purchase' AS event, ordered_at AS at, total AS amount FROM shop.orders
	UNION ALL SELECT customer_id, 'visit', ordered_at - interval '2 days', NULL FROM shop.orders;
CREATE MATERIALIZED VIEW shop.activity AS SELECT customer_id, personalize.activity(event, at, amount) AS activity FROM shop.events GROUP BY customer_id;
ANALYZE;
END

for my $page (grep { -e "$docs/personalize/$_.md" } qw(customer-value rfm lookalike))
{
	for my $block (slurp_file("$docs/personalize/$page.md") =~ /^```sql\n(.*?)^```$/msg)
	{
		# statement by statement, so that each is seen to give something
		for my $statement (grep { /\S/ } split /;\s*(?:\n|$)/, $block =~ s/;(\s*--[^\n]*)\n/;\n/gr)
		{
			my ($status, $stdout, $stderr) = $node->psql('postgres', $statement, on_error_stop => 1);
			my ($what) = $statement =~ /^([^-\s][^\n]{0,60})/m;
			is($status, 0, "$page: $what") or diag($stderr);
			isnt($stdout, '', "$page: has rows") if $statement =~ /^(?:SELECT|WITH)/m && $statement !~ /^CREATE/m;
		}
	}
}
is($node->safe_psql('postgres', 'SELECT personalize.problem(m) FROM shop.value_model'), '', 'the fit of the page has parameters');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM shop.country_models WHERE personalize.problem(m) IS NULL'), '==', 3, 'each country has a model');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM shop.value_calibration WHERE bucket IS NULL'), '==', 1, 'the calibration has a total');

$node->stop;
done_testing();
