-- What the items column of a history holds.  The bytes here are written by hand, from the comment of kernel/basket.c.

-- codes only: then the sequence is that of the codes, and each weighs one
SELECT * FROM personalize.basket_items('\x1003000000');
SELECT * FROM personalize.basket_items('\x10020a80c801');
-- weights
SELECT * FROM personalize.basket_items('\x180200000109');
-- one day for all, and a day each
SELECT * FROM personalize.basket_items('\x1102893900ff01');
SELECT * FROM personalize.basket_items('\x1502893900001e');
-- another sequence
SELECT * FROM personalize.basket_items('\x120300000012');
-- all of it
SELECT * FROM personalize.basket_items('\x1f0289390000010100feffffff0f') ORDER BY place;
-- no row for no basket, nor for one that is empty until something in it expires
SELECT * FROM personalize.basket_items(NULL);
SELECT * FROM personalize.basket_items('');

-- whatever else the bytes are, they are no basket; the last have a day that is no date, and a weight past its range
\set VERBOSITY sqlstate
SELECT * FROM personalize.basket_items('\xdeadbeef');
\set VERBOSITY default
SELECT * FROM personalize.basket_items('\x10030000');
SELECT * FROM personalize.basket_items('\x100300000000');
SELECT * FROM personalize.basket_items('\x10ffffffff0f');
SELECT * FROM personalize.basket_items('\x1103ffffffff07000000');
SELECT * FROM personalize.basket_items('\x180100ffffffff0f');
