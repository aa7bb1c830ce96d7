-- What refreshes did, one row each, as personalize.history and personalize.model know it; the first build to begin with.
CREATE TABLE shop.day (step serial, what text, baskets bigint, pairs bigint, items bigint, ms double precision);
INSERT INTO shop.day (what, baskets, pairs, items)
SELECT 'nothing: the first build', h.num_baskets, m.last_pairs, m.last_items FROM personalize.history AS h JOIN personalize.model AS m ON m.history_id = h.id;
CREATE PROCEDURE shop.note(what text) LANGUAGE sql AS
	'INSERT INTO shop.day (what, baskets, pairs, items, ms)
	 SELECT $1, h.last_baskets, m.last_pairs, m.last_items, h.last_ms FROM personalize.history AS h JOIN personalize.model AS m ON m.history_id = h.id';
