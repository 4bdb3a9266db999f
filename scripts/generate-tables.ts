import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { silentLogger } from '@slipway/request-log'
import { generateTables } from '@slipway/server/database/generate-tables.ts'
import { startEmbedded } from '@slipway/server/database/index.ts'
import { migrate } from '@slipway/server/database/migrate.ts'

const folder = await mkdtemp(path.join(tmpdir(), 'slipway-generate-'))
try {
  await chmod(folder, 0o711)
  await using server = await startEmbedded({
    directory: path.join(folder, 'postgres'),
    log: silentLogger(),
    settings: { fsync: 'off' },
  })
  await migrate({ connectionString: server.url })
  await generateTables(server.url, new URL('../packages/server/src/database/tables.ts', import.meta.url))
} finally {
  await rm(folder, { recursive: true, force: true })
}
