-- What a day brings, one transaction each, and a refresh after it.
-- It buys what an order of before had bought, and what the next one had.
BEGIN;
INSERT INTO shop.orders SELECT 1000000, customer_id, now() FROM shop.orders WHERE order_id = 7;
INSERT INTO shop.order_lines SELECT DISTINCT 1000000, product_id, 1, cents / quantity FROM shop.order_lines WHERE order_id IN (7, 8);
COMMIT;
CALL personalize.refresh('shop.orders_h');
CALL shop.note('one new order');

DELETE FROM shop.order_lines WHERE (order_id, product_id) = (SELECT order_id, min(product_id) FROM shop.order_lines GROUP BY order_id HAVING count(*) = 4 ORDER BY order_id LIMIT 1);
CALL personalize.refresh('shop.orders_h');
CALL shop.note('a return of one product');

-- The lines go by foreign key.
DELETE FROM shop.orders WHERE customer_id = (SELECT customer_id FROM shop.orders GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT 1);
CALL personalize.refresh('shop.orders_h');
CALL shop.note('a customer deleted, with all orders');

BEGIN;
INSERT INTO shop.orders SELECT 1000000 + order_id, customer_id, now() FROM shop.orders WHERE order_id BETWEEN 10001 AND 11000;
INSERT INTO shop.order_lines
SELECT DISTINCT 1000000 + o.order_id, l.product_id, 1, l.cents / l.quantity FROM shop.orders AS o JOIN shop.order_lines AS l ON l.order_id IN (o.order_id, o.order_id + 1) WHERE o.order_id BETWEEN 10001 AND 11000;
COMMIT;
CALL personalize.refresh('shop.orders_h');
CALL shop.note('a day: 1,000 new orders');
