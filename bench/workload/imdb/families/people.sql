-- Families of queries about people and what they did.

-- family 21: players of a figure
SELECT min(g.name) AS figure, min(w.title) AS title
FROM figure g, credit c, work w, job j, work_studio ws, studio s, studio_part sp
WHERE w.id = ws.work_id AND w.id = c.work_id AND c.work_id = ws.work_id AND g.id = c.figure_id AND j.id = c.job_id
	AND s.id = ws.studio_id AND sp.id = ws.part_id
-- 21a
AND j.label = 'actor' AND c.remark LIKE '%(voice)%' AND s.country_code = 'JP' AND w.year > 1980
-- 21b
AND j.label = 'actor' AND c.remark LIKE '%(uncredited)%' AND s.country_code = 'GB' AND w.year > 1950
-- 21c
AND j.label = 'actress' AND s.country_code = 'US' AND sp.label = 'effects' AND w.year > 1990

-- family 22: who is in the works of a tag
SELECT min(t.word) AS word, min(p.name) AS person, min(w.title) AS title
FROM credit c, tag t, work_tag wt, person p, work w
WHERE t.id = wt.tag_id AND w.id = wt.work_id AND w.id = c.work_id AND wt.work_id = c.work_id AND p.id = c.person_id
-- 22a
AND t.word = 'superhero' AND p.name LIKE '%berg%' AND w.year > 2000
-- 22b
AND t.word IN ('superhero', 'sequel', 'spaceship', 'car-chase', 'explosion', 'magic', 'time-travel') AND p.name LIKE '%Hugo%'
	AND w.year > 2005
-- 22c
AND t.word IN ('superhero', 'sequel') AND w.year > 1970
-- 22d
AND t.word = 'based-on-novel' AND p.name LIKE 'B%' AND w.year BETWEEN 1930 AND 2000

-- family 23: known people with another name, in linked works
SELECT min(p.name) AS person, min(w.title) AS title
FROM person_alias pa, credit c, person_fact pf, fact_kind pk, link_kind lk, work_link wl, person p, work w
WHERE p.id = pa.person_id AND p.id = pf.person_id AND p.id = c.person_id AND w.id = c.work_id AND wl.linked_id = w.id
	AND lk.id = wl.kind_id AND pk.id = pf.kind_id AND pf.person_id = pa.person_id AND pf.person_id = c.person_id
	AND pa.person_id = c.person_id AND c.work_id = wl.linked_id
-- 23a
AND pa.name LIKE '%a%' AND pk.label = 'biography' AND pf.remark = 'Volker B.' AND p.gender = 'm' AND lk.label = 'features'
	AND w.year BETWEEN 1980 AND 2024
-- 23b
AND pa.name LIKE 'B%' AND pk.label = 'biography' AND lk.label IN ('references', 'features') AND p.gender IN ('m', 'f')
	AND w.year BETWEEN 1960 AND 2024
-- 23c
AND pa.name IS NOT NULL AND (pa.name LIKE '%er%' OR pa.name LIKE 'A%') AND pk.label = 'birth place'
	AND lk.label IN ('references', 'follows', 'version of') AND (p.gender = 'f' OR p.gender = 'm' AND p.name LIKE 'B%')

-- family 24: aliases of those who speak in works of a country
SELECT min(pa.name) AS alias, min(w.title) AS title
FROM person_alias pa, credit c, studio s, work_studio ws, person p, job j, work w
WHERE pa.person_id = p.id AND p.id = c.person_id AND c.work_id = w.id AND w.id = ws.work_id AND ws.studio_id = s.id AND j.id = c.job_id
	AND pa.person_id = c.person_id AND c.work_id = ws.work_id
-- 24a
AND c.remark = '(voice: English version)' AND s.country_code = 'JP' AND j.label IN ('actor', 'actress')
-- 24b
AND c.remark IN ('(voice)', '(voice: English version)') AND s.country_code = 'JP' AND w.year BETWEEN 1990 AND 2020 AND p.name LIKE '%o%'
-- 24c
AND s.country_code = 'US' AND j.label = 'writer' AND c.remark IS NOT NULL
-- 24d
AND s.country_code = 'FR' AND j.label = 'composer'

-- family 25: actresses, their other names and figures
SELECT min(pa.name) AS alias, min(g.name) AS figure, min(p.name) AS person, min(w.title) AS title
FROM person_alias pa, figure g, credit c, studio s, work_studio ws, person p, job j, work w
WHERE w.id = ws.work_id AND w.id = c.work_id AND c.work_id = ws.work_id AND s.id = ws.studio_id AND p.id = c.person_id
	AND j.id = c.job_id AND p.id = pa.person_id AND pa.person_id = c.person_id AND g.id = c.figure_id
-- 25a
AND j.label = 'actress' AND p.gender = 'f' AND p.name LIKE '%a%' AND s.country_code = 'US' AND w.year BETWEEN 2000 AND 2024
-- 25b
AND j.label = 'actress' AND c.remark = '(voice)' AND s.country_code IN ('US', 'JP') AND w.year > 1985
-- 25c
AND j.label = 'actress' AND p.gender = 'f' AND g.name LIKE 'Queen%'
-- 25d
AND j.label = 'actress' AND s.country_code <> p.country_code AND p.country_code = 'US'

-- family 26: figures of the works that were voted for
SELECT min(g.name) AS figure, min(sc.value) AS rating, min(p.name) AS player, min(w.title) AS title
FROM coverage cv, coverage_kind k1, coverage_kind k2, figure g, credit c, fact_kind sk, work_score sc, tag t, form f, work_tag wt,
	person p, work w
WHERE f.id = w.form_id AND w.id = wt.work_id AND w.id = c.work_id AND w.id = cv.work_id AND w.id = sc.work_id
	AND wt.work_id = c.work_id AND wt.work_id = cv.work_id AND wt.work_id = sc.work_id AND c.work_id = cv.work_id
	AND c.work_id = sc.work_id AND cv.work_id = sc.work_id AND g.id = c.figure_id AND p.id = c.person_id AND t.id = wt.tag_id
	AND k1.id = cv.subject_id AND k2.id = cv.status_id AND sk.id = sc.kind_id AND sk.label = 'rating'
-- 26a
AND k1.label = 'cast' AND k2.label LIKE '%complete%' AND g.name LIKE '%man%'
	AND t.word IN ('superhero', 'sequel', 'magic', 'explosion', 'martial-arts') AND f.label = 'feature' AND sc.value > 5.0
-- 26b
AND k1.label = 'cast' AND k2.label = 'complete and verified' AND t.word IN ('superhero', 'sequel') AND f.label = 'feature'
	AND sc.value > 6.5 AND w.year > 1980
-- 26c
AND k1.label = 'crew' AND k2.label LIKE 'complete%' AND g.name IN ('Policeman', 'Waiter', 'Nurse', 'Soldier', 'Guard')
	AND f.label IN ('feature', 'series')

-- family 27: men and women in the works of a genre
SELECT min(wg.value) AS genre, max(sc.value) AS votes, min(p.name) AS person, min(w.title) AS title
FROM credit c, fact_kind kg, fact_kind sk, work_fact wg, work_score sc, person p, work w
WHERE w.id = wg.work_id AND w.id = sc.work_id AND w.id = c.work_id AND c.work_id = wg.work_id AND c.work_id = sc.work_id
	AND wg.work_id = sc.work_id AND p.id = c.person_id AND kg.id = wg.kind_id AND sk.id = sc.kind_id AND kg.label = 'genre'
	AND sk.label = 'votes'
-- 27a
AND c.remark IN ('(executive producer)', '(co-producer)') AND p.gender = 'm' AND p.name LIKE '%Karl%'
-- 27b
AND c.remark IN ('(novel)', '(story)', '(screenplay)') AND wg.value IN ('Horror', 'Thriller', 'Crime') AND p.gender = 'f' AND w.year > 1950
-- 27c
AND c.remark IN ('(story)', '(screenplay)', '(dialogue)') AND wg.value IN ('Horror', 'Action', 'Science Fiction', 'Thriller', 'Crime',
	'War') AND p.gender = 'm'
-- 27d
AND c.remark = '(voice)' AND wg.value = 'Animation' AND p.country_code = 'JP'

-- family 28: those who won prizes for works they were in
SELECT min(p.name) AS person, min(w.title) AS title, count(*) AS awards
FROM award a, prize z, person p, credit c, job j, work w, form f
WHERE z.id = a.prize_id AND w.id = a.work_id AND p.id = a.person_id AND c.work_id = w.id AND c.person_id = p.id
	AND c.work_id = a.work_id AND c.person_id = a.person_id AND j.id = c.job_id AND f.id = w.form_id
-- 28a
AND a.won AND j.label = 'director' AND f.label = 'feature'
-- 28b
AND NOT a.won AND j.label IN ('actor', 'actress') AND a.year > 1980
-- 28c
AND z.name LIKE '%Golden%' AND j.label IN ('writer', 'director') AND p.country_code <> 'US'
-- 28d
AND z.name IN ('Golden Lantern', 'Silver Reel', 'Crystal Owl') AND a.won AND p.born > 1940

-- family 29: the cast of what is told at length about animated works
SELECT min(g.name) AS figure, min(p.name) AS player, min(w.title) AS title
FROM person_alias pa, coverage cv, coverage_kind k1, coverage_kind k2, figure g, credit c, studio s, fact_kind fk, fact_kind pk, tag t,
	work_studio ws, work_fact wf, work_tag wt, person p, person_fact pf, job j, work w
WHERE w.id = wf.work_id AND w.id = ws.work_id AND w.id = c.work_id AND w.id = wt.work_id AND w.id = cv.work_id
	AND ws.work_id = c.work_id AND ws.work_id = wf.work_id AND ws.work_id = wt.work_id AND ws.work_id = cv.work_id
	AND wf.work_id = c.work_id AND wf.work_id = wt.work_id AND c.work_id = wt.work_id AND c.work_id = cv.work_id
	AND wt.work_id = cv.work_id AND s.id = ws.studio_id AND fk.id = wf.kind_id AND p.id = c.person_id AND j.id = c.job_id
	AND p.id = pa.person_id AND pa.person_id = c.person_id AND g.id = c.figure_id AND p.id = pf.person_id AND pf.person_id = c.person_id
	AND pk.id = pf.kind_id AND t.id = wt.tag_id AND k1.id = cv.subject_id AND k2.id = cv.status_id
-- 29a
AND k1.label = 'cast' AND k2.label LIKE 'complete%' AND c.remark IN ('(voice)', '(uncredited)') AND fk.label = 'genre'
	AND pk.label = 'birth place' AND j.label = 'actress' AND s.country_code = 'US'
-- 29b
AND k1.label = 'cast' AND fk.label = 'country' AND wf.value = 'Japan' AND pk.label IN ('birth place', 'height')
	AND j.label IN ('actor', 'actress') AND w.year > 1980
-- 29c
AND k1.label = 'crew' AND k2.label = 'complete and verified' AND fk.label = 'genre'
	AND wf.value IN ('Action', 'Comedy', 'Drama', 'Western') AND t.word LIKE '%-%' AND pk.label = 'height' AND p.gender = 'm'
	AND s.country_code IN ('US', 'GB')

-- family 30: who writes and who is watched
SELECT min(wg.value) AS genre, max(sc.value) AS votes, min(p.name) AS writer, min(w.title) AS title
FROM coverage cv, coverage_kind k1, coverage_kind k2, credit c, fact_kind kg, fact_kind sk, work_fact wg, work_score sc, tag t,
	work_tag wt, person p, work w
WHERE w.id = wg.work_id AND w.id = sc.work_id AND w.id = c.work_id AND w.id = wt.work_id AND w.id = cv.work_id
	AND c.work_id = wg.work_id AND c.work_id = sc.work_id AND c.work_id = wt.work_id AND c.work_id = cv.work_id
	AND wg.work_id = sc.work_id AND wg.work_id = wt.work_id AND wg.work_id = cv.work_id AND sc.work_id = wt.work_id
	AND sc.work_id = cv.work_id AND wt.work_id = cv.work_id AND p.id = c.person_id AND kg.id = wg.kind_id AND sk.id = sc.kind_id
	AND t.id = wt.tag_id AND k1.id = cv.subject_id AND k2.id = cv.status_id AND kg.label = 'genre' AND sk.label = 'votes'
-- 30a
AND k1.label IN ('cast', 'crew') AND k2.label = 'complete and verified' AND c.remark IN ('(novel)', '(story)', '(screenplay)')
	AND wg.value IN ('Horror', 'Thriller', 'Drama') AND p.gender = 'm' AND w.year > 1960
-- 30b
AND k1.label = 'crew' AND k2.label LIKE 'complete%' AND t.word IN ('murder', 'blood', 'haunted-house', 'vampire', 'explosion',
	'hostage') AND p.gender = 'f'
-- 30c
AND k1.label = 'cast' AND c.remark LIKE '%producer%' AND wg.value IN ('Action', 'Romance', 'Musical', 'War') AND t.word NOT LIKE '%a%'
