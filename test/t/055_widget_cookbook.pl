# The cookbook of doc/widget.md works as written: every statement runs, every widget has answers.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cookbook');
my $docs = $node->config_data('--docdir');
chomp $docs;
my $doc = "$docs/personalize/widget.md";
plan skip_all => "$doc is not installed" unless -e $doc;

# SQL blocks after the heading; the tables come first, then they are filled.
my ($cookbook) = slurp_file($doc) =~ /^## Cookbook\n(.*)/ms;
my @blocks = $cookbook =~ /^```sql\n(.*?)^```$/msg;
my $tables = shift @blocks;
cmp_ok(scalar(@blocks), '>', 20, 'the cookbook has its recipes');

$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION personalize');
$node->safe_psql('postgres', $tables);
$node->safe_psql('postgres', <<'END');
INSERT INTO shop.products SELECT i, 'product ' || i, i % 9 > 0, 5 + i * 7 % 90, 5 + i * 7 % 90 + i % 4, i % 5 / 5.0, 'category ' || i % 8, 'brand ' || i % 12,
	now() - i * interval '1 day', CASE WHEN i % 10 = 0 THEN current_date - 7 END, CASE WHEN i % 10 = 0 THEN current_date + i % 20 - 5 END FROM generate_series(1, 300) AS i;
INSERT INTO shop.customers SELECT i, CASE i % 3 WHEN 0 THEN 'GB' WHEN 1 THEN 'DE' ELSE 'FR' END, CASE i % 2 WHEN 0 THEN '25-34' ELSE '35-44' END FROM generate_series(1, 100) AS i;
INSERT INTO shop.views SELECT i / 4, i / 4 % 100 + 1, 1 + abs(hashint4(i)) % 60 + i / 4 % 5 * 60, now() - i % 1000 * interval '1 hour' FROM generate_series(1, 8000) AS i;
INSERT INTO shop.order_lines SELECT i / 3, i / 3 % 100 + 1, 1 + abs(hashint4(i * 7)) % 60 + i / 3 % 5 * 60, 1, now() - i % 1500 * interval '1 hour' FROM generate_series(1, 4000) AS i;
INSERT INTO shop.cart_lines SELECT customer_id, product_id, ordered_at - interval '1 hour' FROM shop.order_lines;
INSERT INTO shop.searches (words, product_id, clicked_at) SELECT 'Word' || product_id % 20, product_id, seen_at FROM shop.views WHERE product_id % 3 = 0;
INSERT INTO shop.staff_picks SELECT i * 11, i FROM generate_series(1, 10) AS i;
ANALYZE;
END

for my $block (@blocks)
{
	my ($status, $stdout, $stderr) = $node->psql('postgres', $block, on_error_stop => 1);
	my ($first) = $block =~ /'(shop\.\w+)'|FROM (\S+?)\(/ ? ($1 // $2) : ($block);
	is($status, 0, "$first: runs") or diag($stderr);
}
is($node->safe_psql('postgres', 'SELECT function::regproc, problem FROM personalize.widgets WHERE problem IS NOT NULL'), '', 'no widget has a problem');

# With all that a page can know, each of them has something of its own to say first; those without price bands that take the rest of the shop also fill their k.
my $all = $node->safe_psql('postgres', q{SELECT function::regproc, k, coalesce(rules ?| '{price, price_fill, rest}', false) OR filter LIKE '%list_price%' FROM personalize.widgets ORDER BY id});
for my $line (split /\n/, $all)
{
	my ($name, $k, $narrow) = split /\|/, $line;
	my $call = "$name(customer => 42, item => 20, cart => ARRAY[19, 23], session => ARRAY[3, 64, 21], query => 'word 7', segment => '{GB}')";
	my ($n, $source) = split /\|/, $node->safe_psql('postgres', "SELECT count(*), (array_agg(source ORDER BY rank))[1] FROM $call");
	cmp_ok($n, $narrow eq 't' ? '>' : '==', $narrow eq 't' ? 0 : $k, "$name: as many as there can be");
	isnt($source, '', "$name: the first is of a source ($source)");
}

$node->stop;
done_testing();
