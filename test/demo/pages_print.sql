-- The pages, for a person to read.
SELECT text FROM (
	SELECT section, 0 AS shelf_place, 0 AS rank, format(E'\n%s\n  %s', title, CASE WHEN length(note) > 150 THEN left(note, 147) || '...' ELSE note END) AS text FROM shop.shown_section
	UNION ALL
	SELECT section, shelf_place, rank, format('  %-20s %-42s %9s  %s', CASE rank WHEN 1 THEN shelf ELSE '' END, left(name, 42), price, left(why, 60)) FROM shop.shown_page WHERE rank <= 4) AS x
 ORDER BY section, shelf_place, rank;
SELECT format(E'\nWhy the first of them is there: %s\n  %-14s %-18s %-36s %8s  %s', (SELECT min(product) FROM shop.shown_why), 'step', 'source', 'because of', 'amount', 'detail');
SELECT format('  %-14s %-18s %-36s %8s  %s', step, source, left(because, 36), coalesce(round(amount::numeric, 4)::text, ''), detail)
  FROM (SELECT *, row_number() OVER (PARTITION BY step ORDER BY line) AS place FROM shop.shown_why) AS x WHERE step <> 'contribution' OR place <= 5 ORDER BY line;
SELECT format(E'\n  %-36s %s', 'time of a page', string_agg(format('%s %s ms', what, round(ms::numeric, 1)), ', ')) FROM shop.shown_time;
