import path from 'node:path'

import pg from 'pg'

import { silentLogger } from '@slipway/request-log'
import { startEmbedded } from '../packages/server/src/database/embedded.ts'
import { migrate } from '../packages/server/src/database/migrate.ts'
import { type Bench, median, scratch } from './harness.ts'

const CLIENTS = 16
const SECONDS = 3

/** Inserts of one row each, by 16 clients, into a table that announces its changes and into one that does not. */
export const changeLog: Bench = async () => {
  await using place = await scratch()
  await using server = await startEmbedded({
    directory: path.join(place.folder, 'postgres'),
    log: silentLogger(),
  })
  await migrate({ connectionString: server.url })
  const pool = new pg.Pool({ connectionString: server.url, max: CLIENTS })
  // The server ends its idle connections when it stops.
  pool.on('error', () => undefined)
  for (const name of ['quiet', 'announced'])
    await pool.query(
      `create table ${name} (id bigint generated always as identity primary key, owner uuid, note text)`,
    )
  await pool.query(
    `create trigger announced_announce after insert on announced for each row execute function announce_change('bench', 'id', 'owner')`,
  )
  const rate = async (table: string): Promise<number> => {
    let inserted = 0
    let stopped = false
    const writer = async () => {
      while (!stopped) {
        await pool.query({
          name: `insert_${table}`,
          text: `insert into ${table} (owner, note) values (gen_random_uuid(), $1)`,
          values: ['a row of the usual length for a workspace or a build'],
        })
        inserted += 1
      }
    }
    const before = performance.now()
    const writers = Array.from({ length: CLIENTS }, writer)
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000))
    stopped = true
    await Promise.all(writers)
    return inserted / ((performance.now() - before) / 1_000)
  }
  const quiet: number[] = []
  const announced: number[] = []
  await rate('quiet')
  for (let round = 0; round < 3; round += 1) {
    quiet.push(await rate('quiet'))
    announced.push(await rate('announced'))
  }
  await pool.end()
  const [mine, baseline] = [median(announced), median(quiet)]
  return [
    {
      what: 'inserts per second with the change log on, 16 clients',
      measured: `${mine.toFixed(0)}/s`,
      baseline: `${baseline.toFixed(0)}/s (off)`,
      result: (mine / baseline).toFixed(2),
      wanted: 'at least 0.6',
    },
  ]
}
