# Published numbers: models of the 1997 cohort of CDNOW (Fader, Hardie, Lee 2005), from its transactions.
# The data lies beside the project, in PERSONALIZE_DATA; a machine may not have it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{PERSONALIZE_DATA} || '../shared/data') . '/cdnow';
unless (-r "$data/CDNOW_sample.txt.gz")
{
	diag("skipped: $data is not there");
	plan skip_all => "$data is not there";
}

my $node = PostgreSQL::Test::Cluster->new('cdnow');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub near
{
	my ($got, $want, $tolerance, $what) = @_;
	ok(abs($got - $want) <= $tolerance, $what) or diag("got $got, want $want");
}

sql('CREATE EXTENSION personalize; CREATE TABLE line (line text)');
(my $quoted = "gzip -dc '$data/CDNOW_sample.txt.gz'") =~ s/'/''/g;
sql("COPY line FROM PROGRAM '$quoted'");
# The published summary counts eight free orders as purchases.
sql(q{CREATE TABLE customer AS SELECT p[2]::int AS id, personalize.buyer(p[3]::date, greatest(p[5]::float8, 0.0001)) AS b
	FROM (SELECT regexp_split_to_array(trim(both E' \r' FROM line), ' +') AS p FROM line) AS l GROUP BY 1});
is(sql(q{SELECT count(*), sum(personalize.frequency(b, '1997-09-30')), count(*) FILTER (WHERE personalize.frequency(b, '1997-09-30') = 0) FROM customer}),
	'2357|2457|1411', 'customers, repeat orders, customers without');

# Published are weeks and values of two decimals.
sql(q{CREATE TABLE grouped AS SELECT personalize.frequency(b, '1997-09-30') AS x, round(personalize.recency(b, '1997-09-30')::numeric, 2)::float8 AS t_x,
	round(personalize.age(b, '1997-09-30')::numeric, 2)::float8 AS t, round(personalize.mean_value(b, '1997-09-30')::numeric, 2)::float8 AS mean, count(*) AS n
	FROM customer GROUP BY 1, 2, 3, 4});
is(sql('SELECT count(DISTINCT (x, t_x, t)) FROM grouped'), '1016', 'distinct triples');

my %published = (
	'bg/nbd' => { r => .24259, alpha => 4.41353, a => .79289, b => 2.42575, log_likelihood => -9582.4256 },
	'mbg/nbd' => { r => .52484, alpha => 6.18299, a => .89136, b => 1.61400, log_likelihood => -9582.1327 },
	'pareto/nbd' => { r => .55328, alpha => 10.57761, s => .60621, beta => 11.66791, log_likelihood => -9594.9739 });
sql('CREATE TABLE fit (kind text PRIMARY KEY, m personalize.buyer_model, raw personalize.buyer_model)');
for my $kind (sort keys %published)
{
	sql("INSERT INTO fit SELECT '$kind', (SELECT personalize.fit_buyers(x, t_x, t, mean, n, '$kind') FROM grouped),
		(SELECT personalize.fit_buyers(b, '1997-09-30', '$kind') FROM customer)");
	diag($kind . ': ' . sql("SELECT m FROM fit WHERE kind = '$kind'"));
	for my $name (sort keys %{ $published{$kind} })
	{
		near(sql("SELECT personalize.parameter(m, '$name') FROM fit WHERE kind = '$kind'"), $published{$kind}{$name}, .001, "$kind: $name");
		near(sql("SELECT personalize.parameter(raw, '$name') FROM fit WHERE kind = '$kind'"), $published{$kind}{$name}, .005, "$kind: $name, from days");
	}
}
my %spend = (p => 6.24880, q => 3.74459, v => 15.44774, spend_log_likelihood => -4055.9232, repeat_customers => 946);
near(sql("SELECT personalize.parameter(m, '$_') FROM fit WHERE kind = 'mbg/nbd'"), $spend{$_}, .001, "gamma-gamma: $_") for sort keys %spend;
near(sql("SELECT personalize.expected_spend(0, 0, m) FROM fit WHERE kind = 'mbg/nbd'"), 35.171, .001, 'mean value of an order');

# Eight digits: x, t_x, T, E[X(39)], P(alive), P(none in 90 days) of BG/NBD, then the last two of MBG/NBD.
for ([ 2, 30.43, 38.86, 1.225910480, .726609165, .678840913, .706126223, .668452274 ],
	[ 1, 1.71, 38.86, .203250664, .212227427, .941381320, .170819613, .945660178 ],
	[ 0, 0, 38.86, .194780850, 1, .938841670, .389716366, .951880472 ],
	[ 7, 29.43, 38.86, 3.337239461, .641800614 ],
	[ 29, 36, 38.86, 17.077945131, .838601466, .161815200, .831966650, .168534945 ],
	[ 1000, 99, 100, 25.25394882, .076949189 ],
	[ 1000, 10, 100, 0, 0 ])
{
	my ($x, $t_x, $t, @want) = @$_;
	my @got = split /\|/, sql("SELECT personalize.expected_purchases($x, $t_x, $t, g.m, 39), personalize.probability_alive($x, $t_x, $t, g.m),
		personalize.churn_risk($x, $t_x, $t, g.m, 90 / 7.0), personalize.probability_alive($x, $t_x, $t, m.m), personalize.churn_risk($x, $t_x, $t, m.m, 90 / 7.0)
		FROM fit AS g, fit AS m WHERE g.kind = 'bg/nbd' AND m.kind = 'mbg/nbd'");
	near($got[$_], $want[$_], 2e-7 * ($want[$_] > 1 ? $want[$_] : 1), "($x, $t_x, $t), figure $_") for 0 .. $#want;
}

# The 39 weeks that followed.
for ([ 'bg/nbd', 1653.4, .6256, .786 ], [ 'mbg/nbd', 1576.7, .6273, .765 ])
{
	my ($kind, @want) = @$_;
	my @got = split /\|/, sql("SELECT sum(p), corr(p, a), avg(abs(p - a)), sum(a) FROM (SELECT personalize.expected_purchases(b, raw, '273 days', '1997-09-30') AS p,
		personalize.orders_between(b, '1997-09-30', '1998-06-30') AS a FROM customer, fit WHERE kind = '$kind') AS x");
	near($got[0], $want[0], .1, "$kind: predicted orders");
	near($got[1], $want[1], .0001, "$kind: correlation");
	near($got[2], $want[2], .0006, "$kind: mean absolute error");
	is($got[3], 1882, 'actual orders');
}
# A rate that is just continued, x 39/T, is worse in all: 2,930 orders, correlation .584, error 1.024.
my @naive = split /\|/, sql(q{SELECT sum(p), corr(p, a), avg(abs(p - a)) FROM (SELECT personalize.frequency(b, '1997-09-30') * 39 / personalize.age(b, '1997-09-30') AS p,
	personalize.orders_between(b, '1997-09-30', '1998-06-30') AS a FROM customer) AS x});
near($naive[0], 2930, 1, 'naive rate: predicted orders');
near($naive[1], .584, .0006, 'naive rate: correlation');
near($naive[2], 1.024, .0006, 'naive rate: mean absolute error');

# Who will order at all: the area under the curve, ties half.  Recency alone ranks this one cohort best.
for ([ 'BG/NBD', 'bg/nbd', "1 - personalize.churn_risk(b, raw, '273 days', '1997-09-30')", .757 ],
	[ 'MBG/NBD', 'mbg/nbd', "1 - personalize.churn_risk(b, raw, '273 days', '1997-09-30')", .760 ],
	[ 'recency alone', 'bg/nbd', "personalize.recency(b, '1997-09-30') - personalize.age(b, '1997-09-30')", .771 ])
{
	my ($what, $kind, $score, $want) = @$_;
	near(sql("SELECT (sum(r) FILTER (WHERE a > 0) - count(*) FILTER (WHERE a > 0) * (count(*) FILTER (WHERE a > 0) + 1) / 2.0) / (count(*) FILTER (WHERE a > 0) * count(*) FILTER (WHERE a = 0)::float8)
		FROM (SELECT a, rank() OVER w + (count(*) OVER (PARTITION BY s) - 1) / 2.0 AS r
			FROM (SELECT $score AS s, personalize.orders_between(b, '1997-09-30', '1998-06-30') AS a FROM customer, fit WHERE kind = '$kind') AS x WINDOW w AS (ORDER BY s)) AS y"), $want, .0006, "$what: AUC");
}

# Deciles: they add up, and rise with the prediction.  BG is off by 12 %, within the limit; MBG by 16 %, and it is said so.
for ([ 'bg/nbd', '' ], [ 'mbg/nbd', 'the total is off by more than 15 %' ])
{
	my ($kind, $problem) = @$_;
	is(sql("SELECT count(bucket), sum(customers) FILTER (WHERE bucket IS NOT NULL), sum(actual_orders) FILTER (WHERE bucket IS NOT NULL), max(problem),
			max(actual_orders) FILTER (WHERE bucket = 10) > 5 * max(actual_orders) FILTER (WHERE bucket = 5),
			bool_and(abs(predicted_orders - actual_orders) < 0.35 * actual_orders) FILTER (WHERE bucket >= 9)
		FROM personalize.calibration(
		(SELECT array_agg(personalize.expected_purchases(b, raw, '273 days', '1997-09-30') ORDER BY id) FROM customer, fit WHERE kind = '$kind'),
		(SELECT array_agg(personalize.orders_between(b, '1997-09-30', '1998-06-30') ORDER BY id) FROM customer))"), "10|2357|1882|$problem|t|t", "$kind: deciles and a total");
}

# Of mean values to the cent, as published, above; of values as they are, against an independent Nelder-Mead over the logarithms.
my @exact = split /\|/, sql("SELECT personalize.parameter(raw, 'p'), personalize.parameter(raw, 'q'), personalize.parameter(raw, 'v'), personalize.parameter(raw, 'repeat_customers'),
	personalize.parameter(raw, 'spend_correlation'), personalize.parameter(raw, 'spend_log_likelihood') FROM fit WHERE kind = 'mbg/nbd'");
near($exact[0], 6.249573, 1e-5, 'gamma-gamma, unrounded: p');
near($exact[1], 3.744225, 1e-5, 'gamma-gamma, unrounded: q');
near($exact[2], 15.443521, 1e-5, 'gamma-gamma, unrounded: v');
near($exact[5], -4055.917695, 1e-5, 'gamma-gamma, unrounded: log-likelihood');
is($exact[3], 946, 'gamma-gamma: repeat buyers');
near($exact[4], .11, .005, 'gamma-gamma: correlation of orders and their value');
my %mean = ('2, 22.35' => 24.66371391, '1, 11.77' => 18.91685206, '0, 0' => 35.21897810, '7, 73.74' => 71.46967090);
near(sql("SELECT personalize.expected_spend($_, 'mbg/nbd r=1 alpha=1 a=1 b=1 p=6.25 q=3.74 v=15.44')"), $mean{$_}, 1e-8, "gamma-gamma: ($_)") for sort keys %mean;

# New customers, with parameters as printed; the spreadsheet's own figures are of rounded parameters.
my $printed = "'bg/nbd r=.243 alpha=4.414 a=.793 b=2.426'";
for ([ .1429, .0078 ], [ 1, .0533 ], [ 3, .1509 ], [ 31.8571, 1.042 ], [ 32, 1.045 ], [ 78, 1.861 ])
{
	near(sql("SELECT personalize.expected_purchases(0, 0, 0, $printed, $_->[0])"), $_->[1], $_->[1] < 1 ? 5e-5 : 5e-4, "a new customer's orders in $_->[0] weeks");
}
near(sql("SELECT personalize.churn_risk(0, 0, 0, $printed, 39)"), .5737864, 5e-8, 'a new customer who does not order in 39 weeks');
near(sql("SELECT personalize.probability_alive(26, 30.86, 31, 'pareto/nbd r=.5534 alpha=10.5802 s=.6061 beta=11.6562')"), .9979177666, 1e-9, 'Pareto/NBD: alive');
near(sql("SELECT personalize.expected_purchases(26, 30.86, 31, 'pareto/nbd r=.5534 alpha=10.5802 s=.6061 beta=11.6562', 52)"), 25.4549, 5e-5, 'Pareto/NBD: orders in a year');

# Value: monthly steps, discounted by the year, against the sum written out.
near(sql(q{SELECT max(abs(v - personalize.expected_spend(b, raw, '1997-09-30') * .3 * s)) FROM (SELECT *, personalize.lifetime_value(b, raw, '365 days', .12, .3, '1997-09-30') AS v,
	(SELECT sum((personalize.expected_purchases(x, t_x, t, raw, least(j * 52.18 / 12, 365 / 7.0)) - personalize.expected_purchases(x, t_x, t, raw, (j - 1) * 52.18 / 12)) * power(1.12, -((j - 1) * 52.18 / 12 + least(j * 52.18 / 12, 365 / 7.0)) / 2 / 52.18))
		FROM generate_series(1, 12) AS j) AS s FROM (SELECT *, personalize.frequency(b, '1997-09-30') AS x, personalize.recency(b, '1997-09-30') AS t_x, personalize.age(b, '1997-09-30') AS t FROM customer WHERE id <= 300) AS c, fit WHERE kind = 'bg/nbd') AS y}),
	0, 1e-9, 'lifetime value is the discounted sum');

# The whole master file, and parts of it drawn to the whole: a part of 1,000 and more stands alone.
(my $master = "gzip -dc '$data/CDNOW_master.txt.gz'") =~ s/'/''/g;
sql("CREATE TABLE all_lines (line text); COPY all_lines FROM PROGRAM '$master'");
sql(q{CREATE TABLE everybody AS SELECT p[1]::int AS id, personalize.buyer(to_date(p[2], 'YYYYMMDD'), greatest(p[4]::float8, 0.0001)) AS b
	FROM (SELECT regexp_split_to_array(trim(both E' \r' FROM line), ' +') AS p FROM all_lines WHERE line !~ 'customer_id') AS l GROUP BY 1});
is(sql('SELECT count(*) FROM everybody'), '23570', 'customers of the master file');
sql(q{CREATE TABLE channel AS SELECT id % 40 AS channel, count(*) AS n, personalize.fit_buyers(b, '1997-09-30') AS m FROM everybody WHERE id % 40 < 3 OR id % 40 > 30 GROUP BY 1
	UNION ALL SELECT 100, count(*), personalize.fit_buyers(b, '1997-09-30') FROM everybody;
	CREATE TABLE shrunk AS SELECT c.channel, c.n, c.m, p.m AS pooled, personalize.shrink(c.m, p.m) AS s FROM channel AS c, channel AS p WHERE p.channel = 100});
is(sql(q{SELECT bool_and(personalize.problem(s) IS NULL), bool_and(channel < 100 OR s OPERATOR(personalize.=) m),
	bool_and(abs(ln(personalize.parameter(s, 'r') / personalize.parameter(pooled, 'r')) - n / 1000.0 * ln(personalize.parameter(m, 'r') / personalize.parameter(pooled, 'r'))) < 1e-9)
		FILTER (WHERE channel < 100 AND personalize.problem(m) IS NULL), bool_and(n BETWEEN 560 AND 620) FILTER (WHERE channel < 100) FROM shrunk}), 't|t|t|t', 'parts are drawn to the whole by their size');
# Too few for a fit: rates of those alike; they come out near the truth in total.
sql(q{CREATE TABLE small AS SELECT id, b FROM customer WHERE id % 11 = 0; CREATE TABLE small_fit AS SELECT personalize.fit_buyers(b, '1997-09-30') AS m FROM small});
is(sql(q{SELECT personalize.is_fallback(m), personalize.problem(m) FROM small_fit}), 't|fewer than 100 customers ordered again', 'a small shop has rates');
my ($rates, $came) = split /\|/, sql(q{SELECT sum(1 - personalize.churn_risk(b, m, '91 days', '1997-09-30')), count(*) FILTER (WHERE personalize.orders_between(b, '1997-09-30', '1997-12-30') > 0) FROM small, small_fit});
diag("rates expect $rates buyers of a small shop, $came came");
cmp_ok(abs($rates - $came), '<', 0.35 * $came, 'rates of a small shop: buyers of the next quarter');

# A shop whose customers are not seen to drop out: no model, and it is said; the rates that stand in know who comes back.
SKIP:
{
	my $retail = "$data/../online_retail/online_retail.csv.gz";
	skip "$retail is not there", 4 unless -r $retail;
	(my $file = "gzip -dc '$retail'") =~ s/'/''/g;
	sql("CREATE TABLE retail (invoice text, code text, description text, quantity float8, at timestamp, price float8, customer float8, country text); COPY retail FROM PROGRAM '$file' (FORMAT csv, HEADER)");
	sql(q{CREATE TABLE retail_buyer AS SELECT customer, personalize.buyer(at, quantity * price) AS b FROM retail WHERE customer IS NOT NULL AND invoice NOT LIKE 'C%' AND quantity > 0 AND price > 0 GROUP BY customer;
		CREATE TABLE retail_fit AS SELECT personalize.fit_buyers(b, '2011-06-09', 'bg/nbd') AS bg, personalize.fit_buyers(b, '2011-06-09') AS mbg FROM retail_buyer});
	is(sql('SELECT count(*) FROM retail_buyer'), '4338', 'Online Retail: customers');
	is(sql('SELECT personalize.problem(bg) = personalize.problem(mbg), personalize.problem(mbg), personalize.is_fallback(mbg) FROM retail_fit'),
		't|no drop-out is visible: the data are as likely if every customer stays forever|t', 'Online Retail: no model of drop-out');
	my ($expected, $actual, $correlation) = split /\|/, sql(q{SELECT sum(1 - p), sum((a > 0)::int), corr(1 - p, (a > 0)::int) FROM (SELECT personalize.churn_risk(b, mbg, '91 days', '2011-06-09') AS p,
		personalize.orders_between(b, '2011-06-09', '2011-09-08') AS a FROM retail_buyer, retail_fit) AS x WHERE p IS NOT NULL});
	diag("rates expect $expected buyers, $actual came");
	cmp_ok(abs($expected - $actual), '<', 0.25 * $actual, 'Online Retail: rates are near what came');
	cmp_ok($correlation, '>', 0.2, 'Online Retail: and tell who comes');
}

done_testing();
