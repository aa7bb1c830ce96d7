# Who may call a widget: grants on its function, and on the models, histories and products that it reads; nothing is read as anybody but the caller.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('roles');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

sub fails
{
	my ($role, $statement, $error, $name) = @_;
	my ($status, undef, $stderr) = $node->psql('postgres', "SET ROLE $role;\n$statement");
	isnt($status, 0, "$name: refused");
	like($stderr, $error, "$name: says why");
}

sql('CREATE EXTENSION personalize; CREATE ROLE owner; CREATE ROLE web; CREATE ROLE thief; CREATE ROLE colleague IN ROLE owner; GRANT CREATE ON DATABASE postgres TO owner, thief');
create_shop($node, 'postgres', 200);
sql('ALTER SCHEMA shop OWNER TO owner; ALTER TABLE shop.order_lines OWNER TO owner; ALTER TABLE shop.views OWNER TO owner');
create_widgets($node, 'postgres', 'owner');

# ---------------------------------------------------------------- an ordinary role

my $call = 'SELECT count(*) FROM shop.for_you(customer => 5, k => 6)';
is(sql("SET ROLE owner; $call"), '6', 'an ordinary role makes and calls widgets');
is(sql("SET ROLE colleague; $call"), '6', 'and a member of it does');
is( sql(q{SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'shop'::regnamespace}), 'owner', 'functions belong to who made them');

# ---------------------------------------------------------------- grants, one after the other

fails('web', $call, qr/permission denied for schema shop/, 'a call without any grant');
sql('GRANT USAGE ON SCHEMA shop TO web; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA shop FROM PUBLIC');
fails('web', $call, qr/permission denied for function for_you/, 'a call without EXECUTE');
my $id = sql(q{SELECT id FROM personalize.widget WHERE name = 'for_you'});
my $direct = "SELECT count(*) FROM personalize.recommend($id, 5, NULL::int, NULL::int[], NULL, NULL::int[], 6, 0, NULL, NULL::int[], NULL::int[], NULL, 0, NULL, NULL)
	AS r (item int, rank int, score float8, source text, because int, reason text, propensity float8)";
fails('web', $direct, qr/permission denied for function (shop\.)?for_you/, 'the same behind the back of the function');
fails('web', q{SELECT * FROM personalize.page('{shop.for_you}', 5)}, qr/permission denied for function (shop\.)?for_you/, 'by page()');
fails('web', q{SELECT * FROM personalize.explain_recommendation('shop.for_you', 5, 7)}, qr/permission denied for function (shop\.)?for_you/, 'by explain_recommendation()');
sql('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA shop TO web');
my @needs = ([ 'model', 'shop.together' ], [ 'history', 'shop.bought_h' ], [ 'product table', 'shop.products' ]);
sql("GRANT SELECT ON $_->[1] TO web") for @needs;
is(sql("SET ROLE web; $call"), '6', 'with EXECUTE and SELECT on model, history and products: it answers');
is(sql("SET ROLE web; $direct"), '6', 'also without its function');
is(sql(q{SET ROLE web; SELECT count(*) > 6 FROM shop.home(customer => 5)}), 't', 'the page');
is(sql(q{SET ROLE web; SELECT count(*) > 2 FROM personalize.explain_recommendation('shop.for_you', 5, 7)}), 't', 'the explanation');
is( sql(q{SELECT count(*) FROM (VALUES ('shop.items'), ('shop.bought_h_log'), ('shop.together_pairs'), ('shop.order_lines')) AS t (t) WHERE has_table_privilege('web', t, 'SELECT')}),
	'0', 'without any right to catalog, log, counts and order lines');
for (@needs)
{
	my ($what, $table) = @$_;
	my ($name) = $table =~ /(\w+)$/;
	sql("REVOKE SELECT ON $table FROM web");
	fails('web', $call, qr/permission denied for table (shop\.)?$name/, "a call without SELECT on the $what");
	fails('web', q{SELECT * FROM shop.home(customer => 5)}, qr/permission denied for table (shop\.)?$name/, "a page without SELECT on the $what");
	fails('web', q{SELECT * FROM personalize.explain_recommendation('shop.for_you', 5, 7)}, qr/permission denied for table (shop\.)?$name/, "an explanation without SELECT on the $what");
	sql("GRANT SELECT ON $table TO web");
}
is(sql("SET ROLE web; $call"), '6', 'with all of them again: it answers');

# A session notices that a right is taken away.
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe('SET ROLE web');
is($session->query_safe($call), '6', 'a session that stays');
sql('REVOKE SELECT ON shop.together FROM web');
my $answer = $session->query($call);
is($answer, '', 'has no answer without the right that it had');
sql('GRANT SELECT ON shop.together TO web');
is($session->query($call), '6', 'and has one when it has it again');
$session->quit;

# Only the columns that are read are needed.
sql('REVOKE SELECT ON shop.products FROM web; GRANT SELECT (id, available, category) ON shop.products TO web');
is(sql("SET ROLE web; $call"), '6', 'SELECT on the columns of key, filter and cap is enough');
sql('REVOKE SELECT (available) ON shop.products FROM web');
fails('web', $call, qr/permission denied for table (shop\.)?products/, 'not without that of the filter');
sql('GRANT SELECT ON shop.products TO web');

# ---------------------------------------------------------------- what belongs to others

fails('thief', q{SELECT personalize.alter_widget('shop.for_you', k => 3)}, qr/must be owner of function|permission denied/, 'altering a foreign widget');
fails('web', q{SELECT personalize.alter_widget('shop.for_you', k => 3)}, qr/must be owner of function/, 'altering a widget that one may call');
fails('web', q{SELECT personalize.drop_widget('shop.for_you')}, qr/must be owner of function/, 'dropping it');
fails('web', q{SELECT personalize.create_widget('shop.mine', sources => '{"shop.together": 1}')}, qr/permission denied for schema shop/, 'a widget in a foreign schema');
fails('web', q{SELECT personalize.create_page('shop.mine', widgets => '["shop.for_you"]')}, qr/permission denied for schema shop/, 'a page in a foreign schema');
fails('thief', qq{INSERT INTO personalize.widget SELECT * FROM personalize.widget}, qr/permission denied/, 'writing into the registry');
fails('thief', qq{UPDATE personalize.widget_source SET weight = 2}, qr/permission denied/, 'changing it');
sql('CREATE SCHEMA thief AUTHORIZATION thief; GRANT USAGE ON SCHEMA shop TO thief');
fails('thief', q{SELECT personalize.create_widget('thief.w', sources => '{"shop.together": 1}')}, qr/permission denied for table (shop\.)?together/, 'a widget of a model that one may not read');

# A widget's filter runs as the caller, never as the owner: neither helps the other to rights.
sql(q{GRANT SELECT ON shop.together, shop.bought_h, shop.products TO thief; CREATE TABLE thief.proof (who text); GRANT INSERT ON thief.proof TO PUBLIC; GRANT USAGE ON SCHEMA thief TO PUBLIC;
SET ROLE thief;
CREATE FUNCTION thief.look(int) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'run by %', current_user; RETURN true; END $$;
SELECT personalize.create_widget('thief.w', sources => '{"shop.together": 1}', histories => '{"bought": "shop.bought_h"}', filter => 'thief.look(id)')});
my (undef, undef, $stderr) = $node->psql('postgres', 'SET ROLE web; SELECT count(*) FROM thief.w(customer => 5, k => 3)');
like($stderr, qr/run by web/, 'a filter runs as the caller');
unlike($stderr, qr/run by (?!web)/, 'and as nobody else');

# ---------------------------------------------------------------- row-level security

sql(q{SET ROLE owner; ALTER TABLE shop.products ENABLE ROW LEVEL SECURITY; CREATE POLICY half ON shop.products FOR SELECT TO web USING (id % 2 = 0)});
is(sql(q{SET ROLE web; SELECT count(*) FILTER (WHERE item % 2 = 1), count(*) FROM shop.for_you(customer => 5, k => 9)}), '0|9', 'products that a policy hides are not shown, and k others are');
like(sql(q{SET ROLE owner; SELECT count(*) FILTER (WHERE item % 2 = 1) FROM shop.for_you(customer => 5, k => 20)}), qr/^[1-9]/, 'its owner sees all');
is( sql(q{SET ROLE web; SELECT count(*) FILTER (WHERE item % 2 = 1) FROM shop.home(customer => 5, k => 20)}), '0', 'nor on a page');
is( sql(q{SET ROLE owner; SELECT count(*) FROM shop.for_you(customer => 5, k => 18); SET ROLE web; SELECT count(*) FILTER (WHERE item % 2 = 1) FROM shop.for_you(customer => 5, k => 18)}), "18\n0",
	'one session with two roles');
like(sql(q{SET ROLE web; SELECT string_agg(coalesce(detail, ''), ' ') FROM personalize.explain_recommendation('shop.for_you', 5, 7) WHERE step IN ('removed', 'rank')}), qr/none: /, 'an explanation does not say more');
sql(q{SET ROLE owner; ALTER TABLE shop.together ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON shop.together FOR SELECT TO web USING (true)});
fails('web', $call, qr/row-level security/, 'a model under row-level security');
sql(q{SET ROLE owner; ALTER TABLE shop.together DISABLE ROW LEVEL SECURITY; ALTER TABLE shop.bought_h ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON shop.bought_h FOR SELECT TO web USING (true)});
fails('web', $call, qr/row-level security/, 'a history under row-level security');

$node->stop;
done_testing();
