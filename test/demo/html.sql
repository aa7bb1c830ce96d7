-- The pages of pages.sql as one HTML file, which needs nothing else: styles and pictures are in it. It is well-formed XML, too, so that
-- a server without a browser can look at it.
CREATE FUNCTION pg_temp.html(text) RETURNS text IMMUTABLE LANGUAGE sql AS
	$$ SELECT replace(replace(replace(replace($1, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;') $$;
CREATE FUNCTION pg_temp.part(key text, seed integer, n integer) RETURNS integer IMMUTABLE LANGUAGE sql AS
	$$ SELECT ((hashtextextended(key, seed) & 16777215) % n)::integer $$;

-- There are no photographs: a picture of two circles and a leaf, of a color for each category and a place for each product.
CREATE FUNCTION pg_temp.picture(product text, category text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT format('<svg viewBox="0 0 120 80" aria-hidden="true"><rect width="120" height="80" fill="hsl(%1$s,42%%,88%%)"/><circle cx="%2$s" cy="%3$s" r="%4$s" fill="hsl(%1$s,46%%,72%%)"/>'
		|| '<circle cx="%5$s" cy="%6$s" r="%7$s" fill="hsl(%8$s,50%%,58%%)"/><path d="M%9$s 80 q 14 -%10$s 40 -%11$s q -4 %10$s -40 %11$s" fill="hsl(%1$s,38%%,40%%)"/></svg>',
		hue, 20 + pg_temp.part(product, 1, 80), 12 + pg_temp.part(product, 2, 40), 14 + pg_temp.part(product, 3, 18), 20 + pg_temp.part(product, 4, 80), 20 + pg_temp.part(product, 5, 50),
		6 + pg_temp.part(product, 6, 16), (hue + 35) % 360, 10 + pg_temp.part(product, 7, 60), 20 + pg_temp.part(product, 8, 20), 30 + pg_temp.part(product, 9, 30))
	  FROM (SELECT pg_temp.part(category, 0, 360)) AS h(hue)
$$;

WITH card AS (
	SELECT section, shelf_place, shelf,
		string_agg(format(E'<li>%s<p class="category">%s</p><p class="name">%s</p><p class="price">%s</p><p class="why">%s</p></li>\n',
			pg_temp.picture(product, category), pg_temp.html(category), pg_temp.html(name), pg_temp.html(price), pg_temp.html(why)), '' ORDER BY rank) AS cards, count(*) AS n
	  FROM shop.shown_page GROUP BY section, shelf_place, shelf
), shelf AS (
	SELECT section, string_agg(format(E'<h3 id="shelf-%1$s-%2$s">%3$s</h3>\n<ol aria-labelledby="shelf-%1$s-%2$s">\n%4$s</ol>\n', section, shelf_place, pg_temp.html(shelf), cards), '' ORDER BY shelf_place) AS shelves
	  FROM card GROUP BY section
), why AS (
	SELECT section, format(E'<details><summary>Why is “%s” here?</summary>\n<table><caption>personalize.explain_recommendation</caption>\n<thead><tr><th scope="col">step</th><th scope="col">source</th>'
		|| E'<th scope="col">because of</th><th scope="col">amount</th><th scope="col">detail</th></tr></thead>\n<tbody>\n%s</tbody></table></details>\n', pg_temp.html(min(product)),
		string_agg(format(E'<tr><th scope="row">%s</th><td>%s</td><td>%s</td><td class="number">%s</td><td>%s</td></tr>\n', pg_temp.html(step), coalesce(pg_temp.html(source), ''), coalesce(pg_temp.html(because), ''),
			coalesce(round(amount::numeric, 4)::text, ''), coalesce(pg_temp.html(detail), '')), '' ORDER BY line)) AS details
	  FROM shop.shown_why GROUP BY section
)
SELECT $page$<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>A shop, as three visitors see it</title>
<style>
:root { --ground: #f7f5f0; --card: #ffffff; --ink: #1f1d18; --soft: #5a564b; --line: #d9d4c7; --accent: #8a3b12; }
@media (prefers-color-scheme: dark) { :root { --ground: #181714; --card: #24221d; --ink: #f1eee6; --soft: #bdb7a8; --line: #403c33; --accent: #f0a878; } li svg { filter: brightness(.82); } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 1.5rem; }
h1 { font: 600 2rem/1.2 Georgia, serif; }
h2 { font: 600 1.5rem/1.25 Georgia, serif; }
h3 { font-size: 1rem; margin: 1.5rem 0 .6rem; }
header p, .note, footer { color: var(--soft); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin-top: 1rem; }
section { border-top: 1px solid var(--line); padding: 1.75rem 0; }
section ol { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .9rem; }
section li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; padding-bottom: .7rem; }
section li p { padding: 0 .75rem; }
svg { display: block; width: 100%; height: auto; margin-bottom: .55rem; }
.category, .why { color: var(--soft); font-size: .8rem; }
.name { font-weight: 600; line-height: 1.3; overflow-wrap: anywhere; }
.price { font-variant-numeric: tabular-nums; }
.why { margin-top: .3rem; overflow-wrap: anywhere; }
details { margin-top: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1rem; overflow-x: auto; }
summary { cursor: pointer; font-weight: 600; }
table { border-collapse: collapse; margin-top: .7rem; font-size: .875rem; }
caption { text-align: left; color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the shelves</a>
<header>
<h1>A shop, as three visitors see it</h1>
<p>$page$ || pg_temp.html(:'shop') || $page$ Every shelf is the answer of one function of the shop's own database.</p>
<nav aria-label="Pages"><ul>
$page$ || (SELECT string_agg(format(E'<li><a href="#page-%s">%s</a></li>\n', section, pg_temp.html(title)), '' ORDER BY section) FROM shop.shown_section) || $page$</ul></nav>
</header>
<main id="main">
$page$ || (SELECT string_agg(format(E'<section id="page-%1$s" aria-labelledby="title-%1$s">\n<h2 id="title-%1$s">%2$s</h2>\n<p class="note">%3$s</p>\n%4$s%5$s</section>\n',
		section, pg_temp.html(title), pg_temp.html(note), coalesce(shelves, ''), coalesce(details, '')), '' ORDER BY section)
	FROM shop.shown_section LEFT JOIN shelf USING (section) LEFT JOIN why USING (section)) || $page$</main>
<footer><p>Made by PostgreSQL with personalize: recommendations, texts, pictures and this file.</p></footer>
</body>
</html>$page$;
