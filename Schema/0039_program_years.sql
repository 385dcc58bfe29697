-- The last year of each country's notices that a program which ran here came with: when one comes with a later year, clocks whose deadlines
-- rest on days nobody knew are looked at again. Of no tenant.
CREATE TABLE program_year (
    country  text PRIMARY KEY,
    year     integer NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON program_year TO kiteline_engine;
