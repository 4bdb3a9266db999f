import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'

import pg from 'pg'

/** An agent that a copied workspace has. */
export interface SeededAgent {
  readonly id: string
  readonly token: string
}

/** URL of the embedded database of a server in this folder. */
export async function databaseUrl(folder: string): Promise<string> {
  const read = async (name: string) => (await readFile(path.join(folder, 'postgres', name), 'utf8')).trim()
  return `postgres://coder:${await read('password')}@127.0.0.1:${await read('port')}/coder`
}

/** Copies a workspace with its build, job, resource and agent, as if each had been built. */
export async function copyWorkspace(url: string, workspaceId: string, times: number): Promise<SeededAgent[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const columns = new Map<string, string[]>()
  const copy = async (
    table: string,
    id: string,
    changed: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    let names = columns.get(table)
    if (names === undefined) {
      const { rows } = await client.query<{ name: string }>(
        `select column_name as name from information_schema.columns
          where table_name = $1 and table_schema = 'public' and is_generated = 'NEVER' and is_identity = 'NO'`,
        [table],
      )
      names = rows.map((row) => row.name)
      columns.set(table, names)
    }
    const keys = Object.keys(changed)
    const selected = names.map((name) =>
      keys.includes(name) ? `$${keys.indexOf(name) + 2}::text::${typeOf(name)}` : name,
    )
    await client.query(
      `insert into ${table} (${names.join(', ')}) select ${selected.join(', ')} from ${table} where id = $1`,
      [id, ...Object.values(changed)],
    )
  }
  const { rows } = await client.query<{ build: string; job: string; resource: string; agent: string }>(
    `select b.id as build, b.job_id as job, r.id as resource, a.id as agent
       from workspace_builds b join workspace_resources r on r.job_id = b.job_id
       join workspace_agents a on a.resource_id = r.id where b.workspace_id = $1`,
    [workspaceId],
  )
  const [from] = rows
  if (from === undefined) throw new Error('the workspace to copy has no build with an agent')
  const agents: SeededAgent[] = []
  await client.query('begin')
  for (let i = 0; i < times; i += 1) {
    const [workspace, build, job, resource, agent, token] = Array.from({ length: 6 }, () => randomUUID())
    const hash = `\\x${createHash('sha256').update(String(token)).digest('hex')}`
    await copy('workspaces', workspaceId, { id: workspace, name: `copy-${i}` })
    await copy('provisioner_jobs', from.job, { id: job })
    await copy('workspace_builds', from.build, { id: build, workspace_id: workspace, job_id: job })
    await copy('workspace_resources', from.resource, { id: resource, job_id: job })
    await copy('workspace_agents', from.agent, { id: agent, resource_id: resource, auth_token_hash: hash })
    agents.push({ id: String(agent), token: String(token) })
  }
  await client.query('commit')
  await client.query('analyze')
  await client.end()
  return agents
}

function typeOf(column: string): string {
  if (column === 'name') return 'text'
  return column === 'auth_token_hash' ? 'bytea' : 'uuid'
}
