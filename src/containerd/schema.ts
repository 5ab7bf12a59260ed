// The metadata database of the containerd layer. Blobs and snapshot trees are files beside it; what is not in a table does not exist.

export const schema: readonly string[] = [
  `
  CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE blobs (
    namespace TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, labels TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL,
    PRIMARY KEY (namespace, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_by_digest ON blobs (digest);

  CREATE TABLE ingests (
    namespace TEXT NOT NULL, ref TEXT NOT NULL, file TEXT NOT NULL, total INTEGER NOT NULL, expected TEXT NOT NULL,
    started INTEGER NOT NULL,
    PRIMARY KEY (namespace, ref)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, key TEXT NOT NULL,
    parent INTEGER REFERENCES snapshots (id), kind TEXT NOT NULL, labels TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, size INTEGER, inodes INTEGER,
    leased INTEGER NOT NULL,
    UNIQUE (namespace, key)
  ) STRICT;
  CREATE INDEX snapshots_by_parent ON snapshots (parent);

  CREATE TABLE images (
    namespace TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL, labels TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    namespace TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE lease_resources (
    namespace TEXT NOT NULL, lease TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (namespace, lease, type, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE containers (
    namespace TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, image TEXT NOT NULL,
    runtime TEXT NOT NULL, options_type TEXT, options BLOB, spec_type TEXT, spec BLOB,
    snapshotter TEXT NOT NULL, snapshot_key TEXT NOT NULL, extensions TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
  ) STRICT, WITHOUT ROWID
  `,
  // Blobs that can be rebuilt: their files may be missing.
  `
  CREATE TABLE rebuilds (
    digest TEXT PRIMARY KEY, snapshot INTEGER NOT NULL REFERENCES snapshots (id), record_size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rebuilds_by_snapshot ON rebuilds (snapshot)
  `,
];
