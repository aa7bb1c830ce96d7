-- What a day brings, one transaction each, and a refresh after it.
CREATE TEMP TABLE latest AS SELECT order_id FROM shop.order_lines GROUP BY order_id HAVING count(*) BETWEEN 3 AND 30 ORDER BY order_id DESC LIMIT 100;

INSERT INTO shop.order_lines SELECT 'N1', product_id, customer_id, quantity, now(), amount FROM shop.order_lines WHERE order_id = (SELECT min(order_id) FROM latest);
CALL personalize.refresh('shop.orders_h');
CALL shop.note('one new order');

DELETE FROM shop.order_lines WHERE (order_id, product_id) = (SELECT order_id, min(product_id) FROM shop.order_lines GROUP BY order_id HAVING count(*) = 4 ORDER BY order_id LIMIT 1);
CALL personalize.refresh('shop.orders_h');
CALL shop.note('a return of one product');

DELETE FROM shop.order_lines WHERE customer_id = (SELECT customer_id FROM shop.order_lines WHERE customer_id IS NOT NULL GROUP BY customer_id HAVING count(DISTINCT order_id) <= 20 ORDER BY count(DISTINCT order_id) DESC, customer_id LIMIT 1);
CALL personalize.refresh('shop.orders_h');
CALL shop.note('a customer deleted, with all orders');

INSERT INTO shop.order_lines SELECT 'N' || order_id, product_id, customer_id, quantity, now(), amount FROM shop.order_lines WHERE order_id IN (SELECT order_id FROM latest);
CALL personalize.refresh('shop.orders_h');
CALL shop.note('a day: 100 new orders');
