CREATE TABLE w_p (id int PRIMARY KEY, name text NOT NULL UNIQUE, qty int DEFAULT 5 CHECK (qty > 0), price numeric(6,2), CONSTRAINT cheap CHECK (price < 100 OR qty < 3));
CREATE TABLE w_c (id int, p_id int REFERENCES w_p (id), note varchar(5), PRIMARY KEY (id, p_id));
INSERT INTO w_p (id, name) VALUES (1, 'a'), (2, 'b');
INSERT INTO w_p VALUES (3, 'c', DEFAULT, 1.005), (4, 'd', 1, NULL);
SELECT * FROM w_p ORDER BY id;
INSERT INTO w_p VALUES (1, 'z');
INSERT INTO w_p VALUES (9, 'a');
INSERT INTO w_p VALUES (9, NULL);
INSERT INTO w_p VALUES (NULL, 'x');
INSERT INTO w_p VALUES (9, 'x', 0);
INSERT INTO w_p VALUES (9, 'x', 3, 100);
INSERT INTO w_p VALUES (9, 'x', 1, 12345.6);
INSERT INTO w_p VALUES (9, 'x', NULL, 5);
INSERT INTO w_p (id, nosuch) VALUES (1, 2);
INSERT INTO w_p (id, id) VALUES (1, 2);
INSERT INTO w_p (id) VALUES (1, 2);
INSERT INTO w_p (id, name) VALUES (10);
INSERT INTO w_p (id, name) VALUES ('abc', 'x');
INSERT INTO w_p (id, name) VALUES (true, 'x');
INSERT INTO w_p (id, name) VALUES (1.6, 'rounded'), (20, 'y');
INSERT INTO w_p (id, name) VALUES (10.6, 'rounded');
INSERT INTO w_p (id, name) VALUES (99999999999, 'x');
INSERT INTO nosuch VALUES (1);
INSERT INTO w_c VALUES (1, 1, 'ok'), (2, 1, NULL);
INSERT INTO w_c VALUES (1, 77, 'bad');
INSERT INTO w_c VALUES (1, NULL, 'bad');
INSERT INTO w_c VALUES (3, 1, 'toolong');
DELETE FROM w_p WHERE id = 1;
UPDATE w_p SET id = 100 WHERE id = 1;
UPDATE w_p SET id = 101 WHERE id = 2;
UPDATE w_p SET name = 'a' WHERE name = 'b';
UPDATE w_p SET name = NULL;
UPDATE w_p SET qty = qty - 5;
UPDATE w_p SET nosuch = 1;
UPDATE w_p SET qty = 'x';
UPDATE w_p SET qty = 1, qty = 2;
UPDATE w_p SET id = id + 1 WHERE id > 100;
UPDATE w_p SET qty = qty * 2, price = coalesce(price, 1) + qty WHERE qty IS NOT NULL RETURNING id, qty, price;
UPDATE w_p SET qty = c.n FROM (SELECT p_id, count(*)::int n FROM w_c GROUP BY p_id) c WHERE c.p_id = w_p.id RETURNING w_p.id, qty;
UPDATE w_p SET (qty, price) = (7, 7.5) WHERE id = 3;
UPDATE w_p SET qty = (SELECT max(qty) FROM w_p) WHERE id = 4 RETURNING qty;
DELETE FROM w_p WHERE id NOT IN (SELECT p_id FROM w_c) AND qty < 7 RETURNING id;
DELETE FROM w_p USING w_c WHERE w_p.id = w_c.p_id + 8;
INSERT INTO w_p (id, name) SELECT id + 1000, name || '2' FROM w_p RETURNING id, name, qty;
INSERT INTO w_p (id, name) VALUES (2000, 'q') RETURNING *;
INSERT INTO w_p DEFAULT VALUES;
SELECT id, name, qty, price FROM w_p ORDER BY id;
BEGIN;
INSERT INTO w_p (id, name) VALUES (3000, 'tx');
SELECT count(*) FROM w_p WHERE id = 3000;
ROLLBACK;
SELECT count(*) FROM w_p WHERE id = 3000;
BEGIN;
INSERT INTO w_p (id, name) VALUES (3001, 'tx');
SELECT 1/0;
SELECT 1;
COMMIT;
SELECT count(*) FROM w_p WHERE id = 3001;
BEGIN;
UPDATE w_p SET qty = 50 WHERE id = 3;
DELETE FROM w_c WHERE id = 2;
SELECT count(*) FROM w_c;
COMMIT;
SELECT qty FROM w_p WHERE id = 3;
INSERT INTO w_p (id, name) VALUES (4000, 'm1'), (4001, 'm1');
INSERT INTO w_p (id, name) VALUES (4000, 'm1'), (4000, 'm2');
SELECT count(*) FROM w_p WHERE id >= 4000;
SELECT 1; SELECT 2 AS b;
INSERT INTO w_p (id, name) VALUES (5000, 'multi'); SELECT 1/0;
SELECT count(*) FROM w_p WHERE id = 5000;
COPY w_p (id, name, qty) FROM STDIN;
6000	copied	3
6001	back\\slash	\N
6002	tab\there	1
\.
SELECT id, name, qty FROM w_p WHERE id >= 6000 ORDER BY id;
COPY w_p (id, name) FROM STDIN WITH (FORMAT csv, HEADER true);
id,name
6010,"quoted, ""x"""
6011,plain
\.
SELECT id, name FROM w_p WHERE id >= 6010 ORDER BY id;
COPY w_p (id, name) FROM STDIN;
6020	ok
bad	x
\.
COPY w_p (id, name) FROM STDIN;
6020
\.
COPY w_p (id, name) FROM STDIN;
6020	x	y
\.
COPY w_p (id, name) FROM STDIN WITH (FORMAT csv);
6020,
\.
COPY w_p (id, name) FROM STDIN;
6000	dup
\.
COPY w_p (id, name, qty) FROM STDIN;
6030	check	-1
\.
COPY w_p (nosuch) FROM STDIN;
\.
SELECT count(*) FROM w_p WHERE id > 6011;
TRUNCATE w_c;
SELECT count(*) FROM w_c;
CREATE TABLE w_p (id int);
CREATE TABLE IF NOT EXISTS w_p (id int);
CREATE TABLE w_x (a int, a int);
CREATE TABLE w_x (a nosuchtype);
CREATE TABLE w_x (a int PRIMARY KEY, b int PRIMARY KEY);
CREATE TABLE w_x (a int REFERENCES nosuch);
CREATE TABLE w_x (a int DEFAULT 'x');
CREATE TABLE w_x (a int CHECK (b > 0));
CREATE UNIQUE INDEX w_i ON w_p (qty);
CREATE INDEX w_i ON w_p (nosuch);
CREATE INDEX w_i ON nosuch (a);
CREATE INDEX w_i ON w_p (qty);
CREATE INDEX w_i ON w_p (price);
SELECT id FROM w_p WHERE qty = 50;
DROP INDEX w_i;
DROP INDEX w_i;
DROP TABLE w_p;
DROP TABLE w_c;
DROP TABLE w_p;
DROP TABLE IF EXISTS w_p;
SELEC 1;
--? state
SELECT * FROM;
SELECT 'unterminated;
SELECT nosuch;
SELECT * FROM nosuch;
--? state
SELECT 1 + ;
SELECT "q";
SELECT 1 AS a, 2 AS a ORDER BY a;
SELECT CASE WHEN 1 THEN 2 END;
SELECT CASE WHEN true THEN 1 ELSE 'x' END;
SELECT coalesce(1, 'x');
SELECT 1 WHERE 1;
SELECT 1 WHERE 'true';
SELECT 1 IN ('a');
SELECT NOT 1;
SELECT 1 AND true;
SET nosuch_setting = 1;
SHOW nosuch_setting;
COMMIT;
ROLLBACK;
