# A shop with models of it, and the ways to tell that they are exact: for the tests of models.
package Shop;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(create_shop create_models not_exact fingerprint buys create_widgets widget_answers);

# Tables; the roots of the schema's name are those of a table that other tests must not have.
sub create_shop
{
	my ($node, $db, $baskets) = @_;
	$node->safe_psql($db, <<"END");
CREATE SCHEMA shop;
CREATE TABLE shop.order_lines (line bigserial PRIMARY KEY, order_id bigint, product_id int, ordered_at timestamptz NOT NULL DEFAULT now(), quantity int DEFAULT 1);
CREATE INDEX ON shop.order_lines (order_id);
CREATE TABLE shop.views (session_id bigint, product text, seen timestamptz) PARTITION BY HASH (session_id);
CREATE TABLE shop.views_0 PARTITION OF shop.views FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.views_1 PARTITION OF shop.views FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON shop.views (session_id);
INSERT INTO shop.order_lines (order_id, product_id, ordered_at)
	SELECT o, (o * 7 + i * i * 31 + o % 5) % 97, timestamptz '2026-01-01 00:00+00' + o * interval '7 min' + i * interval '1 s'
	FROM generate_series(1, $baskets) AS o, generate_series(0, 3) AS i;
INSERT INTO shop.views
	SELECT s, 'product ' || (s * 5 + i * i * 13) % 41, timestamptz '2026-03-01 00:00+00' + s * interval '1 min' + i * interval '1 s'
	FROM generate_series(1, $baskets / 2) AS s, generate_series(0, 4) AS i;
END
}

# Two histories and four models, each with what the others have not; nearest sessions of one.
sub create_models
{
	my ($node, $db, $role) = @_;
	my $as = $role ? "SET ROLE $role;" : '';
	$node->safe_psql($db, <<"END");
$as
SELECT personalize.create_history('shop.orders_h', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id', happened => 'ordered_at');
SELECT personalize.create_history('shop.views_h', interactions => 'shop.views', basket => 'session_id', item => 'product', happened => 'seen', max_basket => 4);
SELECT personalize.create_cooccurrence('shop.bought_together', history => 'shop.orders_h', measure => 'cosine', neighbors => 5);
SELECT personalize.create_cooccurrence('shop.damped', history => 'shop.orders_h', measure => 'kernel', damping => 0.5, half_life => '30 days', generation => '30 days');
SELECT personalize.create_cooccurrence('shop.seen_together', history => 'shop.views_h', measure => 'llr', neighbors => 10, min_count => 2);
SELECT personalize.create_cooccurrence('shop.seen_next', history => 'shop.views_h', measure => 'count', sequence => true, "window" => 2);
SELECT personalize.create_sessions('shop.near_views', history => 'shop.views_h', recent => 30);
END
}

# What is wrong with the models, as of the last refresh; with `now` also against a self-join of the tables as they are. Empty: nothing.
sub not_exact
{
	my ($node, $db, $now) = @_;
	my $wrong = $node->safe_psql($db, q{SELECT m.relation, v.* FROM (SELECT relation, id FROM personalize.model UNION ALL SELECT relation, id FROM personalize.sessions ORDER BY id) AS m, personalize.verify(m.relation) AS v LIMIT 5});
	return $wrong unless $now;
	return $wrong . $node->safe_psql($db, <<'END');
WITH entry AS (SELECT DISTINCT order_id, product_id FROM shop.order_lines),
	n AS (SELECT product_id, count(*) AS n FROM entry GROUP BY 1),
	pair AS (SELECT a.product_id AS a, b.product_id AS b, count(*)::float8 AS c FROM entry AS a JOIN entry AS b USING (order_id) WHERE a.product_id <> b.product_id GROUP BY 1, 2),
	scored AS (SELECT a, b, c, personalize.cosine(c, x.n, y.n, (SELECT count(DISTINCT order_id) FROM entry)) AS score FROM pair JOIN n AS x ON x.product_id = a JOIN n AS y ON y.product_id = b),
	best AS (SELECT *, row_number() OVER (PARTITION BY a ORDER BY score DESC, b) AS place FROM scored),
	face AS (SELECT n.product_id AS item, n.n::float8, coalesce(array_agg(b ORDER BY place) FILTER (WHERE place <= 5), '{}') AS neighbors,
		coalesce(array_agg(c ORDER BY place) FILTER (WHERE place <= 5), '{}') AS counts, coalesce(array_agg(score ORDER BY place) FILTER (WHERE place <= 5), '{}') AS scores
		FROM n LEFT JOIN best ON a = product_id GROUP BY n.product_id, n.n)
SELECT 'face', coalesce(f.item, e.item), f::text, e::text FROM shop.bought_together AS f FULL JOIN face AS e ON e.item = f.item WHERE f::text IS DISTINCT FROM e::text
UNION ALL
SELECT 'pair', a, b::text, c::text FROM pair WHERE c IS DISTINCT FROM personalize.pair_count('shop.bought_together', a, b)
LIMIT 5
END
}

# Products, a history whose baskets are customers (of the shop: orders), a model of it, three widgets and a page.
sub create_widgets
{
	my ($node, $db, $role) = @_;
	my $as = $role ? "SET ROLE $role;" : '';
	$node->safe_psql($db, <<"END");
$as
CREATE TABLE shop.products (id int PRIMARY KEY, available boolean NOT NULL, price numeric NOT NULL, category text NOT NULL);
INSERT INTO shop.products SELECT i, i % 10 <> 3, 5 + i % 17, 'category ' || i % 6 FROM generate_series(0, 96) AS i;
SELECT personalize.create_catalog('shop.items', products => 'shop.products', item => 'id', available => 'available', price => 'price', category => 'category');
SELECT personalize.create_history('shop.bought_h', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id', happened => 'ordered_at', catalog => 'shop.items');
SELECT personalize.create_cooccurrence('shop.together', history => 'shop.bought_h', measure => 'kernel', neighbors => 20);
SELECT personalize.create_widget('shop.for_you', sources => '{"shop.together": 1}', histories => '{"bought": "shop.bought_h"}', filter => 'available', exclude => '{bought}', max_per_category => 3);
SELECT personalize.create_widget('shop.again', sources => '{"recently_viewed": 1}', histories => '{"bought": "shop.bought_h"}', filter => 'available', k => 3);
SELECT personalize.create_widget('shop.cart_tip', sources => '{"shop.together": {"weight": 1, "from": ["cart"]}}', histories => '{"bought": "shop.bought_h"}', rules => '{"price": {"max": 0.9, "of": "cart"}}', k => 4);
SELECT personalize.create_page('shop.home', widgets => '["shop.for_you", {"widget": "shop.again", "title": "Again", "k": 2}]');
END
}

# What widgets say to many callers, as one text.
sub widget_answers
{
	my ($node, $db) = @_;
	return $node->safe_psql($db, join ' UNION ALL ',
		q{SELECT 'call ' || count(*) || ' ' || md5(string_agg(r::text, chr(10) ORDER BY c, r.rank)) FROM generate_series(1, 60) AS c, shop.for_you(customer => c, k => 7) AS r},
		q{SELECT 'cart ' || count(*) || ' ' || md5(string_agg(r::text, chr(10) ORDER BY c, r.rank)) FROM generate_series(1, 60) AS c, shop.cart_tip(cart => ARRAY[c, c + 7]) AS r},
		q{SELECT 'page ' || count(*) || ' ' || md5(string_agg(r::text, chr(10) ORDER BY c, r.place)) FROM generate_series(1, 60) AS c, shop.home(customer => c) WITH ORDINALITY AS r(shelf, rank, item, score, source, because, reason, propensity, place)},
		q{SELECT 'page by name ' || md5(string_agg(r::text, chr(10) ORDER BY c, r.place)) FROM generate_series(1, 20) AS c, personalize.page('{shop.for_you, shop.again}', c)
			WITH ORDINALITY AS r(widget, rank, item, score, source, because, reason, propensity, place)},
		q{SELECT 'why ' || md5(string_agg(r::text, chr(10) ORDER BY c, r.line)) FROM generate_series(1, 20) AS c, personalize.explain_recommendation('shop.for_you', c, c * 5 % 97)
			WITH ORDINALITY AS r(step, source, because, amount, detail, line)});
}

# One text that changes with everything that readers can see.
sub fingerprint
{
	my ($node, $db) = @_;
	return $node->safe_psql($db, join ' UNION ALL ',
		(map { qq{SELECT '$_ ' || count(*) || ' ' || md5(string_agg(m::text, chr(10) ORDER BY m::text COLLATE "C")) FROM shop.$_ AS m} }
			qw(bought_together damped seen_together seen_next near_views orders_h views_h)),
		q{SELECT 'neighbors ' || md5(string_agg(x::text, chr(10) ORDER BY item, rank)) FROM shop.bought_together, personalize.neighbors('shop.bought_together', item, 7, 'jaccard') AS x},
		q{SELECT 'of texts ' || md5(string_agg(x::text, chr(10) ORDER BY item COLLATE "C", rank)) FROM shop.seen_next, personalize.neighbors('shop.seen_next', item) AS x},
		q{SELECT 'pair counts ' || sum(personalize.pair_count('shop.damped', item, item + 7)) FROM shop.damped},
		q{SELECT 'status ' || string_agg(concat_ws(' ', relation, kind, source, built, pending, needs_rebuild, problem, baskets, items, definition), ', ' ORDER BY relation::text COLLATE "C") FROM personalize.status});
}

# Statements that change baskets, some of them new; another seed, others.
sub buys
{
	my ($seed, $n) = @_;
	return join ";\n",
		"INSERT INTO shop.order_lines (order_id, product_id) SELECT $seed * 13 + g, (g * 31 + $seed) % 97 FROM generate_series(1, $n) AS g",
		"UPDATE shop.order_lines SET product_id = (product_id + 1) % 97 WHERE order_id % 101 = $seed % 101",
		"DELETE FROM shop.order_lines WHERE order_id % 211 = $seed % 211",
		"INSERT INTO shop.views SELECT $seed * 7 + g, 'product ' || (g + $seed) % 43, now() FROM generate_series(1, $n) AS g",
		"DELETE FROM shop.views WHERE session_id % 97 = $seed % 97";
}

1;
