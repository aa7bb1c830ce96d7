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
is(sql(q{SELECT count(*), max(problem) FROM personalize.calibration(
	(SELECT array_agg(personalize.expected_purchases(b, raw, '273 days', '1997-09-30') ORDER BY id) FROM customer, fit WHERE kind = 'mbg/nbd'),
	(SELECT array_agg(personalize.orders_between(b, '1997-09-30', '1998-06-30') ORDER BY id) FROM customer))}), '11|the total is off by more than 15 %', 'deciles and a total');

done_testing();
