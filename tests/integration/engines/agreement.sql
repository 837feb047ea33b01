-- What test_agreement.py asks of both engines: a name, and a query.

-- casts
select cast('12' as int), try_cast('x' as int), cast(1.005 as decimal(10,2)), cast('2024-01-05' as date)

-- a cast that fails
select cast('x' as int)

-- division by zero
select 1 / 0

-- beyond an array
select array(1, 2)[5]

-- numbers
select 1.10 + 2.2, 10 / 4, 7 div 2, 7 % -3, round(2.5), round(-2.345, 2), abs(-1), greatest(1, 3, 2)

-- texts
select
    concat_ws('; ', 'a', null),
    split('<a><b>', '[<>|]+'),
    array_remove(array('', 'a'), ''),
    lpad('7', 3, '0'),
    regexp_extract('ab12', '([0-9]+)', 1),
    regexp_replace('a-b', '-', '+'),
    substring('hello', 2, 3),
    initcap('ab cd')

-- nothing
select null <=> null, nullif(1, 1), coalesce(null, 2), ifnull(null, 3), 'a' = null

-- days
select
    date '2024-02-29' + interval 1 year,
    to_date('03/01/2024', 'dd/MM/yyyy'),
    add_months(date '2024-01-31', 1),
    date_format(date '2024-01-05', 'EEE yyyy-MM-dd'),
    last_day(date '2024-02-01')

-- moments
select
    timestamp '2008-07-31T21:42:52.667',
    date_trunc('month', timestamp '2024-02-29 10:11:12'),
    unix_timestamp('2024-01-01 00:00:00'),
    from_utc_timestamp(timestamp '2024-07-01 00:00:00', 'Europe/Berlin'),
    current_timezone()

-- json
select
    get_json_object('{"a":{"b":1}}', '$.a.b'),
    to_json(named_struct('x', 1)),
    from_json('{"x":1}', 'x int').x

-- arrays
select
    sequence(1, 3),
    flatten(array(array(1), array(2))),
    array_sort(array(3, 1)),
    transform(array(1, 2), v -> v + 1),
    filter(array(1, 2), v -> v > 1),
    size(array(1)),
    array_contains(array(1), 1)

-- maps
select map('k', 1)['k'], map_keys(map('k', 1)), named_struct('f', 1).f

-- hashes
select xxhash64('a', 1L), md5('a'), sha2('a', 256), crc32('a'), hash('a')

-- patterns
select 'AB' ilike 'a_', 'x' rlike '^x$', if(true, 't', 'f')

-- exploded
select explode(array('p', 'q')) as tag

-- types
select typeof(1), typeof(1.5), typeof(current_timestamp()), typeof(array(1)), typeof('a')

-- aggregates
select count(*), count(distinct x), sum(x), avg(x), max(x), percentile(x, 0.5), stddev(x)
from values (1), (2), (9), (9) t(x)

-- windows
select
    x,
    row_number() over (partition by g order by x),
    lag(x) over (order by x),
    sum(x) over (order by x)
from values ('a', 1), ('a', 2), ('b', 3) t(g, x)

-- joins
select a.x, b.y from values (1), (2) a(x) full outer join values (2), (3) b(y) on a.x = b.y

-- lateral views
select b from values (array(1, 2)) t(a) lateral view explode(a) e as b

-- sets
select 1 as a union select 1 union all select 2 except select 2

-- ctes
select * from (with c as (select 1 as a) select a + 1 from c)

-- an int that overflows
select cast(2147483647 as int) + cast(1 as int)

-- bround
select bround(2.5)

-- days between
select datediff('2024-03-01', '2024-02-28')

-- a date minus a date
select typeof(date '2024-01-01' - date '2023-01-01')

-- a condition of no type
select case when null then 1 else 2 end

-- pivot
select * from (select * from values ('a', 1), ('b', 2) t(g, x)) pivot (sum(x) for g in ('a', 'b'))

-- qualify
select x from values (1), (2) t(x) qualify row_number() over (order by x desc) = 1

-- group by all
select x, count(*) from values (1), (1) t(x) group by all

-- star except
select * except (x) from values (1, 2) t(x, y)

-- variant
select parse_json('{"a":1}'):a::int
