-- A generated shop: 2,000 products in 40 categories and 40 new ones that nobody has bought yet, 60,000 customers, 330,000 orders, about a million order lines
-- of the year up to yesterday.
--
-- Taste is latent: a customer has three favorite categories and one style, complements are bought together, and
-- popularity falls off steeply. Every choice is a hash of what it is made for, and the arithmetic is only additions,
-- multiplications and floor, so that every machine and every server version makes the same rows.

CREATE SCHEMA shop;
CREATE FUNCTION pg_temp.uniform(key bigint, seed bigint) RETURNS double precision IMMUTABLE STRICT LANGUAGE sql AS
	'SELECT (hashint8extended(key, seed) & 16777215)::double precision / 16777216';
CREATE FUNCTION pg_temp.below(n integer, u double precision) RETURNS integer IMMUTABLE STRICT LANGUAGE sql AS
	'SELECT floor(n * u)::integer';
CREATE FUNCTION pg_temp.word(words text, i integer) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
	$$ SELECT split_part(words, ',', 1 + i % (1 + length(words) - length(replace(words, ',', '')))) $$;

-- Most popular first; `goes_with` names two categories that complete this one. Tools are named by brand, the rest by style.
CREATE TEMP TABLE kind (n serial, category text, nouns text, variants text, low numeric, high numeric, tool boolean, goes_with text[]);
INSERT INTO kind (category, nouns, variants, low, high, tool, goes_with) VALUES
('Mugs & Cups', 'Mug,Espresso Cup,Latte Bowl,Travel Mug,Tumbler', 'Stoneware,Porcelain,Enamel,Glazed,Speckled', 6, 28, false, '{Coffee Beans,Tea}'),
('Coffee Beans', 'Espresso Beans,Filter Beans,Decaf Beans,House Blend,Single Origin', 'Dark Roast,Medium Roast,Light Roast,Organic,Fairtrade', 9, 24, true, '{Coffee Filters,Mugs & Cups}'),
('Aprons', 'Apron,Half Apron,Cross-Back Apron,Child''s Apron,Tabard', 'Linen,Cotton,Canvas,Denim,Waxed', 14, 52, false, '{Oven Mitts,Baking Tins}'),
('Candles', 'Candle,Pillar Candle,Tea Light Set,Jar Candle,Taper Set', 'Beeswax,Soy,Cedar,Vanilla,Lavender', 5, 38, false, '{Candle Holders,Home Fragrance}'),
('Notebooks', 'Notebook,Journal,Sketchbook,Planner,Pocket Book', 'Ruled,Dotted,Plain,Clothbound,Recycled', 4, 29, false, '{Pens & Ink,Desk Organizers}'),
('Baking Tins', 'Loaf Tin,Cake Tin,Muffin Tray,Tart Pan,Bundt Pan', 'Steel,Enamel,Nonstick,Ceramic,Cast Iron', 8, 46, false, '{Cake Decorations,Oven Mitts}'),
('Throws & Blankets', 'Throw,Blanket,Bedspread,Lap Rug,Picnic Blanket', 'Wool,Cotton,Fleece,Mohair,Chenille', 24, 140, false, '{Cushions,Candles}'),
('Tea', 'Breakfast Tea,Green Tea,Herbal Tea,Chai,Earl Grey', 'Loose Leaf,Bagged,Organic,Caddy,Sampler', 4, 22, true, '{Teapots,Mugs & Cups}'),
('Cushions', 'Cushion,Bolster,Floor Cushion,Seat Pad,Cushion Cover', 'Velvet,Linen,Knitted,Quilted,Embroidered', 12, 68, false, '{Throws & Blankets,Rugs}'),
('Plant Pots', 'Plant Pot,Hanging Planter,Window Box,Bowl Planter,Pot Stand', 'Terracotta,Concrete,Zinc,Glazed,Rattan', 7, 75, false, '{Garden Seeds,Watering}'),
('Garden Seeds', 'Tomato Seeds,Basil Seeds,Sunflower Seeds,Salad Seeds,Wildflower Mix', 'Heirloom,Organic,Early,Dwarf,Giant', 2, 9, true, '{Plant Pots,Garden Tools}'),
('Bath Towels', 'Bath Towel,Hand Towel,Bath Sheet,Face Cloth Set,Bath Mat', 'Waffle,Terry,Bamboo,Turkish,Ribbed', 8, 54, false, '{Soap,Laundry}'),
('Soap', 'Soap Bar,Hand Wash,Body Wash,Bath Salts,Shower Steamer', 'Lavender,Olive,Cedar,Citrus,Rose', 4, 26, false, '{Bath Towels,Skin Care}'),
('Chopping Boards', 'Chopping Board,Serving Board,Bread Board,Cheese Board,Carving Board', 'Oak,Acacia,Olive Wood,Slate,Bamboo', 15, 88, false, '{Kitchen Knives,Wood Care}'),
('Kitchen Knives', 'Chef''s Knife,Paring Knife,Bread Knife,Santoku Knife,Carving Knife', 'Forged,Damascus,Ceramic,Stamped,Steel', 18, 190, true, '{Knife Care,Chopping Boards}'),
('Espresso Machines', 'Espresso Machine,Lever Espresso Machine,Pod Machine,Moka Pot,Bean-to-Cup Machine', 'Compact,Dual Boiler,Steel,Programmable,Manual', 49, 890, true, '{Machine Care,Coffee Beans}'),
('Machine Care', 'Descaler,Cleaning Tablets,Group Head Brush,Water Filter,Milk System Cleaner', 'Citric,Concentrated,Gentle,Twin Pack,Eco', 6, 29, true, '{Coffee Beans,Coffee Filters}'),
('Coffee Filters', 'Filter Papers,Pour-Over Dripper,French Press,Coffee Scale,Steel Filter', 'No. 2,No. 4,Unbleached,Reusable,Cone', 4, 65, true, '{Coffee Beans,Mugs & Cups}'),
('Teapots', 'Teapot,Tea Infuser,Tea Cozy,Kettle,Tea Tray', 'Cast Iron,Glass,Porcelain,Stoneware,Copper', 9, 96, false, '{Tea,Mugs & Cups}'),
('Oven Mitts', 'Oven Mitt,Double Oven Glove,Pot Holder,Tea Towel Set,Trivet', 'Quilted,Linen,Silicone,Canvas,Padded', 6, 30, false, '{Aprons,Baking Tins}'),
('Candle Holders', 'Candle Holder,Lantern,Candelabra,Tea Light Holder,Snuffer', 'Brass,Iron,Glass,Marble,Driftwood', 7, 74, false, '{Candles,Table Linen}'),
('Pens & Ink', 'Fountain Pen,Gel Pen Set,Ink Bottle,Pencil Set,Brush Pen', 'Black,Sepia,Blue-Black,Brass,Fine', 3, 85, true, '{Notebooks,Gift Wrap}'),
('Table Linen', 'Tablecloth,Napkin Set,Table Runner,Placemat Set,Coaster Set', 'Linen,Cotton,Jacquard,Jute,Washed', 8, 95, false, '{Dinner Plates,Candle Holders}'),
('Dinner Plates', 'Dinner Plate,Side Plate,Pasta Bowl,Serving Platter,Cereal Bowl', 'Stoneware,Bone China,Reactive Glaze,Melamine,Porcelain', 6, 58, false, '{Table Linen,Glassware}'),
('Glassware', 'Wine Glass Set,Carafe,Highball Set,Coupe Set,Water Glass Set', 'Ribbed,Smoked,Crystal,Hand-Blown,Recycled', 12, 78, false, '{Barware,Dinner Plates}'),
('Barware', 'Cocktail Shaker,Jigger,Ice Bucket,Corkscrew,Bar Spoon', 'Steel,Copper,Brass,Hammered,Matte', 8, 64, true, '{Glassware,Cocktail Mixers}'),
('Cocktail Mixers', 'Tonic,Bitters,Ginger Beer,Syrup,Cocktail Cherries', 'Classic,Rhubarb,Smoked,Elderflower,Blood Orange', 3, 19, true, '{Barware,Glassware}'),
('Rugs', 'Rug,Runner,Doormat,Round Rug,Hearth Rug', 'Jute,Wool,Kilim,Tufted,Flatweave', 22, 480, false, '{Rug Grip,Cushions}'),
('Rug Grip', 'Anti-Slip Underlay,Rug Tape,Corner Grips,Rug Cleaner,Carpet Brush', 'Standard,Heavy Duty,Washable,Felt,Double', 6, 39, true, '{Rugs,Laundry}'),
('Watering', 'Watering Can,Plant Mister,Garden Hose,Self-Watering Spike Set,Rain Gauge', 'Copper,Galvanized,Brass,Long-Reach,Glass', 8, 72, false, '{Plant Pots,Garden Tools}'),
('Garden Tools', 'Hand Trowel,Secateurs,Hand Fork,Garden Gloves,Dibber', 'Ash,Carbon Steel,Stainless,Leather,Forged', 7, 69, true, '{Garden Seeds,Watering}'),
('Desk Organizers', 'Desk Tray,Pen Pot,Letter Rack,Drawer Organizer,Bookends', 'Walnut,Felt,Brass,Cork,Leather', 9, 84, false, '{Notebooks,Pens & Ink}'),
('Cake Decorations', 'Sprinkles,Piping Bag Set,Cake Topper,Icing Tube,Cupcake Cases', 'Pastel,Gold,Rainbow,Confetti,Chocolate', 2, 18, true, '{Baking Tins,Gift Wrap}'),
('Gift Wrap', 'Wrapping Paper,Gift Bag,Ribbon Set,Gift Tag Set,Greeting Card', 'Kraft,Foil,Printed,Velvet,Marbled', 2, 16, false, '{Cake Decorations,Notebooks}'),
('Skin Care', 'Hand Cream,Face Oil,Lip Balm,Body Lotion,Night Balm', 'Rosehip,Almond,Shea,Calendula,Oat', 5, 48, false, '{Soap,Home Fragrance}'),
('Home Fragrance', 'Reed Diffuser,Room Spray,Incense Set,Oil Burner,Scented Sachet', 'Fig,Sandalwood,Neroli,Cedar,Lemongrass', 6, 56, false, '{Candles,Skin Care}'),
('Laundry', 'Laundry Liquid,Wool Wash,Drying Rack,Peg Basket,Stain Remover', 'Unscented,Lavender,Concentrated,Eco,Travel', 5, 62, true, '{Bath Towels,Throws & Blankets}'),
('Wood Care', 'Board Oil,Wood Wax,Board Brush,Sanding Kit,Beeswax Polish', 'Food-Safe,Natural,Citrus,Refill,Clear', 6, 32, true, '{Chopping Boards,Kitchen Knives}'),
('Knife Care', 'Whetstone,Honing Steel,Knife Guard,Magnetic Rack,Strop', '400 Grit,1000 Grit,3000 Grit,Diamond,Leather', 9, 89, true, '{Kitchen Knives,Wood Care}'),
('Wall Clocks', 'Wall Clock,Mantel Clock,Alarm Clock,Station Clock,Kitchen Timer', 'Oak,Brass,Silent,Enamel,Retro', 14, 145, false, '{Rugs,Desk Organizers}');

CREATE TABLE shop.products (product_id bigint PRIMARY KEY, name text NOT NULL, category text NOT NULL, brand text NOT NULL, style text NOT NULL, price numeric(8,2) NOT NULL,
	available boolean NOT NULL, created date NOT NULL);
-- Position 4 r + s in a category is the r-th most popular product of style s; the last one is new. One in thirty is sold out.
INSERT INTO shop.products
SELECT id, CASE WHEN tool THEN split_part(brand, ' ', 1) ELSE pg_temp.word(words, p / 4 + p / 25) END
	|| ' ' || pg_temp.word(variants, (p % 25) / 5 + p / 25) || ' ' || pg_temp.word(nouns, p % 25), category, brand, style,
	floor(low + (high - low) * pg_temp.uniform(id, 2) * pg_temp.uniform(id, 3)) + 0.95,
	pg_temp.uniform(id, 4) > 0.033, current_date - CASE WHEN p < 50 THEN 400 + pg_temp.below(1000, pg_temp.uniform(id, 5)) ELSE 1 + pg_temp.below(14, pg_temp.uniform(id, 5)) END
FROM kind, generate_series(0, 50) AS p,
	LATERAL (SELECT kind.n::bigint * 100 + p) AS i(id),
	LATERAL (SELECT pg_temp.word('rustic,modern,coastal,botanical', p % 4)) AS s(style),
	LATERAL (SELECT CASE style WHEN 'rustic' THEN 'Stonewash,Farmhouse,Heirloom,Homestead' WHEN 'modern' THEN 'Studio,Nordic,Mono,Atelier'
		WHEN 'coastal' THEN 'Seaside,Harbor,Driftwood,Tidal' ELSE 'Meadow,Fern,Orchard,Wild Garden' END) AS w(words),
	LATERAL (SELECT pg_temp.word('Hearth & Hale,Alder Lane,Brightwater,Morrow Goods,Oakhurst,Pemberton,Quill & Co,Saltmarsh,Tilly Rowe,Northfold,Wren & Son,Larkspur',
		(p + kind.n) % 12)) AS b(brand);

-- Four things that complete a product: popular ones of its own style in the two categories that go with its category.
CREATE TEMP TABLE complement AS
SELECT p.product_id, c AS which, other.n::bigint * 100 + p.product_id % 4 + 4 * pg_temp.below(12, pg_temp.uniform(p.product_id, 10 + c) * pg_temp.uniform(p.product_id, 20 + c)) AS other_id
FROM shop.products AS p JOIN kind ON kind.category = p.category
CROSS JOIN generate_series(0, 3) AS c JOIN kind AS other ON other.category = kind.goes_with[1 + c % 2];
ANALYZE complement;

CREATE TABLE shop.customers (customer_id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL);
INSERT INTO shop.customers
SELECT c, pg_temp.word('Ada,Amir,Beth,Carlos,Chloe,Daniel,Elif,Emma,Farid,Grace,Hana,Ines,Jonas,Karim,Lena,Luca,Maya,Nora,Omar,Priya,Rosa,Samuel,Tomas,Yuki', pg_temp.below(24, pg_temp.uniform(c, 30)))
	|| ' ' || pg_temp.word('Abbott,Becker,Costa,Dubois,Eriksen,Fischer,Garcia,Hughes,Ivanova,Jansen,Kowalski,Larsen,Moreau,Novak,Okafor,Patel,Quinn,Rossi,Santos,Tanaka,Usman,Vogel,Walsh,Young', pg_temp.below(24, pg_temp.uniform(c, 31))),
	pg_temp.word('United Kingdom,Germany,France,Netherlands,Spain,Italy,Ireland,Sweden', pg_temp.below(8, pg_temp.uniform(c, 32) * pg_temp.uniform(c, 33)))
FROM generate_series(1, 60000) AS c;

-- What a customer reaches for: mostly a favorite category, mostly the customer's own style, mostly something popular.
-- Not STRICT, because the planner would not inline it then.
CREATE FUNCTION pg_temp.pick(customer bigint, key bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
	SELECT 100 + 100 * CASE WHEN pg_temp.uniform(key, 40) < 0.75
			THEN pg_temp.below(40, pg_temp.uniform(3 * customer + pg_temp.below(3, pg_temp.uniform(key, 41)), 42) * (0.4 + 0.6 * pg_temp.uniform(customer, 43)))
			ELSE pg_temp.below(40, pg_temp.uniform(key, 44) * (0.4 + 0.6 * pg_temp.uniform(key, 45))) END
		+ CASE WHEN pg_temp.uniform(key, 46) < 0.7 THEN pg_temp.below(4, pg_temp.uniform(customer, 47)) ELSE pg_temp.below(4, pg_temp.uniform(key, 48)) END
		+ 4 * pg_temp.below(12, pg_temp.uniform(key, 49) * pg_temp.uniform(key, 50) * pg_temp.uniform(key, 51))
$$;

CREATE TABLE shop.orders (order_id bigint NOT NULL, customer_id bigint NOT NULL, ordered_at timestamptz NOT NULL);
-- Most customers leave at some time, which nobody is told: what would have been theirs is ordered by others.
CREATE FUNCTION pg_temp.leaves(customer bigint) RETURNS integer IMMUTABLE LANGUAGE sql AS
	'SELECT CASE WHEN pg_temp.uniform(customer, 70) < 0.4 THEN 330001 ELSE pg_temp.below(330000, pg_temp.uniform(customer, 71)) END';
CREATE FUNCTION pg_temp.buys(o bigint, attempt integer) RETURNS bigint IMMUTABLE LANGUAGE sql AS
	'SELECT 1 + pg_temp.below(60000, pg_temp.uniform(o, 60 + 100 * attempt) * pg_temp.uniform(o, 61 + 100 * attempt))::bigint';
INSERT INTO shop.orders
SELECT o, CASE WHEN o < pg_temp.leaves(a) THEN a WHEN o < pg_temp.leaves(pg_temp.buys(o, 1)) THEN pg_temp.buys(o, 1) WHEN o < pg_temp.leaves(pg_temp.buys(o, 2)) THEN pg_temp.buys(o, 2) ELSE pg_temp.buys(o, 3) END,
	date_trunc('day', now(), 'UTC') - interval '363 days' + o * interval '95 seconds'
FROM (SELECT o, pg_temp.buys(o, 0) AS a FROM generate_series(1, 330000) AS o OFFSET 0) AS x;

-- The first line of an order is its anchor; each further one completes the anchor or is picked afresh. What comes up twice becomes a quantity.
CREATE TABLE shop.order_lines (order_id bigint NOT NULL, product_id bigint NOT NULL, quantity integer NOT NULL, cents integer NOT NULL);
WITH anchored AS MATERIALIZED (
	SELECT order_id, customer_id, pg_temp.pick(customer_id, 16 * order_id) AS anchor, 1 + pg_temp.below(8, pg_temp.uniform(order_id, 62) * (0.4 + 0.6 * pg_temp.uniform(order_id, 63))) AS size
	FROM shop.orders
), line AS (
	SELECT order_id, CASE WHEN s = 0 THEN anchor WHEN pg_temp.uniform(16 * order_id + s, 64) < 0.4 THEN other_id ELSE pg_temp.pick(customer_id, 16 * order_id + s) END AS product_id
	FROM anchored CROSS JOIN generate_series(0, 7) AS s
	JOIN complement ON complement.product_id = anchor AND which = pg_temp.below(4, pg_temp.uniform(16 * order_id + s, 65) * pg_temp.uniform(16 * order_id + s, 66))
	WHERE s < size
)
INSERT INTO shop.order_lines
SELECT order_id, product_id, quantity, quantity * (100 * price)::integer
  FROM (SELECT order_id, product_id, count(*) AS quantity FROM line GROUP BY order_id, product_id) AS l JOIN shop.products USING (product_id);

CREATE VIEW shop.purchases AS SELECT order_id, customer_id, product_id, ordered_at FROM shop.orders JOIN shop.order_lines USING (order_id);
CREATE VIEW shop.order_totals AS
SELECT o.order_id, o.customer_id, o.ordered_at, sum(l.cents) / 100.0 AS total
  FROM shop.orders AS o JOIN shop.order_lines AS l USING (order_id) GROUP BY o.order_id, o.customer_id, o.ordered_at;

-- What the shop's checkout does.
CREATE PROCEDURE shop.buy(customer bigint) LANGUAGE sql AS $$
	INSERT INTO shop.orders VALUES (0, customer, now());
	INSERT INTO shop.order_lines SELECT 0, product_id, 1, 100 * price FROM shop.products ORDER BY product_id LIMIT 1;
$$;

ALTER TABLE shop.orders ADD PRIMARY KEY (order_id);
CREATE INDEX ON shop.orders (customer_id);
ALTER TABLE shop.order_lines ADD PRIMARY KEY (order_id, product_id), ADD FOREIGN KEY (order_id) REFERENCES shop.orders ON DELETE CASCADE;
ANALYZE shop.products, shop.customers, shop.orders, shop.order_lines;
