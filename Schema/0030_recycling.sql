-- Whether an assignment ended because nobody touched the lead in time: then the next one is to somebody else. Set once, when it ends.
ALTER TABLE assignment ADD COLUMN recycled boolean NOT NULL DEFAULT false;
