# Published numbers: Kaplan-Meier tables of lung and aml as R's package survival 3.5-3 computes them.
# The data lies beside the project, in PERSONALIZE_DATA; a machine may not have it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{PERSONALIZE_DATA} || '../shared/data') . '/survival';
unless (-r "$data/lung.csv")
{
	diag("skipped: $data is not there");
	plan skip_all => "$data is not there";
}

my $node = PostgreSQL::Test::Cluster->new('survival');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

sub rows
{
	my ($file) = @_;
	open my $in, '<', "$data/$file" or die "$data/$file: $!";
	my (undef, @rows) = map { chomp; s/"//g; [ split /,/ ] } <$in>;
	return @rows;
}

sub near
{
	my ($got, $want) = @_;
	return $want eq 'NA' ? $got eq '' : $got ne '' && abs($got - $want) <= 1e-10 * abs($want);
}

# The rows of R, which has only times with events, against ours.
sub compare
{
	my ($name, $where, @want) = @_;
	my @got = map { [ split /\|/, $_, -1 ] } split /\n/, sql("SELECT t.time, t.at_risk, t.events, t.survival, t.std_error, t.lower, t.upper
		FROM (SELECT personalize.km(time, event) AS k FROM $where) AS s, personalize.survival_table(k) AS t WHERE events > 0 ORDER BY t.time");
	is(scalar @got, scalar @want, "$name: times with events");
	my @different = grep { my $row = $_; grep { !near($got[$row][$_], $want[$row][$_]) } 0 .. 6 } 0 .. $#want;
	is("@different", '', "$name: every figure to 10 digits") or diag(map { "got @{$got[$_]}\nwant @{$want[$_]}\n" } @different);
}

sql('CREATE EXTENSION personalize; CREATE TABLE lung (time float8, event boolean); CREATE TABLE aml (time float8, event boolean, x text)');
my @lung = rows('lung.csv');
sql('INSERT INTO lung VALUES ' . join ', ', map { "($_->[1], $_->[2] = 2)" } @lung);
sql('INSERT INTO aml VALUES ' . join ', ', map { "($_->[0], $_->[1] = 1, '$_->[2]')" } rows('aml.csv'));

compare('lung', 'lung', rows('km_lung_all.csv'));
for my $group ('Maintained', 'Nonmaintained')
{
	compare("aml, $group", "aml WHERE x = '$group'", grep { $_->[7] eq "x=$group" } rows('km_aml.csv'));
}
is(sql('SELECT count(*), sum(event::int), personalize.median(personalize.km(time, event)) FROM lung'), '228|165|(310,285,363)', 'lung: median and its limits');
is(sql('SELECT (personalize.quantile(k, 0.25)).estimate, (personalize.quantile(k, 0.75)).estimate FROM (SELECT personalize.km(time, event) AS k FROM lung) AS s'), '170|550', 'lung: quartiles');
is(sql('SELECT round(personalize.survival_at(k, 100)::numeric, 4), round(personalize.survival_at(k, 180)::numeric, 4), round(personalize.survival_at(k, 365)::numeric, 4),
		round(personalize.survival_at(k, 500)::numeric, 4), round(personalize.survival_at(k, 730)::numeric, 4) FROM (SELECT personalize.km(time, event) AS k FROM lung) AS s'),
	'0.8640|0.7217|0.4092|0.2933|0.1157', 'lung: survival');
is(sql('SELECT string_agg((personalize.median(k)).estimate::text, $$ $$ ORDER BY x) FROM (SELECT x, personalize.km(time, event) AS k FROM aml GROUP BY x) AS s'), '31 23', 'aml: medians');

done_testing();
