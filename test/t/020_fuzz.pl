# Damaged values at the types' four doors.  Whatever comes in is refused with an error of the right class or is a value
# like any other: it survives out and in, send and receive, and can be read.  The same cases every time.
use strict;
use warnings;
use utf8;

use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $binary_cases = $ENV{PERSONALIZE_FUZZ_CASES} || 5000;    # of each type; twice as many texts
srand($ENV{PERSONALIZE_FUZZ_SEED} || 7309);

# Lists of a response_model: one value for all but the first.
sub model_of
{
	my ($messages, $lag, $responses, $risk) = @_;
	my $list = sub { my ($n, $first, $other) = @_; return '{' . join(',', $first, ($other) x ($n - 1)) . '}'; };
	my $fit = "messages=$messages held_out=0 visit_weight=0.5 lags=" . $list->(48, 1, $lag) . ' responses=' . $list->(168, $responses, 1) . ' risk=' . $list->(168, 0, $risk);
	return "half_life=129600 customers=12 visit_rate=0.001 open $fit click $fit";
}

my %values = (
	'personalize.cooccurrence' => [
		'smallint: {-32768,32767} {1,2,3}x5 {4}', 'integer weighted damping 0.5: {1*3,2*4294967295} {-7,2147483647,5*2}x70000',
		'integer: [10,20,30] \\x0301000000', 'text weighted: ["b","a"] \\x020100000001', 'bigint: {9223372036854775807,-9223372036854775808}', 'bigint damping 2: {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17}x3 {1} {17,1,5}x4294967295',
		'uuid: {00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff} {a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}x2',
		'text weighted: {"","\"","\\\\","é日本😀"*7} {"a","b"*2}x3 {"a"}', 'bigint:', 'text:' ],
	'personalize.buyer' => [ '{}', '{2026-01-31:29.5}', '{0001-01-01:-1,1999-12-31:0,2000-01-01:0.0001,9999-12-31:100000000000000}' ],
	'personalize.buyer_model' => [ 'bg/nbd r=0.24 alpha=4.4 a=0.79 b=2.4', 'mbg/nbd problem=few spend_problem=no_spend customers=7', 'mbg/nbd problem=edge spend_problem=few customers=900 rates=13,40,800,30' . ',100,3' x 15, 'pareto/nbd r=0.5 alpha=10 s=0.6 beta=11 p=6 q=3.7 v=15 iterations=12' ],
	'personalize.lookalike_model' => [ '0/0 {}', '10/100 {"category shoes":7/30,"é日本😀":0/4,"":1/1}', '4000000000000000/9000000000000000 {' . join(',', map { "\"f\\\"$_\":" . ($_ * 1000000007) . '/' . ($_ * 3000000000001) } 1 .. 60) . '}' ],
	'personalize.rfm_model' => [ 'levels=3 r=60,14 f=1,3 m=50,199.5 customers=4338', 'levels=5 r=90,60,60,0 f=1,1,2,9223372036854775807 m=-1.5,0,0.0001,100000000000000' ],
	'personalize.dropoff' => [ '{}', '{0:3/0/0/1, 61:2/1/0/0, 102:0/0/9223372036854775807/0}', '2592000@2026-01-05T10:00:00.25Z {0:65536/0/0/0, 7:1/2/3/4} {} {12:131072/0/0/65536}' ],
	'personalize.trigger_efficacy' => [ '{}', '{5:0/0/500/30, 12:900/100/0/0, 30:0/0/930/70}' ],
	'personalize.km' => [ '{}', '{9:1, 13:1+1, 28:0+1}', '{5e-324:1, 0.1:0+1, 300.5:4611686018427387000, 1e+22:7+7, 1.7976931348623157e+308:2}' ],
	'personalize.response_model' => [ model_of(0, 0.5, 0, 0), model_of(1000.25, 1.5, 1e-3, 1e15), model_of(7, 0.001, 3, 0.1) ],
	'personalize.population_hours' => [ '0180e83f00000000', '01000703e80700', '01 80e83f 8f8f8f01 9f9f9f9f01 9f9f9f9f9f01 00', '01 a0a001 81828304 85868704 8182838401 00', '01 a1b2c304 a1b2c3d4e401 b2c3d4e5f601 a1a2a301 00', '01 c1d2e303 f1f2f3f4f501 e4e5e601 d1d2d3d4d5d601 00', '01 c2d1e403 f2f1f4f3f601 e5e4e701 d2d1d4d3d6d501 00', '01 a3b1c404 a2b1c4d3e501 b1c2d5e4f601 a2a1a401 00', '01 d7e8f102 c5c6c7c8c901 b7b8b9b101 a1b2c3d4e5f601 00', '01 f9e8d702 a9b8c701 c1c2c301 e1e2e301 00', '01 e9f7d502 c3c4c5c6c7c801 a7b8c9d102 f5f4f3f2f1f601 00', '0180e83f0100000100' . '8008' . '00' x 168 . '00' x 48 . '018008' . '00' x 167 . '00' x (1 + 168 + 48 + 168) ],
	'personalize.response_hours' => [ '{}', '{2026-01-05T10:00+01:00 open 35 click 40, 2026-01-02T10:00+01:00 machine, 2025-10-26T00:30+02:00 change 150 by -60, visit 2026-01-05T20+01:00, visit 2026-01-05T19+01:00}',
		'{1900-01-01T00:00+00:00 open 0, 2999-12-31T23:59+00:00 open 2879, visit 1950-05-05T05-11:30}', '{visit 2026-01-05T20+00:00, ' . join(', ', map { sprintf '2025-%02d-%02dT%02d:%02d+05:45 open %d', 1 + $_ % 12, 1 + $_ % 28, $_ % 24, $_ % 60, $_ * 7 } 1 .. 256) . ', first 2020-01-01T00:00+00:00, count 400}' ],
	'personalize.cset' => [ '{}', '{5}', '{-9223372036854775808,-7,0-3,32767,32768,70000,9223372036854775805-9223372036854775807}', '{100-102,' . join(',', map { $_ * 3 } 50 .. 2100) . '}', '{1-2048}', '{40000-50000,60001}', map { my $gap = $_; '{' . join(',', map { $_ * $gap } 1 .. 60) . '}' } 500, 2111, 70001 ],
	'personalize.itemvec' => [
		'{}', '{1:1}', '{-9223372036854775808:-1.5,0:1e-300,9223372036854775807:1.7976931348623157e308}',
		'{' . join(',', map { ($_ * 37 - 500) . ':' . ($_ / 8 + 0.1) } 1 .. 60) . '}' ],
	'personalize.rule' => [
		'did(cart, 1 day) and not did(purchase, 1 day)', 'sum(purchase[amount >= 19.99], this quarter) > 500 or (last(view) < 36 hours and first(view) >= 90 days)',
		"attr(country) in (IN, 'G B', 42, -1.5) and not attr(a.b) is null or attr(tags) contains \"é'日本\"", "bucket('salt ''1''', 12.5, 50) and list(1, 2, x, 'a,b') and consent(email)",
		'seq(view, purchase[amount <> 0], within 1 day 12 hours, previous month) or did_not_after(cart, purchase, within 90 minutes) or regular(purchase, every 30 days, 3 of 4)',
		'rfm(r 4-5, m 1) and lifecycle(active) and score(churn_90) >= 0.75 and in(vips) or true and not false', 'days(view, since 2026-01-31) = 3 and avg(purchase, since 2026-01-31T12:00:00Z) <= 10',
		"attr(note) = 'whatever else: did(x) and not (y), \\ 100 %, 日本 ''quoted'''", 'list(anna, berta, carla, dora, emma, frieda, gerda, 1234567, 89, 0.125)' ]);

# ---------------------------------------------------------------- mutations

sub pick { return $_[ int rand @_ ]; }

# Numbers that counts and lengths should not be.
my @lies = map { pack 'H*', $_ } qw(ffffffff 7fffffff 80000000 00000000 00ffffff 0000ffff 3fffffff ffffffffffffffffff01 ffffffff0f 8080808010 7ff8000000000000
  7ff0000000000000 8000000000000000 4000000000000000 ffffffffffffffff7f);

sub mutate_bytes
{
	my ($bytes, @others) = @_;
	for (1 .. 1 + int rand 3)
	{
		my $size = length $bytes;
		my $at = int rand($size + 1);
		my $span = 1 + int rand 9;
		my $how = int rand 8;
		if ($how <= 1 && $at < $size) { substr($bytes, $at, 1) ^= chr(1 << int rand 8); }
		elsif ($how == 2) { $bytes = substr($bytes, 0, $at); }
		elsif ($how == 3) { $bytes .= join '', map { chr int rand 256 } 1 .. $span; }
		elsif ($how == 4) { my $lie = pick(@lies); substr($bytes, $at, length $lie, $lie); }
		elsif ($how == 5) { substr($bytes, $at, $span, ''); }
		elsif ($how == 6) { substr($bytes, $at, 0, substr($bytes, int rand($size + 1), $span)); }
		else { my $other = pick(@others); substr($bytes, $at, $span, substr($other, int rand(1 + length $other), $span)); }
	}
	return $bytes;
}

my @words = (',', qw(smallint integer bigint uuid text weighted damping : { } * x " \\ 0 1 -1 -0 +1 2 0.5 1e999 -1e-999 1e-320 NaN Infinity 0x1p3 4294967295 4294967296 2147483648 -32769
	  99999999999999999999 9223372036854775807 a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12 é 😀), ' ', "\n", "\t", "\x{b}", "\x{a0}", '"a"', '{1}', '1:1', ',,', 'null', '{{', '}}', 'x0', '*0',
	'(', ')', '((', 'not ', ' and ', ' or ', 'did(', ', ever', ', this week', ' days', '>=', '2026-02-30', "'", '[amount < 5]', 'is null', 'true');

sub mutate_text
{
	my ($text, @others) = @_;
	for (1 .. 1 + int rand 3)
	{
		my $size = length $text;
		my $at = int rand($size + 1);
		my $how = int rand 9;
		if ($how >= 6) { $text =~ s/\d+(?=\D*$)/pick(0, 1, 7, 15, -3, 65536, 4294967295, $&)/e if $how == 6; $text =~ s/\d/int rand 10/e; $text =~ s/^(.{$at}\D*)\d/$1 . int rand 10/es; }
		elsif ($how == 0) { substr($text, $at, 1, pick(@words)); }
		elsif ($how == 1) { substr($text, $at, 0, pick(@words)); }
		elsif ($how == 2) { $text = substr($text, 0, $at); }
		elsif ($how == 3) { substr($text, $at, 1 + int rand 6, ''); }
		elsif ($how == 4) { substr($text, $at, 0, substr($text, int rand($size + 1), 1 + int rand 12)); }
		else { my $other = pick(@others); substr($text, $at, 3, substr($other, int rand(1 + length $other), 1 + int rand 20)); }
	}
	return $text;
}

# ---------------------------------------------------------------- server

my $node = PostgreSQL::Test::Cluster->new('fuzz');
$node->init;
$node->append_conf('postgresql.conf', "log_min_messages = log\nlog_min_error_statement = panic\nfsync = off");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION personalize; ALTER DATABASE postgres SET search_path = public, personalize');

# The errors that one session reported, by case; and the most memory it ever had.
sub session
{
	my ($script) = @_;
	my (%said, $case, $peak, $output, $errors);
	my $input = "\\set VERBOSITY sqlstate\n$script\\warn case end\n"
	  . "SELECT 'peak ' || substring(pg_read_file('/proc/' || pg_backend_pid() || '/status', 0, 10000, true) from 'VmHWM:\\s*(\\d+)');\n";
	run [ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$input, '>', \$output, '2>', \$errors;
	for (split /\n/, $errors)
	{
		if (/^case (\w+)/) { $case = $1; next; }
		push @{ $said{$case} }, $_;
	}
	($peak) = $output =~ /^peak (\d+)/m;
	return (\%said, $peak);
}

# What a short message meets is the server's own reader, which says 08P01 for its own types, too.
sub right_class { return $_[0] =~ /^(?:psql:[^ ]* )?ERROR:\s+(?:22...|54...|0A...|08P01)$/; }

sub check_session
{
	my ($said, $peak, $cases, $what) = @_;
	my @wrong = grep { my $n = $_; grep { !right_class($_) } @{ $said->{$n} } } sort keys %$said;
	is(scalar @wrong, 0, "$what: every error has a class of its own")
	  or diag(map { "case $_: @{$said->{$_}}\n" . ($cases->{$_} // '') . "\n" } @wrong > 5 ? @wrong[ 0 .. 4 ] : @wrong);
  SKIP:
	{
		skip "no /proc here", 1 unless $peak;
		cmp_ok($peak, '<', 400 * 1024, "$what: no case makes the session large");
	}
}

# ---------------------------------------------------------------- binary

for my $type (sort keys %values)
{
	my ($name) = $type =~ /\.(.*)/;
	my $dir = PostgreSQL::Test::Utils::tempdir;
	sql("CREATE TABLE ${name}_received (id text, v $type); CREATE TABLE ${name}_again (LIKE ${name}_received); CREATE TABLE ${name}_text (id int, t text)");
	my @sent = map { pack 'H*', sql("SELECT encode(${type}_send(" . quote($_) . "::$type), 'hex')") } @{ $values{$type} };
	my ($script, %cases) = ('');
	for my $n (1 .. $binary_cases)
	{
		my $bytes = $n <= @sent ? $sent[ $n - 1 ] : mutate_bytes(pick(@sent), @sent);
		open my $file, '>:raw', "$dir/$n" or die $!;
		print $file "PGCOPY\n\377\r\n\0", pack('NN n N/a* N/a* n', 0, 0, 2, $n, $bytes, 0xffff);
		close $file;
		$cases{$n} = unpack 'H*', $bytes;
		$script .= "\\warn case $n\n\\copy ${name}_received from '$dir/$n' (format binary)\n";
	}
	my ($said, $peak) = session($script);
	check_session($said, $peak, \%cases, "$type, binary");
	is(join(' ', grep { $said->{$_} } 1 .. @sent), '', "$type, binary: nothing whole is refused");
	my $accepted = sql("SELECT count(*) FROM ${name}_received");
	is($accepted + keys(%$said), $binary_cases, "$type, binary: each case is accepted or refused");
	cmp_ok($accepted, '>', $binary_cases / 20, "$type, binary: $accepted of $binary_cases accepted");

	# ------------------------------------------------------------ text
	my @texts = @{ $values{$type} };
	%cases = map { $_ => $_ <= @texts ? $texts[ $_ - 1 ] : mutate_text(pick(@texts), @texts) } 1 .. 2 * $binary_cases;
	open my $file, '>:utf8', "$dir/texts" or die $!;
	for my $n (1 .. 2 * $binary_cases)
	{
		(my $quoted = $cases{$n}) =~ s/"/""/g;
		print $file "$n,\"$quoted\"\n";
	}
	close $file;
	my ($copied) = session("SET client_encoding = 'UTF8';\n\\warn case copy\n\\copy ${name}_text from '$dir/texts' (format csv)\n");
	is_deeply($copied, {}, "$type, text: cases are there");
	sql(<<"END");
CREATE FUNCTION try_$name(id int, t text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	INSERT INTO ${name}_received VALUES ('text ' || id, t::$type);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END \$\$
END
	is(sql("SELECT string_agg(DISTINCT s, ' ') FROM (SELECT try_$name(id, t) AS s FROM ${name}_text) AS tried WHERE s !~ '^(22...|54...|0A...|accepted)\$'"),
		'', "$type, text: every error has a class of its own");
	is(sql("SELECT count(*) FROM ${name}_text WHERE id <= " . @texts . " AND 'text ' || id NOT IN (SELECT id FROM ${name}_received)"),
		'0', "$type, text: nothing whole is refused");
	$accepted = sql("SELECT count(*) FROM ${name}_received WHERE id LIKE 'text %'");
	cmp_ok($accepted, '>', $binary_cases / 20, "$type, text: $accepted of " . 2 * $binary_cases . " accepted");

	# ------------------------------------------------------------ what was accepted
	is(sql("SELECT v::text FROM ${name}_received WHERE (${type}_send(v) = ${type}_send(v::text::$type)) IS NOT TRUE LIMIT 1"), '', "$type: what was accepted survives out and in");
	my ($errors) = session("\\warn case out\n\\copy ${name}_received to '$dir/all' (format binary)\n\\warn case in\n\\copy ${name}_again from '$dir/all' (format binary)\n");
	is_deeply($errors, {}, "$type: what was accepted is sent and received");
	is( sql("SELECT v FROM (SELECT a.v::text AS v FROM ${name}_received AS a LEFT JOIN ${name}_again AS b ON b.id = a.id WHERE (${type}_send(a.v) = ${type}_send(b.v)) IS NOT TRUE) AS s LIMIT 1"),
		'', "$type: and is the same afterwards");
}

# Every way of reading what was accepted; sums may be out of range, and that is all.
sql(<<'END');
CREATE FUNCTION try_read(v personalize.cooccurrence) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	pairs bigint;
	type text := substring(v::text from '^\w+');
	same bigint;
BEGIN
	pairs := personalize.num_pairs(v);
	EXECUTE format('SELECT count(*) FROM personalize.pairs($1, NULL::%s)', type) INTO same USING v;
	IF same <> pairs THEN
		RETURN 'pairs';
	END IF;
	EXECUTE format('SELECT count(*) FROM personalize.neighbors($1, item_type => NULL::%s, k => 2000000000, min_count => 0)', type) INTO same USING v;
	IF same <> 2 * pairs THEN
		RETURN 'neighbors';
	END IF;
	IF personalize.rollup(m) <> v + v OR personalize.num_baskets(v + v) <> 2 * personalize.num_baskets(v) FROM (VALUES (v), (v)) AS s(m) THEN
		RETURN 'rollup';
	END IF;
	RETURN 'read';
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN 'read';
END $$
END
is(sql('SELECT r FROM (SELECT try_read(v) AS r, v FROM cooccurrence_received) AS s WHERE r <> $$read$$ LIMIT 1'), '', 'cooccurrence: what was accepted can be read and merged');
is(sql('SELECT count(*) FROM itemvec_received WHERE personalize.itemvec(personalize.items(v), personalize.weights(v)) <> v'), '0', 'itemvec: what was accepted can be read');

is($node->psql('postgres', 'SELECT 1'), 0, 'the server is there');
$node->stop;
like(slurp_file($node->logfile), qr/ready to accept connections/, 'its log tells');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP|PANIC/, 'and no process of it was ever lost');
done_testing();

sub quote { my $t = shift; utf8::encode($t); $t =~ s/'/''/g; return "'$t'"; }
