# Published numbers: association rules of the groceries data, and facts about the Online Retail data.
# Both lie beside the project, in PERSONALIZE_DATA; a machine may not have them.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = $ENV{PERSONALIZE_DATA} || '../shared/data';
my $groceries = "$data/groceries/groceries.csv.gz";
my $retail = "$data/online_retail/online_retail.csv.gz";

# A line that test/run repeats where it counts.
sub say_skipped
{
	my $why = "$_[0] is not there";
	diag("skipped: $why");
	return $why;
}

plan skip_all => say_skipped("$groceries, $retail") unless -r $groceries || -r $retail;

my $node = PostgreSQL::Test::Cluster->new('published');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION personalize');

# As COPY reads it: from a program, because the file is compressed.
sub copy_csv
{
	my ($table, $file) = @_;
	(my $quoted = "gzip -dc '$file'") =~ s/'/''/g;
	sql("COPY $table FROM PROGRAM '$quoted' (FORMAT csv, HEADER)");
}

SKIP:
{
	skip say_skipped($groceries), 1 unless -r $groceries;
	sql('CREATE TABLE line (basket int, item text, level2 text, level1 text)');
	copy_csv('line', $groceries);
	sql('CREATE TABLE summary AS SELECT personalize.cooccurrence(basket, item) AS m FROM line');

	is(sql('SELECT personalize.num_baskets(m), personalize.num_items(m) FROM summary'), '9835|169', 'groceries: baskets and items');
	is( sql('SELECT string_agg(n::text, $$,$$) FROM (SELECT personalize.item_count(m, item) AS n FROM summary, (SELECT DISTINCT item FROM line) AS i ORDER BY n DESC LIMIT 5) AS top'),
		'2513,1903,1809,1715,1372', 'groceries: item counts, largest first');

	# count, support, confidence, lift as published, to the digits published
	my @rules = (
		[ 'pot plants', 'whole milk', '68|0.00691408|0.4000000|1.565460' ],
		[ 'herbs', 'root vegetables', '69|0.00701576|0.4312500|3.956477' ],
		[ 'berries', 'whipped/sour cream', '89|0.00904931|0.2721713|3.796886' ]);
	for my $rule (@rules)
	{
		my ($a, $b, $expected) = @$rule;
		my $columns = 'n_ab::int, round((n_ab / n)::numeric, 8), round(personalize.confidence(n_ab, n_a, n_b, n)::numeric, 7), round(personalize.lift(n_ab, n_a, n_b, n)::numeric, 6)';
		is( sql("SELECT $columns FROM summary, personalize.neighbors(m, NULL::text, k => 1000) WHERE item = '$a' AND neighbor = '$b'"),
			$expected, "groceries: $a => $b");
		is( sql("SELECT $columns FROM (SELECT personalize.pair_count(m, '$a', '$b') AS n_ab, personalize.item_count(m, '$a') AS n_a,"
				. " personalize.item_count(m, '$b') AS n_b, personalize.num_baskets(m) AS n FROM summary) AS counts"),
			$expected, "groceries: $a => $b from single counts");
	}

	# Rules of one item on each side, by a self-join; the rules of any size are published: 463, 5,668, 410, 15.
	sql('CREATE TABLE single AS SELECT item, count(DISTINCT basket) AS n FROM line GROUP BY item;'
		. ' CREATE TABLE joined AS SELECT a.item, b.item AS neighbor, count(DISTINCT basket) AS n_ab FROM line AS a JOIN line AS b USING (basket) WHERE a.item <> b.item GROUP BY 1, 2');
	for my $limits ([ .006, .25, 463 ], [ .001, .5, 5668 ], [ .001, .8, 410 ], [ .01, .5, 15 ])
	{
		my ($support, $confidence, $all) = @$limits;
		my $expected = sql("SELECT coalesce(md5(string_agg(item || ' => ' || neighbor, ',' ORDER BY item, neighbor)), '') || ' ' || count(*)"
			. " FROM joined JOIN single USING (item) WHERE n_ab / 9835.0 >= $support AND n_ab / n::float8 >= $confidence");
		my ($rules) = $expected =~ /(\d+)$/;
		is( sql("SELECT coalesce(md5(string_agg(item || ' => ' || neighbor, ',' ORDER BY item, neighbor)), '') || ' ' || count(*)"
				. " FROM summary, personalize.neighbors(m, NULL::text, k => 1000, measure => 'confidence', min_count => 9835 * $support) WHERE score >= $confidence"),
			$expected, "groceries: the $rules rules of two items with support $support and confidence $confidence");
		cmp_ok($rules, '<=', $all, "groceries: they are among the $all of any size");
	}
}

SKIP:
{
	skip say_skipped($retail), 1 unless -r $retail;
	sql('CREATE TABLE retail (invoice text, stock_code text, description text, quantity int, at timestamp, price numeric, customer int, country text)');
	copy_csv('retail', $retail);
	is(sql('SELECT count(*) FROM retail'), '541909', 'retail: lines');
	is(sql('SELECT personalize.num_baskets(m), personalize.num_items(m) FROM (SELECT personalize.cooccurrence(invoice, stock_code) AS m FROM retail) AS s'),
		'25900|4070', 'retail: invoices and stock codes');
	sql(q{CREATE TABLE clean AS SELECT invoice, stock_code, customer FROM retail WHERE customer IS NOT NULL AND invoice NOT LIKE 'C%' AND quantity > 0 AND price > 0});
	sql('CREATE TABLE matrix AS SELECT personalize.cooccurrence(invoice, stock_code) AS m FROM clean');
	is(sql('SELECT count(*) FROM clean'), '397884', 'retail: clean lines');
	is(sql('SELECT personalize.num_baskets(m), personalize.num_items(m) FROM matrix'), '18532|3665', 'retail: clean invoices and items');
	is(sql('SELECT personalize.num_baskets(personalize.cooccurrence(customer, stock_code)) FROM clean'), '4338', 'retail: customers');

	# The fused way (cosine, kernel), rows (llr); twenty items from popular to rare.
	sql('CREATE TABLE entry AS SELECT DISTINCT invoice, stock_code FROM clean; CREATE INDEX ON entry (stock_code); CREATE INDEX ON entry (invoice);'
		. ' CREATE TABLE margin AS SELECT stock_code, count(*) AS n FROM entry GROUP BY stock_code;'
		. ' CREATE TABLE asked AS SELECT stock_code FROM (SELECT stock_code, row_number() OVER (ORDER BY n DESC, stock_code) AS r FROM margin) AS s WHERE r % 190 = 1;'
		. ' CREATE TABLE joined_retail AS SELECT a.stock_code AS item, b.stock_code AS neighbor, count(*)::float8 AS n_ab, min(ia.n)::float8 AS n_a, min(ib.n)::float8 AS n_b, 18532::float8 AS n'
		. ' FROM asked JOIN entry AS a USING (stock_code) JOIN entry AS b ON b.invoice = a.invoice AND b.stock_code <> a.stock_code'
		. ' JOIN margin AS ia ON ia.stock_code = a.stock_code JOIN margin AS ib ON ib.stock_code = b.stock_code GROUP BY 1, 2; ANALYZE');
	is(sql('SELECT count(*) FROM asked'), '20', 'retail: twenty items');
	for my $measure (qw(cosine kernel llr))
	{
		my $rows = q{count(*) || ' ' || md5(string_agg(r::text, ',' ORDER BY item, rank))};
		is( sql("SELECT $rows FROM (SELECT n.* FROM matrix, personalize.neighbors(m, NULL::text, k => 30, measure => '$measure') AS n WHERE item IN (TABLE asked)) AS r"),
			sql('SELECT ' . $rows . ' FROM (SELECT item, neighbor, rank::int, score, n_ab, n_a, n_b, n FROM ('
				. 'SELECT *, row_number() OVER (PARTITION BY item ORDER BY score DESC, neighbor COLLATE "C") AS rank'
				. " FROM (SELECT *, personalize.$measure(n_ab, n_a, n_b, n) AS score FROM joined_retail) AS s) AS o WHERE rank <= 30) AS r"),
			"retail: neighbors by $measure");
	}
}

$node->stop;
done_testing();
