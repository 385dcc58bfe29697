-- Two sources may use one id for different leads: what is told of a source's lead is that lead's alone.
ALTER TABLE activity ADD COLUMN source text;  -- null: of every lead of that id
