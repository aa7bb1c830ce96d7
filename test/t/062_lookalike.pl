# Lookalikes on real receipts (dunnhumby's Complete Journey): seeds that were hidden are found more often than by chance, and those that have nothing in
# common are not.  The data lies beside the project, in PERSONALIZE_DATA; a machine may not have it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{PERSONALIZE_DATA} || '../shared/data') . '/completejourney';
unless (-r "$data/transactions_sample.csv.gz")
{
	diag("skipped: $data is not there");
	plan skip_all => "$data is not there";
}

my $node = PostgreSQL::Test::Cluster->new('lookalike');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub load
{
	my ($table, $columns, $file) = @_;
	(my $quoted = "gzip -dc '$data/$file.csv.gz'") =~ s/'/''/g;
	sql("CREATE TABLE $table ($columns); COPY $table FROM PROGRAM '$quoted' (FORMAT csv, HEADER)");
}

sql('CREATE EXTENSION personalize');
load('line', 'household int, store int, basket text, product text, quantity int, paid float8, retail float8, coupon float8, matched float8, week int, at timestamp', 'transactions_sample');
load('product', 'product text, maker text, department text, brand text, category text, type text, size text', 'products');
load('redemption', 'household int, coupon text, campaign int, on_day date', 'coupon_redemptions');
sql(q{CREATE TABLE bought AS SELECT DISTINCT household, category FROM line JOIN product USING (product) WHERE category IS NOT NULL;
	CREATE TABLE features AS SELECT household AS key, array_agg(category) AS features FROM bought GROUP BY household});
is(sql('SELECT count(*) FROM features'), '2374', 'households');

sub lift
{
	my ($seeds, $features, $what, $least, $most) = @_;
	my $lift = sql("SELECT lift FROM personalize.lookalike_lift(($seeds), '$features', k => 200)");
	cmp_ok($lift, '>', $least, "$what: lift $lift");
	cmp_ok($lift, '<', $most, "$what: not more") if defined $most;
}
lift('SELECT array_agg(DISTINCT household) FROM redemption', 'features', 'who redeems coupons', 3);
# Who buys something, by all else that they buy.
for my $category ('DIAPERS & DISPOSABLES', 'BABY FOODS', 'CAT FOOD', 'DOG FOODS', 'BEERS/ALES', 'YOGURT')
{
	sql("DROP TABLE IF EXISTS others; CREATE TABLE others AS SELECT household AS key, array_agg(category) AS features FROM bought WHERE category <> '$category' GROUP BY household");
	lift("SELECT array_agg(household) FROM bought WHERE category = '$category'", 'others', lc $category, 1.5);
}
lift("SELECT array_agg(key) FROM features WHERE hashint4(key) % 6 = 0", 'features', 'households drawn by lot', 0, 1.6);

# The first of all are who the model says, and of them as many redeem as the lift promises: more than of all.
sql(q{CREATE TABLE alike AS SELECT * FROM personalize.lookalike((SELECT array_agg(household) FROM (SELECT DISTINCT household FROM redemption WHERE household % 2 = 0) AS r), 'features', 300)});
is(sql(q{SELECT count(*), bool_and(rank = place) FROM (SELECT a.*, row_number() OVER (ORDER BY personalize.lookalike_score(m, f.features) DESC, key) AS place
	FROM alike AS a JOIN features AS f USING (key), (SELECT personalize.lookalike_model(features, key IN (SELECT household FROM redemption WHERE household % 2 = 0)) AS m FROM features) AS l) AS x}), '300|t', 'ranks are those of the scores');
cmp_ok(sql('SELECT avg((key IN (SELECT household FROM redemption))::int) FROM alike WHERE key % 2 = 1'), '>', 2 * sql('SELECT avg((key IN (SELECT household FROM redemption))::int) FROM features WHERE key % 2 = 1'),
	'who look alike redeem more than twice as often as others');

$node->stop;
done_testing();
