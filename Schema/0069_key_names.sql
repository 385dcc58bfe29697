-- What people call a key, so that the audit log can say who did something and not only by which number.
ALTER TABLE api_key ADD COLUMN name text CHECK (length(name) >= 1 AND length(name) <= 100 AND name !~ '[[:cntrl:]]' AND name ~ '[^[:space:]]');
