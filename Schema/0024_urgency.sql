-- How soon somebody has to hear of it, on which channels besides the one inside Kiteline, and under which key it is told once only.
ALTER TABLE notification
    ADD COLUMN urgency  text NOT NULL DEFAULT 'normal' CHECK (urgency IN ('urgent', 'normal', 'digest')),
    ADD COLUMN channels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN key      text CHECK (length(key) BETWEEN 1 AND 200);
CREATE UNIQUE INDEX notification_once ON notification (tenant_id, recipient, key) WHERE key IS NOT NULL;
