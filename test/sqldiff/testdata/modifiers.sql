-- A type modifier holds for a value only when every branch it may come from has it.
CREATE TABLE m_s (a numeric(10,2), v varchar(3));
CREATE TABLE m_d (a numeric(10,2), v varchar(3));
INSERT INTO m_s VALUES (1.25, 'abc'), (2.50, 'x');
SELECT a FROM m_s UNION ALL SELECT a / 4 FROM m_s;
SELECT a / 4 FROM m_s UNION SELECT a FROM m_s;
INSERT INTO m_d SELECT CASE WHEN v = 'x' THEN a / 4 ELSE a END, 'q' FROM m_s;
INSERT INTO m_d SELECT coalesce(nullif(a, 1.25), a / 8), 'q' FROM m_s;
INSERT INTO m_d SELECT greatest(a, a / 8 + 100), 'q' FROM m_s;
INSERT INTO m_d SELECT x, 'q' FROM (VALUES (1.25::numeric(10,2)), (1.33333)) v(x);
INSERT INTO m_d SELECT x, 'q' FROM (SELECT a AS x FROM m_s UNION ALL SELECT a / 8 FROM m_s) v;
INSERT INTO m_d SELECT (SELECT a / 8 FROM m_s WHERE v = 'x'), 'q';
INSERT INTO m_d SELECT 1, coalesce(nullif(v, 'abc'), v || 'zzz') FROM m_s;
INSERT INTO m_d SELECT 1, x FROM (VALUES ('a'::varchar(3)), ('aaaaaaa'::varchar)) v(x);
SELECT a, v FROM m_d;
DROP TABLE m_s;
DROP TABLE m_d;
