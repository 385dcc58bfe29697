-- Who starts a rollout may leave its reason out; then none is written down, where "started" stood.
ALTER TABLE rollout_event ALTER COLUMN reason DROP NOT NULL;
