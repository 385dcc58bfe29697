-- Where a candidate leaves a lead where it is, and something else follows from that: when its owner owes what, and what its owner is told.
ALTER TABLE replay_difference ADD COLUMN live_follows text, ADD COLUMN follows text;
