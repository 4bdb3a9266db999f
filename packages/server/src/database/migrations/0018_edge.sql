-- oldest-version: 4
-- ID-62, ID-222: what is kept of a key holds when the token of its login provider ends, so a change of that is told too.
create trigger user_links_announce after insert or delete or update of oauth_expiry, oauth_refresh_token on user_links
  for each row execute function announce_change('user_link', 'user_id', 'login_type');

-- ID-208: counts of requests that all replicas share, where the operator wants that. Unlogged: nobody misses them after
-- a crash. A row is one bucket: the digest of who asks for what, its minute and the counts of that and of the one before.
create unlogged table rate_limit_buckets (
  bucket bytea primary key check (octet_length(bucket) = 16),
  window_start bigint not null,
  current_count integer not null,
  previous_count integer not null,
  granted boolean not null
) with (fillfactor = 70);
create index rate_limit_buckets_window on rate_limit_buckets (window_start);

-- ID-121: counts a request unless the sliding window is full. One statement under the lock of the row, so that no two
-- replicas can give away the same place. Times are Unix milliseconds; `elapsed` is the share of the window that is over.
create function take_from_bucket(
  of_bucket bytea, starts_at bigint, window_ms integer, elapsed double precision, at_most integer
) returns table (granted boolean, current_count integer, previous_count integer) language sql as $$
  insert into rate_limit_buckets as b values (of_bucket, starts_at, least(1, at_most), 0, at_most >= 1)
  on conflict (bucket) do update set (window_start, current_count, previous_count, granted) = (
    select greatest(b.window_start, starts_at), counted + fits::integer, before, fits
      from (select case when b.window_start >= starts_at then b.current_count else 0 end as counted,
                   case when b.window_start >= starts_at then b.previous_count
                        when b.window_start = starts_at - window_ms then b.current_count
                        else 0 end as before) as now
           cross join lateral (select counted + before * (1 - elapsed) + 1 <= at_most as fits) as decided)
  returning b.granted, b.current_count, b.previous_count
$$;
