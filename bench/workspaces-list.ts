import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import pg from 'pg'

import { listWorkspaces as listRoute } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { type Actor, systemActor } from '../packages/server/src/authz/index.ts'
import { Database } from '../packages/server/src/database/index.ts'
import { listWorkspaces } from '../packages/server/src/workspaces/store/workspaces.ts'
import {
  type Bench,
  builtIn,
  connectedAgent,
  LOGGED,
  median,
  owner,
  run,
  runServer,
  scratch,
  until,
} from './harness.ts'
import { load } from './load.ts'
import { copyWorkspace, databaseUrl } from './seed.ts'

const BARE = fileURLToPath(new URL('./bare-server.ts', import.meta.url))
const LOAD = { connections: 8, seconds: 4 }
const WORKSPACES = 1_000
const LIMIT = 25

/** `GET /api/v2/workspaces?limit=25` of 1,000, against a bare route that runs the same query and sends its rows. */
export const workspacesList: Bench = async () => {
  await using place = await scratch()
  const log = path.join(place.folder, 'server.log')
  await using server = await runServer(place.folder, log, LOGGED)
  const client = await owner(server.url)
  const { workspace } = await connectedAgent(client, await builtIn(client), 'original')
  const url = await databaseUrl(place.folder)
  await copyWorkspace(url, workspace.id, WORKSPACES - 1)
  const page = await client.call(listRoute, { query: { limit: LIMIT } })
  if (page.workspaces.length !== LIMIT || page.count !== WORKSPACES)
    throw new Error(`a page has ${page.workspaces.length} of ${page.count} workspaces`)
  const statements = await until(() => lastStatements(log))
  const statement = await listStatement(url)
  await using bare = await run([BARE], {
    DATABASE: url,
    SQL: statement.text,
    PARAMETERS: JSON.stringify(statement.values),
  })
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < 3; round += 1) {
    theirs.push((await load({ ...LOAD, url: `${bare.url}/`, headers: {} })).rate)
    const ask = { url: `${server.url}/api/v2/workspaces?limit=${LIMIT}`, headers: { ...client.headers } }
    ours.push((await load({ ...LOAD, ...ask })).rate)
  }
  const [mine, baseline] = [median(ours), median(theirs)]
  return [
    {
      what: 'GET /api/v2/workspaces?limit=25 with 1,000 workspaces, throughput',
      measured: `${mine.toFixed(0)} requests/s, ${statements} statements each`,
      baseline: `${baseline.toFixed(0)} requests/s (bare route running the same query)`,
      result: (mine / baseline).toFixed(2),
      wanted: 'at least 0.5 with at most 3 statements',
    },
  ]
}

/** How many statements the server says that its latest page took. */
async function lastStatements(log: string): Promise<number | undefined> {
  const lines = (await readFile(log, 'utf8'))
    .split('\n')
    .filter((line) => line.includes('"/api/v2/workspaces"'))
  const line = lines.findLast((text) => text.includes('"GET"'))
  return line === undefined ? undefined : Number(JSON.parse(line).statements)
}

/** The statement that the list sends, as the driver sees it. */
export async function listStatement(
  url: string,
  actor: Actor = systemActor('provisionerd', 'measures the statement itself'),
): Promise<{ readonly text: string; readonly values: readonly unknown[] }> {
  await using database = await Database.open({
    url,
    maxConnections: 2,
    log: silentLogger(),
    replicaId: 'bench',
  })
  const original = pg.Client.prototype.query
  let seen: { text: string; values: unknown[] } | undefined
  pg.Client.prototype.query = function capture(this: pg.Client, ...args: unknown[]) {
    const [query] = args
    if (typeof query === 'object' && query !== null && 'text' in query && 'values' in query)
      if (String(query.text).includes('from "workspaces"'))
        seen = { text: String(query.text), values: Array.isArray(query.values) ? query.values : [] }
    return Reflect.apply(original, this, args)
  } as typeof original
  try {
    await listWorkspaces(actor, database.db, [], {
      limit: LIMIT,
    })
  } finally {
    pg.Client.prototype.query = original
  }
  if (seen === undefined) throw new Error('the list sent no statement')
  return seen
}
