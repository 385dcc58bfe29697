-- What was due before anybody here could have known of it is history: written down, told nobody, and nobody's delay.
ALTER TABLE escalation ADD COLUMN history boolean NOT NULL DEFAULT false;
