-- oldest: 1
-- Each sink is looked at by itself, so that the backlog of one that is down costs the others nothing.
CREATE INDEX outbox_due ON outbox (sink, next_at, id) WHERE state = 'pending';
DROP INDEX outbox_pending;
