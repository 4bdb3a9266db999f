import pg from 'pg'

import { createUser, getOrganization } from '@slipway/contract'
import { userActor } from '../packages/server/src/authz/index.ts'
import { type Bench, builtIn, connectedAgent, median, owner, runServer, scratch } from './harness.ts'
import { copyWorkspace, databaseUrl } from './seed.ts'
import { listStatement } from './workspaces-list.ts'

const ROWS = 10_000
const SEEN = 25
const ROUNDS = 200

/** The page of 25 workspaces that a member sees of 10,000, against the same statement without what hides the others. */
export const filteredList: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const { workspace } = await connectedAgent(client, await builtIn(client), 'original')
  const url = await databaseUrl(place.folder)
  await copyWorkspace(url, workspace.id, ROWS - 1)
  const organization = await client.call(getOrganization, { params: { organization: 'default' } })
  const member = await client.call(createUser, {
    body: {
      email: 'member@example.com',
      username: 'member',
      password: 'SomePassword-2026!',
      organization_ids: [organization.id],
    },
  })
  const database = new pg.Client({ connectionString: url })
  await database.connect()
  try {
    await database.query(
      `update workspaces set owner_id = $1 where id in (select id from workspaces order by id limit ${SEEN})`,
      [member.id],
    )
    await database.query('vacuum analyze')
    const filtered = await listStatement(
      url,
      userActor({
        id: member.id,
        username: 'member',
        siteRoles: [],
        isServiceAccount: false,
        groups: [organization.id],
        memberships: [
          {
            organizationId: organization.id,
            roles: [],
            defaultRoles: ['organization-workspace-access'],
            sharing: 'everyone',
          },
        ],
      }),
    )
    const all = await listStatement(url)
    const took: { filtered: number[]; all: number[] } = { filtered: [], all: [] }
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [name, statement] of [['filtered', filtered] as const, ['all', all] as const]) {
        const start = performance.now()
        const { rows } = await database.query({ name, text: statement.text, values: [...statement.values] })
        took[name].push(performance.now() - start)
        if (rows.length !== SEEN) throw new Error(`the ${name} list has ${rows.length} rows`)
      }
    const [mine, baseline] = [median(took.filtered), median(took.all)]
    return [
      {
        what: `a list of ${ROWS} workspaces for a member who sees ${SEEN}`,
        measured: `${mine.toFixed(2)} ms`,
        baseline: `${baseline.toFixed(2)} ms (the same statement without the filter)`,
        result: (baseline / mine).toFixed(2),
        wanted: 'at least 0.8',
      },
    ]
  } finally {
    await database.end()
  }
}
