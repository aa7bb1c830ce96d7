-- The source embedding gives what plain SQL with pgvector gives; its two expected files are with pgvector and without.
CREATE SCHEMA embedding_shop;
SET client_min_messages = warning;
SET search_path = embedding_shop, public;
CREATE TABLE products (id text PRIMARY KEY, name text);
INSERT INTO products SELECT 'p' || i, 'thing' FROM generate_series(1, 50) AS i;
SELECT personalize.create_catalog('items', 'products', 'id');
SELECT personalize.create_widget('embedding_shop.w', '{"embedding": {"table": "products", "item": "id"}}', catalog => 'items');
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS has_vector \gset
\if :has_vector
\else
\echo 'skipped: pgvector is not installed on this server'
DROP SCHEMA embedding_shop CASCADE;
\quit
\endif

CREATE SCHEMA vectors;
CREATE EXTENSION vector SCHEMA vectors;
ALTER TABLE products ADD embedding vectors.vector(3), ADD "Half" vectors.halfvec(3);
UPDATE products SET embedding = format('[%s,%s,%s]', 1 + length(id), ascii(right(id, 1)) % 7, ascii(substr(id, 2, 1)) % 5)::vectors.vector WHERE id <> 'p8';
UPDATE products SET embedding = '[0,0,0]' WHERE id = 'p9';
UPDATE products SET "Half" = (embedding::text)::vectors.halfvec;
CREATE FUNCTION plain(seeds text[]) RETURNS TABLE (item text, score float8) LANGUAGE sql SET search_path = vectors, embedding_shop AS $$
	SELECT p.id, sum(1 - (p.embedding <=> s.embedding)) FROM products AS p, products AS s
	 WHERE s.id = ANY (seeds) AND p.id <> s.id AND 1 - (p.embedding <=> s.embedding) BETWEEN 0 AND 1 + 1e-9 GROUP BY p.id
$$;
SELECT personalize.create_widget('embedding_shop.w', '{"embedding": {"table": "products", "item": "id"}}', catalog => 'items');
CREATE FUNCTION compare(seeds text[]) RETURNS text LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE abs(w.score - p.score) > 1e-6 OR w.item IS NULL OR p.item IS NULL) || ' differ, ' || count(p.item) || ' items'
	  FROM (SELECT item, score FROM w(cart => seeds, k => 1000) WHERE score > 0) AS w
	  FULL JOIN (SELECT item, score / (SELECT max(score) FROM plain(seeds)) AS score FROM plain(seeds) WHERE item <> ALL (seeds)) AS p USING (item)
$$;
SELECT compare('{p7}');
SELECT compare('{p7,p12,p13}');
SELECT item, because, reason FROM w(item => 'p7', k => 2);
-- no vector, a vector of no length, an item that nobody knows
SELECT count(*) FILTER (WHERE source = 'embedding') FROM w(item => 'p8');
SELECT count(*) FILTER (WHERE source = 'embedding') FROM w(item => 'p9');
SELECT count(*) FILTER (WHERE source = 'embedding') FROM w(item => 'nothing');
SELECT count(*) FILTER (WHERE source = 'embedding') FROM w();
-- an index of pgvector's
CREATE INDEX ON products USING hnsw (embedding vectors.vector_cosine_ops);
SELECT count(*) FILTER (WHERE source = 'embedding') > 30 AS found FROM w(item => 'p7', k => 100);
SELECT personalize.alter_widget('w', '{"embedding": {"table": "products", "item": "id", "vector": "Half", "seeds": 2}}');
SELECT count(DISTINCT because) FROM w(cart => '{p7,p12,p13}', k => 100);
-- Mistakes
SELECT personalize.alter_widget('w', '{"embedding": {"table": "products", "item": "id", "vector": "name"}}');
SELECT personalize.alter_widget('w', '{"embedding": {"table": "products", "item": "id", "vector": "image"}}');
SELECT personalize.alter_widget('w', '{"embedding": {"table": "products", "vector": "Half"}}');
SELECT personalize.alter_widget('w', '{"embedding": {"item": "id"}}');
SELECT personalize.alter_widget('w', '{"embedding": {"table": "products", "item": "id", "seeds": 0}}');
DROP EXTENSION vector CASCADE;
SELECT count(*) FROM w(item => 'p7');
DROP SCHEMA embedding_shop, vectors CASCADE;
