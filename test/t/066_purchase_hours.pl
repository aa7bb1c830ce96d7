# Real hours of purchases: a customer's own hours, shrunk to those of all, against the hours of all alone; the last order of each customer is left out.
# The data lies beside the project, in PERSONALIZE_DATA; a machine may not have it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = $ENV{PERSONALIZE_DATA} || '../shared/data';
unless (-r "$data/online_retail/online_retail.csv.gz" && -r "$data/completejourney/transactions_sample.csv.gz")
{
	diag("skipped: $data is not there");
	plan skip_all => "$data is not there";
}

my $node = PostgreSQL::Test::Cluster->new('hours');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\ntimezone = 'UTC'");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

sub load
{
	my ($table, $file, $columns) = @_;
	(my $quoted = "gzip -dc '$data/$file'") =~ s/'/''/g;
	sql("CREATE TABLE $table ($columns); COPY $table FROM PROGRAM '$quoted' (FORMAT csv, HEADER, NULL 'NA')");
}

# Orders are hours with a visit.  The hours of all are written down as a model, where each hour of the week was at risk as long as any other.
sub losses
{
	my ($orders) = @_;
	sql(<<"END");
DROP TABLE IF EXISTS past, seen, global, written CASCADE;
CREATE TABLE past AS SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at DESC, basket) AS back, count(*) OVER (PARTITION BY customer) AS orders FROM ($orders) AS o;
CREATE TABLE seen AS SELECT customer, personalize.visit_hours(at, 'UTC') AS hours FROM past WHERE back > 1 GROUP BY customer;
CREATE TABLE global AS SELECT hour, count(back) + 0.5 AS n FROM generate_series(0, 23) AS hour LEFT JOIN past ON back > 1 AND extract(hour FROM at) = hour GROUP BY hour;
CREATE TABLE written AS
SELECT format('half_life=0 customers=1 visit_rate=%s open %s click %2\$s', rate, fit)::personalize.response_model AS model
  FROM (SELECT sum(orders) / sum(days) / 24 AS rate FROM (SELECT count(*) AS orders, extract(epoch FROM max(at) - min(at)) / 86400 + 1 AS days FROM past WHERE back > 1 GROUP BY customer) AS c) AS r,
	(SELECT format('messages=1000 held_out=0 visit_weight=1 lags={%s1} responses={%s} risk={%s100000}', repeat('1,', 47), string_agg(n::text, ',' ORDER BY day, hour), repeat('100000,', 167)) AS fit
	   FROM global, generate_series(1, 7) AS day) AS f;
END
	return split /\|/, sql(<<'END');
SELECT count(*), avg(-ln(own.share)), avg(-ln(g.share)), avg((own.place <= 3)::int), avg((g.place <= 3)::int)
  FROM past AS p JOIN seen USING (customer) CROSS JOIN written
  CROSS JOIN LATERAL (SELECT hour, rate / sum(rate) OVER () AS share, row_number() OVER (ORDER BY rate DESC, hour) AS place
	FROM personalize.response_profile(seen.hours, model, as_of => p.at - interval '1 minute') WHERE weekday = extract(isodow FROM p.at)) AS own
  JOIN (SELECT hour, n / sum(n) OVER () AS share, row_number() OVER (ORDER BY n DESC, hour) AS place FROM global) AS g USING (hour)
 WHERE p.back = 1 AND p.orders >= 4 AND own.hour = extract(hour FROM p.at);
END
}

sql('CREATE EXTENSION personalize');
load('retail', 'online_retail/online_retail.csv.gz', 'basket text, stock text, description text, quantity int, at timestamp, price float8, customer text, country text');
my ($n, $own, $global, $own_top, $global_top) = losses(q{SELECT customer, basket, min(at)::timestamptz AS at FROM retail
	WHERE customer <> '' AND basket NOT LIKE 'C%' AND quantity > 0 AND price > 0 GROUP BY 1, 2});
diag(sprintf 'online_retail: %d customers, log loss %.4f by all, %.4f by their own hours; top 3 %.4f, %.4f', $n, $global, $own, $global_top, $own_top);
is($n, 1502, 'online_retail: customers with four orders or more');
cmp_ok(abs($global - 2.2646), '<', .001, 'online_retail: the hours of all lose what was published');
cmp_ok($own, '<', $global - .02, 'online_retail: own hours are better');
cmp_ok($own_top, '>', $global_top + .02, 'online_retail: and so are the three best of them');

load('journey', 'completejourney/transactions_sample.csv.gz', 'customer text, store text, basket text, product text, quantity int, value float8, d1 float8, d2 float8, d3 float8, week int, at timestamp');
($n, $own, $global, $own_top, $global_top) = losses('SELECT customer, basket, min(at)::timestamptz AS at FROM journey GROUP BY 1, 2');
diag(sprintf 'completejourney: %d customers, log loss %.4f by all, %.4f by their own hours; top 3 %.4f, %.4f', $n, $global, $own, $global_top, $own_top);
is($n, 2064, 'completejourney: customers with four baskets or more');
cmp_ok(abs($global - 2.7506), '<', .002, 'completejourney: the hours of all lose what was published');
cmp_ok($own, '<=', $global, 'completejourney: own hours are no worse');

$node->stop;
done_testing();
