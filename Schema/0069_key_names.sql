-- What people call a key, so that the audit log can say who did something and not only by which number.
ALTER TABLE api_key ADD COLUMN name text CHECK (length(name) BETWEEN 1 AND 100 AND name !~ '[[:cntrl:]]' AND name ~ '[^[:space:]]');
