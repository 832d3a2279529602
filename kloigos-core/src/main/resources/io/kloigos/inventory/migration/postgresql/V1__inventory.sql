-- The same tables as for SQLite. Texts that are ordered are so by their bytes, as there.
-- Times are ISO 8601 in UTC, CPU sets in Linux list format, sizes and other values as their types print them.

-- One row: which inventory this is.
CREATE TABLE instance (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  id  TEXT NOT NULL
);

CREATE TABLE servers (
  hostname          TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
  ip                TEXT    NOT NULL,
  ssh_port          BIGINT,
  ssh_user          TEXT,
  host_key          TEXT,
  region            TEXT    NOT NULL,
  zone              TEXT    NOT NULL,
  status            TEXT    NOT NULL,
  reason            TEXT    NOT NULL,
  housekeeping_cpus TEXT    NOT NULL,
  memory_reserve    BIGINT  NOT NULL,
  volumes           TEXT    NOT NULL,
  facts             TEXT    NOT NULL,
  warnings          TEXT    NOT NULL,
  created_at        TEXT COLLATE "C"    NOT NULL,
  operation_id      TEXT,
  fence             BIGINT NOT NULL,
  cordoned          BIGINT NOT NULL,
  cordon_reason     TEXT
);

-- A host is managed under one name.
CREATE UNIQUE INDEX servers_host ON servers (ip, COALESCE(ssh_port, 0), COALESCE(host_key, ''))
  WHERE status <> 'decommissioned';

CREATE TABLE units (
  compute_id     TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
  hostname       TEXT COLLATE "C"    NOT NULL REFERENCES servers (hostname),
  ordinal        BIGINT NOT NULL,
  cpus           TEXT    NOT NULL,
  cpu_count      BIGINT NOT NULL,
  uid            BIGINT NOT NULL,
  first_port     BIGINT NOT NULL,
  end_port       BIGINT NOT NULL,
  limits         TEXT    NOT NULL,
  data_directory TEXT,
  status         TEXT    NOT NULL,
  reason         TEXT    NOT NULL,
  tags           TEXT    NOT NULL,
  deployment_id  TEXT,
  ssh_public_keys TEXT NOT NULL,
  started_at     TEXT,
  operation_id   TEXT,
  fence          BIGINT NOT NULL,
  expires_at     TEXT,
  expiry_told    BIGINT NOT NULL,
  stopped_at     TEXT,
  numa_nodes     TEXT    NOT NULL,
  resized_limits TEXT,
  owner          TEXT,
  UNIQUE (hostname, uid),
  UNIQUE (hostname, first_port),
  UNIQUE (hostname, ordinal)
);

CREATE INDEX units_by_status ON units (status, cpu_count, hostname, ordinal);
-- Holds what a choice among the units of one server looks at.
CREATE INDEX units_by_server ON units (hostname, status, numa_nodes, fence);
CREATE INDEX units_by_deployment ON units (deployment_id);
CREATE INDEX units_by_expiry ON units (expires_at);
CREATE INDEX units_by_owner ON units (owner);

-- The last net: no CPU is ever in two units.
CREATE TABLE unit_cpus (
  hostname   TEXT COLLATE "C"    NOT NULL,
  cpu        BIGINT NOT NULL,
  compute_id TEXT COLLATE "C"    NOT NULL REFERENCES units (compute_id) ON DELETE CASCADE,
  PRIMARY KEY (hostname, cpu)
);

-- How many units of a size are free on a server, and how many of all its units may hold a tenant.
CREATE TABLE capacity (
  hostname  TEXT COLLATE "C" NOT NULL REFERENCES servers (hostname) ON DELETE CASCADE,
  cpu_count BIGINT NOT NULL,
  free      BIGINT NOT NULL CHECK (free >= 0),
  tenants   BIGINT NOT NULL CHECK (tenants >= 0),
  PRIMARY KEY (hostname, cpu_count)
);

CREATE INDEX capacity_most_tenants ON capacity (cpu_count, tenants DESC, hostname) WHERE free > 0;
CREATE INDEX capacity_fewest_tenants ON capacity (cpu_count, tenants, hostname) WHERE free > 0;

-- Which units carry a tag. It stands as the SHA-256 of its name and value, which may be too long for an index.
CREATE TABLE tenant_tags (
  tag        TEXT COLLATE "C" NOT NULL,
  hostname   TEXT COLLATE "C" NOT NULL,
  compute_id TEXT COLLATE "C" NOT NULL REFERENCES units (compute_id) ON DELETE CASCADE,
  PRIMARY KEY (tag, hostname, compute_id)
);

CREATE INDEX tenant_tags_by_unit ON tenant_tags (compute_id);

-- Claims that keep units with the same tag apart queue up here. No row outlives its transaction.
CREATE TABLE tag_claims (
  tag TEXT NOT NULL PRIMARY KEY
);

-- Owner is whose the unit was when the operation began.
-- A replica runs an operation while it holds the lease. Lease times are milliseconds since 1970 by the database's clock.
-- What a unit will be once it has succeeded stands in wanted; of a repair, what it is to mend.
CREATE TABLE operations (
  id               TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
  kind             TEXT    NOT NULL,
  hostname         TEXT COLLATE "C"    NOT NULL,
  compute_id       TEXT,
  data_disks       TEXT    NOT NULL,
  state            TEXT    NOT NULL,
  attempt          BIGINT NOT NULL,
  error            TEXT,
  error_code       TEXT,
  created_at       TEXT COLLATE "C"    NOT NULL,
  started_at       TEXT,
  ended_at         TEXT,
  steps            TEXT    NOT NULL,
  cancel_requested BIGINT NOT NULL,
  fence            BIGINT NOT NULL,
  replica          TEXT    NOT NULL,
  lease_until      BIGINT NOT NULL,
  wanted           TEXT,
  owner            TEXT
);

CREATE INDEX operations_by_state ON operations (state);
CREATE INDEX operations_by_time ON operations (created_at);
CREATE INDEX operations_by_server ON operations (hostname, created_at);
CREATE INDEX operations_by_unit ON operations (compute_id, created_at);
CREATE INDEX operations_by_owner ON operations (owner, created_at);

-- How each server differed when it was last looked at, and when it is to be looked at again: milliseconds since 1970 by the
-- database's clock.
CREATE TABLE drift (
  hostname   TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES servers (hostname) ON DELETE CASCADE,
  due        BIGINT NOT NULL,
  checked_at TEXT,
  facts      BIGINT,
  unit_facts TEXT,
  deviations TEXT
);

-- Which operation a request with an idempotency key began, or when it was done if it took none.
CREATE TABLE requests (
  idempotency_key TEXT NOT NULL PRIMARY KEY,
  fingerprint     TEXT NOT NULL,
  operation_id    TEXT REFERENCES operations (id) ON DELETE CASCADE,
  done_at         TEXT COLLATE "C"
);

CREATE INDEX requests_by_operation ON requests (operation_id);

-- Every change of a status: of what, when, in which operation, from what to what, and why.
CREATE TABLE changes (
  id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at           TEXT    NOT NULL,
  subject      TEXT    NOT NULL,
  operation_id TEXT    NOT NULL,
  before       TEXT    NOT NULL,
  after        TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  replica      TEXT    NOT NULL,
  written_at   BIGINT NOT NULL
);

-- What replicas look through for changes made by others.
CREATE INDEX changes_by_time ON changes (written_at);

-- What was known of a tenant's traces when a deallocation ended; findings, obstacles and forced as JSON.
CREATE TABLE certificates (
  id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  compute_id   TEXT COLLATE "C" NOT NULL,
  operation_id TEXT COLLATE "C" NOT NULL UNIQUE,
  at           TEXT COLLATE "C" NOT NULL,
  findings     TEXT    NOT NULL,
  obstacles    TEXT    NOT NULL,
  discard      TEXT,
  forced       TEXT
);

CREATE INDEX certificates_by_unit ON certificates (compute_id, id);

-- Which deallocations an operator forced, and under which word, as JSON.
CREATE TABLE forced_releases (
  operation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES operations (id) ON DELETE CASCADE,
  forced       TEXT NOT NULL
);

-- API tokens. A secret stands as its SHA-256 only. Rows stay when a token is revoked, so that the audit log can be understood.
CREATE TABLE tokens (
  id           TEXT NOT NULL PRIMARY KEY,
  hash         TEXT NOT NULL,
  name         TEXT NOT NULL,
  role         TEXT NOT NULL,
  tenant       TEXT,
  created_by   TEXT NOT NULL,
  created_at   TEXT COLLATE "C" NOT NULL,
  expires_at   TEXT,
  last_used_at TEXT,
  revoked_at   TEXT
);

CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;

-- Who is logged in by a browser.
CREATE TABLE sessions (
  id         TEXT NOT NULL PRIMARY KEY,
  hash       TEXT NOT NULL,
  subject    TEXT NOT NULL,
  role       TEXT NOT NULL,
  tenant     TEXT,
  token_id   TEXT REFERENCES tokens (id),
  expires_at TEXT COLLATE "C" NOT NULL
);

CREATE INDEX sessions_by_token ON sessions (token_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Who did what over the network or by the token command, and who was refused. Before and after are JSON.
CREATE TABLE audit_log (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at              TEXT COLLATE "C" NOT NULL,
  who             TEXT COLLATE "C" NOT NULL,
  role            TEXT,
  token_id        TEXT,
  address         TEXT COLLATE "C" NOT NULL,
  request_id      TEXT NOT NULL,
  idempotency_key TEXT,
  action          TEXT NOT NULL,
  target          TEXT COLLATE "C",
  before          TEXT,
  after           TEXT,
  outcome         TEXT NOT NULL,
  detail          TEXT
);

CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_who ON audit_log (who);
CREATE INDEX audit_log_by_target ON audit_log (target);
CREATE INDEX audit_log_by_role ON audit_log (role);
CREATE INDEX audit_log_by_address ON audit_log (address);
