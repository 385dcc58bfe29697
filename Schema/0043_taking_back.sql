-- What a rule change that is taken back has to put right: the leads that the other version would have put elsewhere, or taken for another. Of those
-- decided before this was written down nobody knows, so they count as such.
ALTER TABLE rollout_case ADD COLUMN elsewhere boolean NOT NULL DEFAULT true;
