-- The HTML file, of which the variable `file` has the path, as XML: five pages, each with shelves, each shelf as many products as the rows that it was made from.
\set html `cat :'file'`
CREATE TEMP TABLE page AS SELECT xmlparse(DOCUMENT :'html') AS x;
CREATE FUNCTION pg_temp.count(path text) RETURNS bigint LANGUAGE sql AS
	$$ SELECT ((xpath('count(' || path || ')', x, '{{h,http://www.w3.org/1999/xhtml}}'))[1]::text)::double precision::bigint FROM page $$;
CREATE FUNCTION pg_temp.require(holds boolean, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF holds IS NOT TRUE THEN
		RAISE EXCEPTION 'the HTML file: %', what;
	END IF;
END $$;
SELECT pg_temp.require(pg_temp.count('//h:section') = 5, 'not five pages'),
	pg_temp.require(pg_temp.count('//h:section[not(h:ol)]') = 0, 'a page without shelves'),
	pg_temp.require(pg_temp.count('//h:section//h:li') = (SELECT count(*) FROM shop.shown_page), 'not every product'),
	pg_temp.require(pg_temp.count('//h:li[not(h:p[@class="name"]/text())][h:p]') = 0, 'a product without a name'),
	pg_temp.require(pg_temp.count('//@src | //h:link | //h:script | //h:iframe | //h:object | //h:a[not(starts-with(@href, "#"))]') = 0, 'something comes from elsewhere'),
	pg_temp.require(pg_temp.count('//h:tbody/h:tr') = (SELECT count(*) FROM shop.shown_why), 'the explanation is incomplete'),
	pg_temp.require((SELECT count(*) = count(DISTINCT (section, product)) FROM shop.shown_page), 'a product twice on a page');
